"""Pydantic AI's `ConversationStore`."""

from collections.abc import Sequence
from contextlib import suppress
from typing import Any

from pydantic import TypeAdapter
from pydantic_ai.conversation_store import (
    ConversationConflict,
    ConversationEntry,
    ConversationRecord,
    ConversationStore,
)
from pydantic_ai.exceptions import AgentRunError
from pydantic_ai.messages import ModelMessagesTypeAdapter

from chat_sessions_client import AsyncClient, external
from chat_sessions_client.batches import batches
from chat_sessions_client.errors import NotFound, VersionMismatch, raising
from chat_sessions_client.shapes import MessageResponse

MESSAGE, RECORD = "pydantic-ai.message/1", "pydantic-ai.record/1"
SCOPE = "pydantic_ai_scope"
KNOWN_MAX = 10_000
_RECORDS = TypeAdapter(ConversationRecord)
_READABLE = {"user-prompt", "text", "tool-return"}


class ChatSessionStore(ConversationStore):
    """Each conversation is a session with its id as the external id; a fork has entries of its own.

    The record is a message of the role `system` without text, stored in one act with the entries
    that it adds. Deleting a conversation removes all its entries. Where the service refuses or
    cannot be reached, that is an AgentRunError.
    """

    def __init__(self, client: AsyncClient) -> None:
        self._client = client
        self._conversations: dict[str, str] = {}  # by the last entries that were read or written

    async def read_record(self, conversation_id: str) -> ConversationRecord | None:
        walk = self._client.messages(external(conversation_id), sort_order="desc", limit=20)
        with raising(AgentRunError), suppress(NotFound):
            async for message in walk:
                if message["format"] == RECORD:
                    return self._known(_RECORDS.validate_python(message["body"]))
        return None

    async def read_records(
        self, *, scope: str | None = None, limit: int | None = None
    ) -> Sequence[ConversationRecord]:
        wanted = {} if scope is None else {SCOPE: scope}
        found: list[ConversationRecord] = []
        with raising(AgentRunError):
            async for session in self._client.sessions(archived="any", metadata=wanted, limit=200):
                name = session["external_id"]
                record = (
                    await self.read_record(name) if name and SCOPE in session["metadata"] else None
                )
                found += [record] if record else []
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
        remaining = list(batches([*map(_message, entries), _record(record)]))
        with raising(AgentRunError):
            if expected_revision is None:
                metadata = {SCOPE: record.scope}
                await client.create_session(external_id=name, metadata=metadata, existing="keep")
            while remaining:
                tag = await self._tag(name, expected_revision)
                with suppress(VersionMismatch):
                    batch = remaining[0]
                    await client.append(external(name), batch, existing="keep", if_match=tag)
                    del remaining[0]
            with suppress(NotFound):
                await client.delete_message(external(name), external(f"record/{expected_revision}"))
        self._known(record)

    async def delete_record(self, conversation_id: str, *, expected_revision: str) -> None:
        with raising(AgentRunError):
            while True:
                tag = await self._tag(conversation_id, expected_revision)
                with suppress(VersionMismatch):
                    return await self._client.delete_session(
                        external(conversation_id), if_match=tag
                    )

    async def read_entry(self, entry_id: str) -> ConversationEntry:
        return (await self.read_history(entry_id, limit=1))[0]

    async def read_history(
        self, head_id: str | None, *, limit: int | None = None
    ) -> list[ConversationEntry]:
        """Raises LookupError if an entry is not there."""
        if head_id is None or limit == 0:
            return []
        known = self._conversations.get(head_id)
        names = [known] if known else [one.conversation_id for one in await self.read_records()]
        for name in names:
            if entries := await self._chain(name, head_id, limit):
                return entries
        raise LookupError(f"There is no entry {head_id}, or not all that it follows.")

    async def _chain(self, name: str, head_id: str, limit: int | None) -> list[ConversationEntry]:
        """The entries up to that one, which each follow what they point at; none if one lacks."""
        wanted: str | None = head_id
        entries: list[ConversationEntry] = []
        walk = self._client.messages(external(name), sort_order="desc", limit=200)
        with raising(AgentRunError), suppress(NotFound):
            async for message in walk:
                if message["external_id"] == wanted:
                    entries.append(_entry(message))
                    wanted = entries[-1].parent_id
                    if wanted is None or len(entries) == limit:
                        return entries[::-1]
        return []

    async def _kept(self, record: ConversationRecord) -> list[ConversationEntry]:
        """What a fork or a branch goes on from; what is there already is not stored again."""
        try:
            return await self.read_history(record.head_id)
        except LookupError:
            raise ConversationConflict(record.conversation_id) from None

    async def _tag(self, conversation_id: str, revision: str | None) -> str:
        """What the next write must match, if the record is the one that is expected."""
        with suppress(NotFound):
            tag = (await self._client.tagged_session(external(conversation_id))).etag
            record = await self.read_record(conversation_id)
            if (record.revision if record else None) == revision:
                return tag
        raise ConversationConflict(conversation_id)

    def _known(self, record: ConversationRecord) -> ConversationRecord:
        if len(self._conversations) > KNOWN_MAX:
            self._conversations.clear()
        ends = (one for one in (record.head_id, *record.branches) if one)
        self._conversations.update(dict.fromkeys(ends, record.conversation_id))
        return record


def _message(entry: ConversationEntry) -> dict[str, Any]:
    (body,) = ModelMessagesTypeAdapter.dump_python([entry.message], mode="json")
    parts = [one for one in body["parts"] if one["part_kind"] in _READABLE]
    texts = [one["content"] for one in parts if isinstance(one["content"], str)]
    request = "tool" if parts and parts[0]["part_kind"] == "tool-return" else "user"
    return {
        "role": request if body["kind"] == "request" else "assistant",
        "external_id": entry.id,
        "content": "\n".join(texts)[:300_000],
        "metadata": {"parent_id": entry.parent_id},
        "format": MESSAGE,
        "body": body,
    }


def _entry(message: MessageResponse) -> ConversationEntry:
    (stored,) = ModelMessagesTypeAdapter.validate_python([message["body"]])
    parent = message["metadata"].get("parent_id")
    return ConversationEntry(id=str(message["external_id"]), parent_id=parent, message=stored)


def _record(record: ConversationRecord) -> dict[str, Any]:
    return {
        "role": "system",
        "content": "",
        "external_id": f"record/{record.revision}",
        "format": RECORD,
        "body": _RECORDS.dump_python(record, mode="json"),
    }
