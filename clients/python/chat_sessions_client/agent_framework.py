"""Microsoft Agent Framework's `HistoryProvider`, for `Agent(..., context_providers=[...])`."""

from collections.abc import Sequence
from contextlib import suppress
from typing import Any

from agent_framework import HistoryProvider, Message
from agent_framework._sessions import filter_new_messages
from agent_framework.exceptions import (
    AgentException,
    AgentInvalidAuthException,
    AgentInvalidRequestException,
)

from chat_sessions_client import AsyncClient, errors, external
from chat_sessions_client.agent_framework_messages import as_read, messages_of, stored_of
from chat_sessions_client.batches import batches
from chat_sessions_client.translation import translating

_as_theirs = translating(
    ((errors.Unauthorized, errors.Forbidden), AgentInvalidAuthException),
    ((errors.InvalidInput, errors.BodyTooLarge, ValueError), AgentInvalidRequestException),
    (errors.ChatSessionsError, AgentException),
)


class ChatHistoryProvider(HistoryProvider):
    """Each message is one of the service, as it is, in a session under the id of the agent's.

    What a run hands over again is not stored again, as with the framework's own providers. Others'
    messages are read as text. `options` are those of HistoryProvider.
    """

    def __init__(
        self,
        client: AsyncClient,
        source_id: str = "chat_sessions",
        *,
        skip_excluded: bool = False,
        **options: Any,
    ) -> None:
        super().__init__(source_id, **options)
        self._client = client
        self._skip_excluded = skip_excluded

    @_as_theirs
    async def get_messages(
        self,
        session_id: str | None,
        *,
        state: dict[str, Any] | None = None,
        **_: Any,
    ) -> list[Message]:
        found: list[Message] = []
        with suppress(errors.SessionNotFound):
            async for stored in self._client.messages(_session(session_id), limit=200):
                found += messages_of(stored)
        if self._skip_excluded:
            found = [one for one in found if not one.additional_properties.get("_excluded")]
        return found

    @_as_theirs
    async def save_messages(
        self,
        session_id: str | None,
        messages: Sequence[Message],
        *,
        state: dict[str, Any] | None = None,
        **_: Any,
    ) -> None:
        """Each batch of 100 messages is stored whole or not at all."""
        session = _session(session_id)
        given = [as_read(message) for message in messages]
        while messages:
            try:
                await self._append_new(session, given)
            except errors.SessionNotFound:
                await self._client.create_session(external_id=session_id, existing="keep")
            except errors.VersionMismatch:  # another has written meanwhile, perhaps the same
                continue
            else:
                return

    async def _append_new(self, session: str, given: list[Message]) -> None:
        _, tag = await self._client.tagged_session(session)
        newest: list[Message] = []
        async for stored in self._client.messages(session, sort_order="desc", limit=200):
            newest[:0] = messages_of(stored)
            if len(newest) > len(given):  # an overlap is no longer than what is given
                break
        if_match: str | None = tag
        for batch in batches(map(stored_of, filter_new_messages(newest, given))):
            await self._client.append(session, batch, if_match=if_match)
            if_match = None


def _session(session_id: str | None) -> str:
    if not session_id:
        raise ValueError("messages are kept under the id of a session")
    return external(session_id)
