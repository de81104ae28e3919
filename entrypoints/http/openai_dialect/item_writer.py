"""Writes messages as items, and sessions as conversations, in the form of OpenAI's API."""

from collections.abc import Iterable, Mapping, Sequence
from typing import Any

import msgspec

from domain.body import Body
from domain.message import Message, Role
from domain.session import Session
from entrypoints.http.openai_dialect.conversation_ids import conversation_id, item_id
from entrypoints.http.openai_dialect.item_types import ITEM_TYPES, MESSAGE, PART_TYPES, ROLES
from entrypoints.http.openai_dialect.json_members import joined, members_of, objects_in

_encode = msgspec.json.Encoder().encode

_NULL = b"null"

_ITEM_NAMES = {_encode(name): name for name in ITEM_TYPES}
_ROLE_NAMES = {_encode(name): name for name in ROLES}
_PARTS = {_encode(name): known for name, known in PART_TYPES.items()}
"""By what they are as JSON."""

Item = dict[str, Any]
"""An item, or a part of one: its members as they are, or as JSON."""


class _Conversation(msgspec.Struct):
    id: str
    object: str
    created_at: int
    metadata: msgspec.Raw


class _ItemList(msgspec.Struct):
    object: str
    data: Sequence[Item]
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
    return _json(_item(message))


def items_json(messages: Iterable[Message], *, has_more: bool = False) -> bytes:
    """Serialize messages as a list of items."""
    items = list(map(_item, messages))
    first, last = (items[0]["id"], items[-1]["id"]) if items else (None, None)
    return _json(_ItemList("list", items, first, last, has_more))


def _item(message: Message) -> Item:
    """What a message is as an item: its body where that is one, else its text."""
    if message.body is not None and (found := _from_body(message, message.body)):
        return found
    content = [_text_part(message.content, message.role)]
    return _with_id(message, MESSAGE, {"role": message.role, "content": content})


def _from_body(message: Message, body: Body) -> Item | None:
    """What the body is as an item, None where it is none."""
    members: Item = members_of(body.json)
    type_ = _ITEM_NAMES.get(bytes(members["type"])) if "type" in members else MESSAGE
    if type_ is None or not members.keys() >= ITEM_TYPES[type_].needs:
        return None
    if type_ == MESSAGE:
        content = _content(members["role"], members["content"])
        if content is None:
            return None
        members["content"] = content
    return _with_id(message, type_, members)


def _with_id(message: Message, type_: str, members: Item) -> Item:
    """The item with its id, and with what every client gets."""
    known = ITEM_TYPES[type_]
    members.pop("id", None)
    _supply(members, known.supplied)
    return {"id": item_id(message, known.prefix), "type": type_, **members}


def _supply(members: Item, supplied: Mapping[str, object]) -> None:
    """Add what is supplied in place of what is absent or null."""
    for name, value in supplied.items():
        present = members.get(name)
        if present is None or bytes(present) == _NULL:
            members[name] = value


def _content(role: msgspec.Raw, content: msgspec.Raw) -> Any:  # noqa: ANN401 - parts, or as JSON
    """A message's content as parts, None where it is in no form that the API has."""
    speaker = _ROLE_NAMES.get(bytes(role))
    if speaker is None:
        return None
    if _is_string(content):
        return [_text_part(content, speaker)]
    parts = objects_in(content)
    return parts if parts is not None and all(map(_complete, parts)) else None


def _complete(part: Item) -> bool:
    """Add to a part what every client gets, and say whether it is one that the API has."""
    known = _PARTS.get(bytes(part["type"])) if "type" in part else None
    if known is None:
        return False
    for name in known.needs:
        if not _is_string(part.get(name)):
            return False
    if known.supplied:
        _supply(part, known.supplied)
    return True


def _is_string(value: msgspec.Raw | None) -> bool:
    return value is not None and bytes(value)[:1] == b'"'


def _text_part(text: object, role: str) -> Item:
    if role == Role.ASSISTANT:
        return {"type": "output_text", "text": text, "annotations": ()}
    return {"type": "input_text", "text": text}


def _json(value: object) -> bytes:
    try:
        return _encode(value)
    except UnicodeEncodeError:  # for the name of a member
        return joined(msgspec.to_builtins(value, builtin_types=(msgspec.Raw,))).encode()
