"""How Pydantic AI's records and entries are stored, and found again."""

from contextlib import suppress
from typing import Any

from pydantic import TypeAdapter, ValidationError
from pydantic_ai.conversation_store import ConversationEntry, ConversationRecord
from pydantic_ai.exceptions import AgentRunError
from pydantic_ai.messages import ModelMessagesTypeAdapter

from chat_sessions_client.async_client import AsyncClient
from chat_sessions_client.chain import remaining
from chat_sessions_client.errors import ChatSessionsError, SessionNotFound, raising
from chat_sessions_client.operations import Tagged, external
from chat_sessions_client.records import record
from chat_sessions_client.shapes import MessageCreate, MessageResponse, SessionResponse
from chat_sessions_client.text import storable

SCOPE = "pydantic_ai_scope"
MESSAGE, RECORD = "pydantic-ai.message/1", "pydantic-ai.record/1"
KNOWN_MAX = 10_000
_RECORDS = TypeAdapter(ConversationRecord)
_READABLE = {"user-prompt", "text", "tool-return"}


class History:
    """Entries, each of which points at the one before it. `known` are the conversations of the last
    entries that were read or written."""

    def __init__(self, client: AsyncClient) -> None:
        self._client = client
        self.known: dict[str, str] = {}

    async def record(self, name: str) -> ConversationRecord | None:
        walk = self._client.messages(external(name), sort_order="desc", limit=20)
        with raising(AgentRunError), suppress(SessionNotFound):
            async for message in walk:
                if found := _record_of(message):
                    return self.note(found)
        return None

    async def at(self, name: str, revision: str | None) -> Tagged[SessionResponse] | None:
        """What the next write must match, if the record is of that revision."""
        with suppress(SessionNotFound):
            tagged = await self._client.tagged_session(external(name))
            found = await self.record(name)
            return tagged if (found.revision if found else None) == revision else None
        return None

    async def list_again(self, session: SessionResponse, scope: str | None) -> None:
        """Put back the metadata that lists go by, where somebody has taken that away."""
        if (session["metadata"].get(SCOPE, ...) or "") != (scope or ""):
            own = {SCOPE: scope or ""}  # a merge patch stores no null
            with suppress(ChatSessionsError):
                await self._client.change_session(session["id"], {"metadata": own})

    async def up_to(
        self, name: str, head_id: str, limit: int | None
    ) -> list[ConversationEntry] | None:
        """The entries up to that one, without those that somebody has removed; None if it is none
        of the conversation's."""
        wanted: str | None = head_id
        entries: list[ConversationEntry] = []
        seen: list[MessageResponse] = []
        walk = self._client.messages(external(name), sort_order="desc", limit=200)
        with raising(AgentRunError), suppress(SessionNotFound):
            async for message in walk:
                seen.append(message)
                if message["external_id"] == wanted and (entry := entry_of(message)):
                    entries.append(entry)
                    wanted = entry.parent_id
                    if wanted is None or len(entries) == limit:
                        return entries[::-1]
        stored = [entry for one in reversed(seen) if (entry := entry_of(one))]
        return remaining(stored, _ends(seen), head_id, limit)

    def note(self, found: ConversationRecord) -> ConversationRecord:
        if len(self.known) > KNOWN_MAX:
            self.known.clear()
        ends = (one for one in (found.head_id, *found.branches) if one)
        self.known.update(dict.fromkeys(ends, found.conversation_id))
        return found


def _ends(newest_first: list[MessageResponse]) -> set[str | None]:
    found = next((one for message in newest_first if (one := _record_of(message))), None)
    return {found.head_id, *found.branches} if found else set()


def _record_of(message: MessageResponse) -> ConversationRecord | None:
    try:
        is_one = message["format"] == RECORD
        return _RECORDS.validate_python(message["body"]) if is_one else None
    except ValidationError:
        return None


def message_of(entry: ConversationEntry) -> dict[str, Any]:
    (body,) = ModelMessagesTypeAdapter.dump_python([entry.message], mode="json")
    parts = [one for one in body["parts"] if one["part_kind"] in _READABLE]
    texts = [text for one in parts for text in _texts(one["content"])]
    request = "tool" if parts and parts[0]["part_kind"] == "tool-return" else "user"
    return {
        "role": request if body["kind"] == "request" else "assistant",
        "external_id": entry.id,
        "content": storable("\n".join(texts)),
        "metadata": {"parent_id": entry.parent_id},
        "format": MESSAGE,
        "body": body,
    }


def _texts(content: Any) -> list[str]:  # noqa: ANN401 - a part may have anything
    """Of a prompt or a result, which may be made of parts."""
    parts = content if isinstance(content, list) else [content]
    texts = (one.get("content") if isinstance(one, dict) else one for one in parts)
    return [text for text in texts if isinstance(text, str)]


def entry_of(message: MessageResponse) -> ConversationEntry | None:
    """None where it is another program's, or what somebody has made of it is no entry: that counts
    as removed."""
    metadata = message["metadata"]
    if message["format"] != MESSAGE or "parent_id" not in metadata:
        return None
    try:
        (stored,) = ModelMessagesTypeAdapter.validate_python([message["body"]])
        id_, parent = str(message["external_id"]), metadata["parent_id"]
        return ConversationEntry(id=id_, parent_id=parent, message=stored)
    except ValidationError:
        return None


def record_message(found: ConversationRecord) -> MessageCreate:
    body = _RECORDS.dump_python(found, mode="json")
    return {**record(RECORD, body), "external_id": f"record/{found.revision}"}
