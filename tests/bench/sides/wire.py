"""What goes over the wire, as the bare side has it: structs whose types msgspec checks."""

from datetime import UTC, datetime, timedelta
from typing import Literal
from uuid import UUID

import msgspec

LIMIT_MAX = 200

_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
_EMPTY = msgspec.Raw(b"{}")


class NewMessage(msgspec.Struct):
    role: Literal["user", "assistant", "system", "tool"]
    content: str
    metadata: msgspec.Raw = _EMPTY


class Append(msgspec.Struct):
    messages: list[NewMessage]


class Create(msgspec.Struct):
    title: str | None = None
    metadata: msgspec.Raw = _EMPTY
    messages: list[NewMessage] = []


class Message(msgspec.Struct):
    id: UUID
    session_id: UUID
    message_order: int
    role: str
    content: str
    metadata: msgspec.Raw
    timestamp: datetime
    body: msgspec.Raw | None = None


class Session(msgspec.Struct):
    id: UUID
    user_id: str
    title: str | None
    metadata: msgspec.Raw
    created_at: datetime
    last_updated: datetime
    message_count: int


class Pagination(msgspec.Struct):
    total: int
    limit: int
    offset: int
    has_next: bool
    has_previous: bool
    next_offset: int | None
    previous_offset: int | None


class MessagePage(msgspec.Struct):
    items: list[Message]
    pagination: Pagination


class SessionPage(msgspec.Struct):
    items: list[Session]
    pagination: Pagination


class Appended(msgspec.Struct):
    items: list[Message]


def instant(microseconds: int) -> datetime:
    return _EPOCH + timedelta(microseconds=microseconds)


def microseconds(instant: datetime) -> int:
    return (instant - _EPOCH) // timedelta(microseconds=1)


def place(total: int, items: int, limit: int, offset: int) -> Pagination:
    more, less = offset + items < total, offset > 0 and total > 0
    return Pagination(
        total,
        limit,
        offset,
        more,
        less,
        offset + limit if more else None,
        max(0, min(offset, total) - limit) if less else None,
    )
