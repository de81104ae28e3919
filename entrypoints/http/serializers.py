"""Serializes entities as JSON, in the form that the response models in `schemas` describe."""

from collections.abc import Callable, Sequence
from datetime import datetime
from enum import StrEnum
from typing import Any
from uuid import UUID

import msgspec

from application.ports.removal import Removed
from domain.json_object import JsonObject
from domain.message import Message
from domain.message_page import PAGE_SIZE_MAX, MessagePageRequest
from domain.page import Page
from domain.search import Hit, SearchPage, SearchQuery, SearchRequest
from domain.session import Session
from domain.session_event import (
    MessageAppended,
    MessageRemoved,
    MessageReplaced,
    MessagesCleared,
    SessionChanged,
    SessionEvent,
)
from domain.session_page import Cursor, SessionPageRequest
from entrypoints.http.cursors import to_text

_encode = msgspec.json.Encoder().encode


class View(StrEnum):
    """How messages are shown in a list: with all they have, without their bodies, or as bodies
    alone."""

    FULL = "full"
    TEXT = "text"
    BODY = "body"


class _Session(msgspec.Struct, gc=False):
    id: UUID
    external_id: str | None
    user_id: str
    title: str | None
    metadata: msgspec.Raw
    archived: bool
    pinned: bool
    created_at: datetime | str
    last_updated: datetime | str
    message_count: int


class _Message(msgspec.Struct, gc=False):
    id: UUID
    external_id: str | None
    session_id: UUID
    message_order: int
    role: str
    name: str | None
    content: str
    format: str | None
    body: msgspec.Raw | None
    metadata: msgspec.Raw
    timestamp: datetime | str
    edited_at: datetime | str | None


class _SessionLine(_Session, tag_field="type", tag="session", gc=False):
    """A session in an export."""


class _MessageLine(_Message, tag_field="type", tag="message", gc=False):
    """A message in an export."""


class _Said(msgspec.Struct, omit_defaults=True, gc=False):
    """A message without a body, as it goes to a model."""

    role: str
    content: str
    name: str | None = None


class _FoundSession(msgspec.Struct):
    id: UUID
    title: str | None


class _FoundMessage(msgspec.Struct):
    message_order: int
    role: str
    timestamp: datetime | str


class _Part(msgspec.Struct):
    text: str
    match: bool


class _Hit(msgspec.Struct):
    session: _FoundSession
    message: _FoundMessage | None
    snippet: Sequence[_Part]


class _Deletions(msgspec.Struct):
    sessions: int
    messages: int
    dry_run: bool


class _Items(msgspec.Struct):
    items: Sequence[Any]


class _Pagination(msgspec.Struct):
    total: int | None
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
    items: Sequence[Any]
    pagination: _Pagination


def session_json(session: Session) -> bytes:
    """Serialize a session as SessionResponse."""
    return _encode(_session(session))


def message_json(message: Message) -> bytes:
    """Serialize a message as MessageResponse."""
    return _encode(_message(message))


def event_json(event: SessionEvent) -> tuple[str, bytes, str | None]:
    """Serialize an event: its name, its data in one line, and its id, if it has one."""
    match event:
        case MessageAppended(message):
            return "message", message_json(message), str(message.message_order)
        case MessageReplaced(message):
            return "replaced", message_json(message), None
        case MessageRemoved(order):
            return "removed", _encode({"message_order": order}), None
        case MessagesCleared(before):
            return "removed", _encode({"before": before}), None
        case SessionChanged(session):
            return "session", session_json(session), None


def session_line(session: Session) -> bytes:
    """Serialize a session as a line of an export."""
    return _encode(_session(session, _SessionLine)) + b"\n"


def message_line(message: Message) -> bytes:
    """Serialize a message as a line of an export."""
    return _encode(_message(message, _MessageLine)) + b"\n"


def messages_json(messages: Sequence[Message]) -> bytes:
    """Serialize messages as MessagesResponse."""
    return _encode(_Items([_message(message) for message in messages]))


def message_page_json(
    page: Page[Message], asked: MessagePageRequest, view: View = View.FULL
) -> tuple[bytes, Page[Message]]:
    """Serialize a page of messages as MessagePage, and return it beside the page as it was
    written: with as many of the messages as fit in the bytes that a page may have."""
    shown = _body if view is View.BODY else _message
    body = _page_of(page, shown)
    if len(body) <= PAGE_SIZE_MAX:
        return body, page
    page = asked.shortened(page, lambda message: len(_encode(shown(message))) + 1)
    return _page_of(page, shown), page


def session_page_json(page: Page[Session], asked: SessionPageRequest) -> bytes:
    """Serialize a page of sessions as SessionPage."""
    before, after = asked.cursors(page)
    pagination = _CursorPagination(*_place(page), _cursor(after), _cursor(before))
    return _encode(_Page([_session(session) for session in page.items], pagination))


def search_page_json(page: SearchPage, asked: SearchRequest, cursor: str | None) -> bytes:
    """Serialize a page of hits as SearchPageResponse; `cursor` finds the next one."""
    has_next, has_previous = cursor is not None, asked.after is not None
    pagination = _CursorPagination(
        page.total, asked.limit, None, has_next, has_previous, None, None, cursor, None
    )
    return _encode(_Page([_hit(hit, asked.query) for hit in page.items], pagination))


def _hit(hit: Hit, query: SearchQuery) -> _Hit:
    message = None
    if hit.message_order is not None and hit.role is not None:
        message = _FoundMessage(hit.message_order, hit.role, timestamp(hit.said_at))
    snippet = [_Part(part.text, part.is_match) for part in query.snippet(hit.text)]
    return _Hit(_FoundSession(hit.session_id, hit.title), message, snippet)


def deletions_json(removed: Removed, *, dry_run: bool) -> bytes:
    """Serialize what was removed as DeletionsResponse."""
    return _encode(_Deletions(removed.sessions, removed.messages, dry_run))


def _page_of(page: Page[Message], shown: Callable[[Message], Any]) -> bytes:
    return _encode(_Page(list(map(shown, page.items)), _Pagination(*_place(page))))


def _session(session: Session, kind: type[_Session] = _Session) -> _Session:
    return kind(
        session.id,
        session.external_id,
        session.owner.subject,
        session.title,
        _raw(session.metadata),
        session.archived,
        session.pinned,
        timestamp(session.created_at),
        timestamp(session.last_updated),
        session.message_count,
    )


def _message(message: Message, kind: type[_Message] = _Message) -> _Message:
    id_, external, session, order, role, name, content, form, body, metadata, at, edited = message
    return kind(
        id_,
        external,
        session,
        order,
        role,
        name,
        content,
        form,
        None if body is None else _raw(body),
        _raw(metadata),
        timestamp(at),
        None if edited is None else timestamp(edited),
    )


def _body(message: Message) -> msgspec.Raw | _Said:
    if message.body is None:
        return _Said(message.role, message.content, message.name)
    return _raw(message.body)


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


def _raw(value: JsonObject) -> msgspec.Raw:
    return msgspec.Raw(value.json)


def _cursor(cursor: Cursor | None) -> str | None:
    return None if cursor is None else to_text(cursor)


def timestamp(instant: datetime) -> datetime | str:
    """Return a time in UTC that msgspec writes with six digits of a second. It leaves out digits
    that are all zero, so such a time becomes text here."""
    return instant if instant.microsecond else rfc3339(instant)


def rfc3339(instant: datetime) -> str:
    """Write a time in UTC as in RFC 3339 section 5.6, with microseconds and Z."""
    return f"{instant.isoformat(timespec='microseconds').removesuffix('+00:00')}Z"
