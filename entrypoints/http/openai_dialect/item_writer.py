"""Writes messages as items, and sessions as conversations, in the form of OpenAI's API."""

from collections.abc import Iterable, Sequence

import msgspec

from domain.body import Body
from domain.message import Message, Role
from domain.session import Session
from entrypoints.http.openai_dialect.conversation_ids import conversation_id, item_id
from entrypoints.http.openai_dialect.item_types import ITEM_TYPES, MESSAGE, PART_TYPES, ROLES
from entrypoints.http.openai_dialect.json_members import (
    Members,
    joined,
    members_of,
    objects_in,
    word,
)

_encode = msgspec.json.Encoder().encode

_MESSAGE = msgspec.Raw(b'"message"')
_NO_ANNOTATIONS = msgspec.Raw(b"[]")


class _Conversation(msgspec.Struct):
    id: str
    object: str
    created_at: int
    metadata: msgspec.Raw


class _ItemList(msgspec.Struct):
    object: str
    data: Sequence[msgspec.Raw]
    first_id: str | None
    last_id: str | None
    has_more: bool


class _Deleted(msgspec.Struct):
    id: str
    object: str
    deleted: bool


def conversation_json(session: Session) -> bytes:
    """Serialize a session as a conversation."""
    created_at = int(session.created_at.timestamp())
    metadata = msgspec.Raw(session.metadata.json)
    shown = _Conversation(conversation_id(session), "conversation", created_at, metadata)
    return _encode(shown)


def deleted_json(conversation: str) -> bytes:
    """Serialize what is said of a conversation that is gone."""
    return _encode(_Deleted(conversation, "conversation.deleted", deleted=True))


def item_json(message: Message) -> bytes:
    """Serialize a message as an item."""
    return bytes(_item(message)[1])


def items_json(messages: Iterable[Message], *, has_more: bool = False) -> bytes:
    """Serialize messages as a list of items."""
    pairs = [_item(message) for message in messages]
    first, last = (pairs[0][0], pairs[-1][0]) if pairs else (None, None)
    return _encode(_ItemList("list", [item for _, item in pairs], first, last, has_more))


def _item(message: Message) -> tuple[str, msgspec.Raw]:
    """A message's id and what it is as an item: its body where that is one, else its text."""
    if message.body is not None and (found := _from_body(message, message.body)):
        return found
    role, text = str(message.role), msgspec.Raw(_encode(message.content))
    members = {"role": _raw(role), "content": _raw([_text_part(text, role)])}
    return _with_id(message, MESSAGE, members)


def _from_body(message: Message, body: Body) -> tuple[str, msgspec.Raw] | None:
    """What the body is as an item, None where it is none."""
    members = members_of(body.json)
    type_ = word(members.get("type", _MESSAGE))
    known = ITEM_TYPES.get(type_ or "")
    if type_ is None or known is None or not members.keys() >= set(known.needs):
        return None
    if type_ == MESSAGE:
        content = _content(members)
        if content is None:
            return None
        members = {**members, "content": content}
    return _with_id(message, type_, members)


def _with_id(message: Message, type_: str, members: Members) -> tuple[str, msgspec.Raw]:
    """The id, and the item with that and with what every client gets."""
    known = ITEM_TYPES[type_]
    id_ = item_id(message, known.prefix)
    own = {"id": _raw(id_), "type": _raw(type_)}
    return id_, _object({**own, **known.supplied, **members, **own})


def _content(members: Members) -> msgspec.Raw | None:
    """A message's content as parts, None where it is in no form that the API has."""
    role, content = word(members["role"]) or "", members["content"]
    if role not in ROLES:
        return None
    if bytes(content).startswith(b'"'):
        return _raw([_text_part(content, role)])
    parts = objects_in(content)
    whole = None if parts is None else [_part(part) for part in parts]
    if whole is None or None in whole:
        return None
    return _raw([_object(part) for part in whole if part])


def _part(part: Members) -> Members | None:
    needs, supplied = PART_TYPES.get(word(part.get("type")) or "", ((), None))
    if supplied is None or not part.keys() >= set(needs):
        return None
    return {**supplied, **part}


def _text_part(text: msgspec.Raw, role: str) -> msgspec.Raw:
    if role == Role.ASSISTANT:
        kind, supplied = "output_text", {"annotations": _NO_ANNOTATIONS}
    else:
        kind, supplied = "input_text", {}
    return _raw({"type": kind, "text": text, **supplied})


def _object(members: Members) -> msgspec.Raw:
    try:
        return _raw(members)
    except UnicodeEncodeError:
        return joined(members)


def _raw(value: object) -> msgspec.Raw:
    return msgspec.Raw(_encode(value))
