"""How ChatKit's threads and items are stored, and found again."""

import json
import re

from chatkit.types import ThreadItem, ThreadMetadata
from pydantic import TypeAdapter, ValidationError

from chat_sessions_client.records import record
from chat_sessions_client.shapes import (
    JsonObject,
    MessageCreate,
    MessageResponse,
    Role,
    SessionResponse,
    SessionUpdate,
)
from chat_sessions_client.text import storable

FORMAT, THREAD_FORMAT = "chatkit.thread-item/1", "chatkit.thread/1"
KIND = {"kind": "chatkit.thread"}
RECORD_ID = "chatkit:thread"
_ROLES: dict[str, Role] = {"user_message": "user", "client_tool_call": "tool"}
_TITLE_MAX = 200
_UNSEEN = re.compile(
    "[ \u034f\u115f\u1160\u17b4\u17b5\u180b-\u180f\u2800"
    "\u3164\ufe00-\ufe0f\uffa0\U000e0100-\U000e01ef]*"
)
"""Text of spaces, and of letters and marks that show nothing."""
_KNOWN = "_known_to_chat_sessions"
_item = TypeAdapter[ThreadItem](ThreadItem)


def record_of(thread: ThreadMetadata) -> MessageCreate:
    return record(THREAD_FORMAT, thread.model_dump(mode="json", exclude={"items"}))


def metadata_of(thread: ThreadMetadata) -> JsonObject:
    """As text: in a merge patch null takes members away."""
    members = thread.model_dump(mode="json", exclude={"items"})
    text = json.dumps(members, ensure_ascii=False, separators=(",", ":"))
    return KIND | {"thread": text if text == storable(text) else json.dumps(members)}


def update_of(thread: ThreadMetadata, before: SessionResponse) -> SessionUpdate:
    """A title that ChatKit has not changed since it loaded the thread stays as it is now."""
    metadata = metadata_of(thread)
    stored = _stored(before["metadata"].get("thread"))
    _, title = thread.__dict__.get(_KNOWN, (None, stored and stored.title))
    if title == thread.title:
        return {"metadata": metadata}
    return {"metadata": metadata, "title": title_of(thread)}


def know(thread: ThreadMetadata, session: SessionResponse) -> ThreadMetadata:
    """Keeps at the thread its session, and the title that it has now, for the next save of this
    very object."""
    object.__setattr__(thread, _KNOWN, (session["id"], thread.title))
    return thread


def session_of(thread: ThreadMetadata) -> str | None:
    """The id of the session from which this very object was loaded, or as which it was saved."""
    session_id: str | None
    session_id, _ = thread.__dict__.get(_KNOWN, (None, None))
    return session_id


def title_of(thread: ThreadMetadata) -> str | None:
    """As the service takes it; None where a person would see nothing."""
    kept = "".join(filter(str.isprintable, thread.title or "")).strip()
    shown = kept[:_TITLE_MAX].rstrip()
    return None if _UNSEEN.fullmatch(shown) else shown


def thread_of(session: SessionResponse, kept: JsonObject | None = None) -> ThreadMetadata | None:
    """By its metadata, or by the record that was kept, with the title that the session has now;
    None where it is no thread's."""
    thread = _stored(kept or session["metadata"].get("thread"))
    if thread is None or thread.id != session["external_id"]:
        return None
    if session["title"] != title_of(thread):
        thread.title = session["title"]
    return know(thread, session)


def message_of(item: ThreadItem) -> MessageCreate:
    """What is hidden has no text, so that no other client shows it."""
    said = item.content if item.type in {"user_message", "assistant_message"} else None
    text = None if said is None else storable("\n".join(part.text for part in said))
    is_hidden = "hidden" in item.type
    return {
        "role": "system" if is_hidden else _ROLES.get(item.type, "assistant"),
        "content": "" if is_hidden else text,
        "format": FORMAT,
        "body": _item.dump_python(item, mode="json", by_alias=True),
    }


def item_of(message: MessageResponse) -> ThreadItem | None:
    """None where it is another program's, or what somebody has made of it is no item."""
    try:
        return _item.validate_python(message["body"]) if message["format"] == FORMAT else None
    except ValidationError:
        return None


def _stored(given: object) -> ThreadMetadata | None:
    try:
        read = json.loads(given) if isinstance(given, str) else given
        return ThreadMetadata.model_validate(read)
    except (ValueError, RecursionError):
        return None
