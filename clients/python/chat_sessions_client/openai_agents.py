"""The OpenAI Agents SDK's `Session`: `Runner.run(agent, "Hello", session=ChatSession(...))`."""

from collections.abc import Iterator
from contextlib import contextmanager, suppress
from typing import Any

from agents import SessionABC, SessionSettings, TResponseInputItem
from agents.exceptions import AgentsException, UserError
from agents.memory.session_settings import coerce_session_settings, resolve_session_limit

from chat_sessions_client import AsyncClient, external
from chat_sessions_client.batches import batches
from chat_sessions_client.errors import (
    ChatSessionsError,
    MessageNotFound,
    ProblemError,
    SessionNotFound,
)
from chat_sessions_client.openai_items import FORMAT, items_of, message_of
from chat_sessions_client.writes import Writes

__all__ = ["FORMAT", "ChatSession"]
_SERVER_ERROR = 500


class ChatSession(SessionABC):
    """A conversation, which is made with its first item, under the external id `session_id`.

    Each item is the body of a message, as it is; messages of other clients are read as text. Raises
    UserError where the service refuses, and AgentsException where it fails or cannot be reached.
    """

    def __init__(
        self,
        session_id: str,
        client: AsyncClient,
        *,
        session_settings: SessionSettings | dict[str, Any] | None = None,
    ) -> None:
        self.session_id = session_id
        self.session_settings = coerce_session_settings(session_settings or SessionSettings())
        self._client = client
        self._writes = Writes()

    async def get_items(self, limit: int | None = None) -> list[TResponseInputItem]:
        """The items, the oldest first; with a limit, so many of the newest."""
        limit = resolve_session_limit(limit, self.session_settings)
        if limit == 0:
            return []
        if limit is not None and limit < 0:  # as SQLiteSession has it
            limit = None
        await self._writes.settled()
        page = 200 if limit is None else min(limit, 200)
        items: list[TResponseInputItem] = []
        with _as_theirs(), suppress(SessionNotFound):
            async for message in self._client.messages(
                self._session, sort_order="desc", limit=page
            ):
                items += items_of(message)
                if len(items) == limit:
                    break
        return items[::-1]

    async def add_items(self, items: list[TResponseInputItem]) -> None:
        """Each batch of 100 items is stored whole or not at all."""
        with _as_theirs():
            await self._writes.run(lambda: self._add(items))

    async def pop_item(self) -> TResponseInputItem | None:
        with _as_theirs(), suppress(SessionNotFound):
            return await self._writes.run(self._pop)
        return None

    async def clear_session(self) -> None:
        with _as_theirs(), suppress(SessionNotFound):
            await self._writes.run(lambda: self._client.clear_messages(self._session))

    @property
    def _session(self) -> str:
        return external(self.session_id)

    async def _add(self, items: list[TResponseInputItem]) -> None:
        for batch in batches(map(message_of, items)):
            try:
                await self._client.append(self._session, batch, create=True)
            except SessionNotFound:  # the service tells here what is wrong with the id
                await self._client.create_session(external_id=self.session_id, existing="keep")
                await self._client.append(self._session, batch, create=True)

    async def _pop(self) -> TResponseInputItem | None:
        async for message in self._client.messages(self._session, sort_order="desc", limit=2):
            for item in items_of(message):
                with suppress(MessageNotFound):  # somebody else has taken it
                    await self._client.delete_message(self._session, message["message_order"])
                    return item
        return None


@contextmanager
def _as_theirs() -> Iterator[None]:
    try:
        yield
    except ValueError as error:
        raise UserError(str(error)) from error
    except ChatSessionsError as error:
        is_refusal = isinstance(error, ProblemError) and error.status < _SERVER_ERROR
        raise (UserError if is_refusal else AgentsException)(str(error)) from error
