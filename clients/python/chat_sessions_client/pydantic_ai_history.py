"""How Pydantic AI's records and entries are stored, and found again."""

from contextlib import suppress
from typing import Any

from pydantic import TypeAdapter
from pydantic_ai.conversation_store import ConversationEntry, ConversationRecord
from pydantic_ai.exceptions import AgentRunError
from pydantic_ai.messages import ModelMessagesTypeAdapter

from chat_sessions_client.async_client import AsyncClient
from chat_sessions_client.chain import remaining
from chat_sessions_client.errors import NotFound, raising
from chat_sessions_client.operations import external
from chat_sessions_client.records import record
from chat_sessions_client.shapes import MessageCreate, MessageResponse
from chat_sessions_client.text import storable

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
        with raising(AgentRunError), suppress(NotFound):
            async for message in walk:
                if message["format"] == RECORD:
                    return self.note(_RECORDS.validate_python(message["body"]))
        return None

    async def up_to(
        self, name: str, head_id: str, limit: int | None
    ) -> list[ConversationEntry] | None:
        """The entries up to that one, without those that somebody has removed; None if it is none
        of the conversation's."""
        wanted: str | None = head_id
        entries: list[ConversationEntry] = []
        seen: list[MessageResponse] = []
        walk = self._client.messages(external(name), sort_order="desc", limit=200)
        with raising(AgentRunError), suppress(NotFound):
            async for message in walk:
                seen.append(message)
                if message["external_id"] == wanted:
                    entries.append(entry_of(message))
                    wanted = entries[-1].parent_id
                    if wanted is None or len(entries) == limit:
                        return entries[::-1]
        stored = [entry_of(one) for one in reversed(seen) if one["format"] == MESSAGE]
        return remaining(stored, _ends(seen), head_id, limit)

    def note(self, found: ConversationRecord) -> ConversationRecord:
        if len(self.known) > KNOWN_MAX:
            self.known.clear()
        ends = (one for one in (found.head_id, *found.branches) if one)
        self.known.update(dict.fromkeys(ends, found.conversation_id))
        return found


def _ends(newest_first: list[MessageResponse]) -> set[str | None]:
    records = (one["body"] for one in newest_first if one["format"] == RECORD)
    found = (_RECORDS.validate_python(body) for body in records)
    return next(({one.head_id, *one.branches} for one in found), set())


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


def entry_of(message: MessageResponse) -> ConversationEntry:
    (stored,) = ModelMessagesTypeAdapter.validate_python([message["body"]])
    parent = message["metadata"].get("parent_id")
    return ConversationEntry(id=str(message["external_id"]), parent_id=parent, message=stored)


def record_message(found: ConversationRecord) -> MessageCreate:
    body = _RECORDS.dump_python(found, mode="json")
    return {**record(RECORD, body), "external_id": f"record/{found.revision}"}
