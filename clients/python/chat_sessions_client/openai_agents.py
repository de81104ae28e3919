"""The OpenAI Agents SDK's `Session`: `Runner.run(agent, "Hello", session=ChatSession(...))`."""

import asyncio
from collections.abc import Coroutine, Iterator
from contextlib import contextmanager, suppress
from typing import Any, TypeVar, cast

from agents import SessionABC, SessionSettings, TResponseInputItem
from agents.exceptions import AgentsException, UserError
from agents.memory.session_settings import coerce_session_settings, resolve_session_limit

from chat_sessions_client import AsyncClient, external
from chat_sessions_client.batches import batches
from chat_sessions_client.errors import ChatSessionsError, InvalidInput, NotFound

FORMAT = "openai.response-item"
_ROLES = {"user", "assistant", "system", "developer"}

T = TypeVar("T")


class ChatSession(SessionABC):
    """A conversation, which is made with its first item, under the external id `session_id`.

    Each item is the body of a message, as it is. Raises UserError where the service refuses what it
    is given, and AgentsException where it cannot be reached.
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

    async def get_items(self, limit: int | None = None) -> list[TResponseInputItem]:
        """The items, the oldest first; with a limit, so many of the newest."""
        limit = resolve_session_limit(limit, self.session_settings)
        if limit is not None and limit <= 0:
            return []
        page = 200 if limit is None else min(limit, 200)
        walk = self._client.messages(self._session, sort_order="desc", view="body", limit=page)
        items: list[Any] = []
        with _as_theirs(), suppress(NotFound):
            async for item in walk:
                items.append(item)
                if len(items) == limit:
                    break
        return items[::-1]

    async def add_items(self, items: list[TResponseInputItem]) -> None:
        """Each batch of 100 items is stored whole or not at all."""
        messages = [{"role": _role(item), "format": FORMAT, "body": item} for item in items]
        with _as_theirs():
            for batch in batches(messages):
                await _to_its_end(self._client.append(self._session, batch, create=True))

    async def pop_item(self) -> TResponseInputItem | None:
        with _as_theirs(), suppress(NotFound):
            removed: Any = await _to_its_end(self._client.delete_message(self._session, "last"))
            plain = {"role": removed["role"], "content": removed["content"]}
            return cast("TResponseInputItem", removed["body"] or plain)
        return None

    async def clear_session(self) -> None:
        with _as_theirs(), suppress(NotFound):
            await _to_its_end(self._client.clear_messages(self._session))

    @property
    def _session(self) -> str:
        return external(self.session_id)


def _role(item: Any) -> str:
    if item.get("role") in _ROLES:
        return str(item["role"])
    return "tool" if str(item.get("type")).endswith("_output") else "assistant"


async def _to_its_end(write: Coroutine[Any, Any, T]) -> T:
    """Let a write end, whoever is cancelled meanwhile, so that it is known what is stored."""
    task = asyncio.ensure_future(write)
    cancelled = None
    while not task.done():
        try:
            await asyncio.wait([task])
        except asyncio.CancelledError as error:
            cancelled = error
    if cancelled:
        raise cancelled
    return task.result()


@contextmanager
def _as_theirs() -> Iterator[None]:
    try:
        yield
    except (InvalidInput, ValueError) as error:
        raise UserError(str(error)) from error
    except ChatSessionsError as error:
        raise AgentsException(str(error)) from error
