"""Pydantic AI's `ConversationStore`."""

from collections.abc import Sequence
from contextlib import suppress

from pydantic_ai.conversation_store import (
    ConversationConflict,
    ConversationEntry,
    ConversationRecord,
    ConversationStore,
)
from pydantic_ai.exceptions import AgentRunError

from chat_sessions_client import AsyncClient, external
from chat_sessions_client.batches import batches
from chat_sessions_client.errors import ABSENT, VersionMismatch, raising
from chat_sessions_client.operations import Tagged
from chat_sessions_client.pydantic_ai_history import SCOPE, History, message_of, record_message
from chat_sessions_client.shapes import SessionResponse


class EntryNotFound(AgentRunError, LookupError):
    """No conversation has the entry."""


class ChatSessionStore(ConversationStore):
    """Each conversation is a session with its id as the external id; a fork has entries of its own.

    The record is a message without text, stored in one act with the entries that it adds. Deleting
    a conversation removes all of it. What goes wrong is an AgentRunError.
    """

    def __init__(self, client: AsyncClient) -> None:
        self._client = client
        self._history = History(client)

    async def read_record(self, conversation_id: str) -> ConversationRecord | None:
        return await self._history.record(conversation_id)

    async def read_records(
        self, *, scope: str | None = None, limit: int | None = None
    ) -> Sequence[ConversationRecord]:
        wanted = {} if scope is None else {SCOPE: scope}
        found: list[ConversationRecord] = []
        with raising(AgentRunError):
            async for session in self._client.sessions(archived="any", metadata=wanted, limit=200):
                name = session["external_id"]
                if name and SCOPE in session["metadata"]:
                    record = await self.read_record(name)
                    is_wanted = record and scope in {None, record.scope}
                    found += [record] if record and is_wanted else []
        return sorted(found, key=lambda one: one.updated_at, reverse=True)[:limit]

    async def write_record(
        self,
        record: ConversationRecord,
        *,
        new_entries: Sequence[ConversationEntry] = (),
        expected_revision: str | None,
    ) -> None:
        name, client = record.conversation_id, self._client
        entries = new_entries or await self._kept(record)
        remaining = list(batches([*map(message_of, entries), record_message(record)]))
        with raising(AgentRunError):
            if expected_revision is None:
                metadata = {SCOPE: record.scope}
                await client.create_session(external_id=name, metadata=metadata, existing="keep")
            while remaining:
                session, tag = await self._at(name, expected_revision)
                with suppress(VersionMismatch):
                    batch = remaining[0]
                    await client.append(external(name), batch, existing="keep", if_match=tag)
                    del remaining[0]
            await self._history.list_again(session, record.scope)
            with suppress(*ABSENT):
                await client.delete_message(external(name), external(f"record/{expected_revision}"))
        self._history.note(record)

    async def delete_record(self, conversation_id: str, *, expected_revision: str) -> None:
        with raising(AgentRunError):
            while True:
                session, tag = await self._at(conversation_id, expected_revision)
                with suppress(VersionMismatch):
                    return await self._client.delete_session(session["id"], if_match=tag)

    async def read_entry(self, entry_id: str) -> ConversationEntry:
        for entry in await self.read_history(entry_id, limit=1):
            if entry.id == entry_id:
                return entry
        raise EntryNotFound(f"There is no entry {entry_id}.")

    async def read_history(
        self, head_id: str | None, *, limit: int | None = None
    ) -> list[ConversationEntry]:
        """Without the entries that somebody has removed. Raises EntryNotFound."""
        if head_id is None or limit == 0:
            return []
        known = self._history.known.get(head_id)
        names = [known] if known else [one.conversation_id for one in await self.read_records()]
        for name in names:
            if (entries := await self._history.up_to(name, head_id, limit)) is not None:
                return entries
        raise EntryNotFound(f"There is no entry {head_id}.")

    async def _kept(self, record: ConversationRecord) -> list[ConversationEntry]:
        """What a fork or a branch goes on from; what is there already is not stored again."""
        try:
            return await self.read_history(record.head_id)
        except LookupError:
            raise ConversationConflict(record.conversation_id) from None

    async def _at(self, name: str, revision: str | None) -> Tagged[SessionResponse]:
        if at := await self._history.at(name, revision):
            return at
        raise ConversationConflict(name)
