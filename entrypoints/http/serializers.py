"""Serializes entities as JSON, in the form that the response models in `schemas` describe."""

from collections.abc import Sequence
from datetime import datetime
from uuid import UUID

import msgspec

from domain.message import Message
from domain.metadata import Metadata
from domain.page import Cursor, Page, SessionPageRequest
from domain.session import Session
from entrypoints.http.cursors import to_text

_encode = msgspec.json.Encoder().encode


class _Session(msgspec.Struct):
    id: str
    user_id: str
    title: str | None
    metadata: msgspec.Raw
    created_at: datetime | str
    last_updated: datetime | str
    message_count: int


class _Message(msgspec.Struct):
    id: str
    session_id: str
    message_order: int
    role: str
    content: str
    metadata: msgspec.Raw
    timestamp: datetime | str


class _Items(msgspec.Struct):
    items: list[_Message]


class _Pagination(msgspec.Struct):
    total: int
    limit: int
    offset: int | None
    has_next: bool
    has_previous: bool
    next_offset: int | None
    previous_offset: int | None


class _CursorPagination(_Pagination):
    next_cursor: str | None
    previous_cursor: str | None


class _Page(msgspec.Struct):
    items: list[_Session] | list[_Message]
    pagination: _Pagination


def session_json(session: Session) -> bytes:
    """Serialize a session as SessionResponse."""
    return _encode(_session(session))


def messages_json(session_id: UUID, messages: Sequence[Message]) -> bytes:
    """Serialize messages of one session as MessagesResponse."""
    return _encode(_Items(_messages(session_id, messages)))


def message_page_json(session_id: UUID, page: Page[Message]) -> bytes:
    """Serialize a page of one session's messages as MessagePage."""
    pagination = _Pagination(*_place(page))
    return _encode(_Page(_messages(session_id, page.items), pagination))


def session_page_json(page: Page[Session], asked: SessionPageRequest) -> bytes:
    """Serialize a page of sessions as SessionPage."""
    before, after = asked.cursors(page)
    pagination = _CursorPagination(*_place(page), _cursor(after), _cursor(before))
    return _encode(_Page([_session(session) for session in page.items], pagination))


def _session(session: Session) -> _Session:
    return _Session(
        str(session.id),
        session.owner.subject,
        session.title,
        _raw(session.metadata),
        timestamp(session.created_at),
        timestamp(session.last_updated),
        session.message_count,
    )


def _messages(session_id: UUID, messages: Sequence[Message]) -> list[_Message]:
    session = str(session_id)
    return [
        _Message(
            str(message.id),
            session,
            message.message_order,
            message.role,
            message.content,
            _raw(message.metadata),
            timestamp(message.timestamp),
        )
        for message in messages
    ]


def _place(
    page: Page[Session] | Page[Message],
) -> tuple[int, int, int | None, bool, bool, int | None, int | None]:
    return (
        page.total,
        page.limit,
        page.offset,
        page.has_next,
        page.has_previous,
        page.next_offset,
        page.previous_offset,
    )


def _raw(metadata: Metadata) -> msgspec.Raw:
    return msgspec.Raw(metadata.json.encode())


def _cursor(cursor: Cursor | None) -> str | None:
    return None if cursor is None else to_text(cursor)


def timestamp(instant: datetime) -> datetime | str:
    """Return a time in UTC that msgspec writes with six digits of a second. It leaves out digits
    that are all zero, so such a time becomes text here."""
    return instant if instant.microsecond else rfc3339(instant)


def rfc3339(instant: datetime) -> str:
    """Write a time in UTC as in RFC 3339 section 5.6, with microseconds and Z."""
    return f"{instant.isoformat(timespec='microseconds').removesuffix('+00:00')}Z"
