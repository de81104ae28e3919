"""Reads items that a client gives: each becomes a message whose body is the item as it came."""

from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from typing import Any
from uuid import UUID

from domain.errors import ExternalIdTaken, InvalidValue, in_field
from domain.framework_item import NO_IDS, message_from_item
from domain.message import NewMessage
from entrypoints.http.openai_dialect.conversation_ids import DOTS, MadeItem, item_ref
from entrypoints.http.openai_dialect.item_types import ITEM_TYPES, MESSAGE, PART_TYPES, ROLES
from entrypoints.http.problems import in_body, invalid

FORMAT = "openai.response-item"

_TAKEN = "is the id of another item"

Item = Mapping[str, Any]


def messages_of(items: Sequence[Item]) -> list[NewMessage]:
    """The messages that items become. Raises InvalidValue for what is no item."""
    return [_message(item, index) for index, item in enumerate(items)]


def _message(item: Item, index: int) -> NewMessage:
    with in_field("items", index):
        _check(item)
        message = message_from_item(item, FORMAT)
        if message.external_id is None and item.get("id") not in (None, *NO_IDS):
            raise InvalidValue("must be 1 to 255 printable characters", "id")
        if message.external_id in DOTS:
            raise InvalidValue("must not be '.' or '..'", "id")
        return message


def _check(item: Item) -> None:
    type_ = item.get("type", MESSAGE)
    known = ITEM_TYPES.get(type_) if isinstance(type_, str) else None
    if known is None:
        raise InvalidValue(f"must be one of {', '.join(ITEM_TYPES)}", "type")
    for name in sorted(known.needs - item.keys()):
        raise InvalidValue("is required", name)
    if type_ == MESSAGE:
        if item["role"] not in ROLES:
            raise InvalidValue(f"must be one of {', '.join(ROLES)}", "role")
        _check_content(item["content"])


def _check_content(content: object) -> None:
    if isinstance(content, str):
        return
    if not isinstance(content, list):
        raise InvalidValue("must be a string or an array of parts", "content")
    for index, part in enumerate(content):
        type_ = part.get("type") if isinstance(part, Mapping) else None
        if not isinstance(type_, str) or type_ not in PART_TYPES:
            detail = f"must be one of {', '.join(PART_TYPES)}"
            raise InvalidValue(detail, "content", index, "type")
        for name in sorted(PART_TYPES[type_].needs - part.keys()):
            raise InvalidValue("is required", "content", index, name)
        for name in sorted(PART_TYPES[type_].needs):
            if not isinstance(part[name], str):
                raise InvalidValue("must be a string", "content", index, name)


def check_unmade(messages: Sequence[NewMessage], session_id: UUID) -> None:
    """Raise InvalidValue for an id that was made for another item of the conversation."""
    for index, message in enumerate(messages):
        if (made := made_id(message)) and made.session_id == session_id:
            raise InvalidValue(_TAKEN, "items", index, "id")


def made_id(message: NewMessage) -> MadeItem | None:
    """The id that a client gave, where it is one that was made for an item."""
    given = item_ref(message.external_id) if message.external_id else None
    return given if isinstance(given, MadeItem) else None


@contextmanager
def naming_items() -> Iterator[None]:
    """Name an item, where the core names the message that it became."""
    try:
        yield
    except InvalidValue as error:
        if error.field[:1] != ("messages",):
            raise
        field, detail = ("items", *error.field[1:2]), error.detail
        if error.field[2:] == ("external_id",):
            field, detail = (*field, "id"), _TAKEN
        raise InvalidValue(detail, *field) from None
    except ExternalIdTaken as error:
        taken = in_body(_TAKEN, "items", error.index or 0, "id")
        raise invalid([taken]) from None
