"""The models' JSON, written straight from entities: what Pydantic makes of its models, at a third
of the cost. The models describe and this writes; a test holds them to each other."""

from collections.abc import Iterable
from json.encoder import encode_basestring as _quoted
from typing import Any
from uuid import UUID

from domain.message import Message
from domain.page import Cursor, Page, SessionPageRequest
from domain.session import Session
from entrypoints.http.cursors import to_text
from entrypoints.http.fields import rfc3339


def session_json(session: Session) -> str:
    """As SessionResponse has it."""
    title = "null" if session.title is None else _quoted(session.title)
    return (
        f'{{"id":"{session.id!s}","user_id":{_quoted(session.owner.subject)},"title":{title},'
        f'"metadata":{session.metadata.json},'
        f'"created_at":"{rfc3339(session.created_at)}",'
        f'"last_updated":"{rfc3339(session.last_updated)}",'
        f'"message_count":{session.message_count}}}'
    )


def messages_json(session_id: UUID, messages: Iterable[Message]) -> str:
    """As MessagesResponse has them, all of one session."""
    return f'{{"items":[{_messages(session_id, messages)}]}}'


def message_page_json(session_id: UUID, page: Page[Message]) -> str:
    """As MessagePage has it, all of one session."""
    items = _messages(session_id, page.items)
    return f'{{"items":[{items}],"pagination":{{{_pagination(page)}}}}}'


def session_page_json(page: Page[Session], asked: SessionPageRequest) -> str:
    """As SessionPage has it."""
    before, after = map(_cursor, asked.cursors(page))
    cursors = f'"next_cursor":{after},"previous_cursor":{before}'
    items = ",".join(map(session_json, page.items))
    return f'{{"items":[{items}],"pagination":{{{_pagination(page)},{cursors}}}}}'


def _messages(session_id: UUID, messages: Iterable[Message]) -> str:
    session = str(session_id)
    return ",".join(
        [
            f'{{"id":"{message.id!s}","session_id":"{session}",'
            f'"message_order":{message.message_order},"role":"{message.role!s}",'
            f'"content":{_quoted(message.content)},"metadata":{message.metadata.json},'
            f'"timestamp":"{rfc3339(message.timestamp)}"}}'
            for message in messages
        ]
    )


def _pagination(page: Page[Any]) -> str:
    return (
        f'"total":{page.total},"limit":{page.limit},"offset":{_number(page.offset)},'
        f'"has_next":{_truth(page.has_next)},"has_previous":{_truth(page.has_previous)},'
        f'"next_offset":{_number(page.next_offset)},'
        f'"previous_offset":{_number(page.previous_offset)}'
    )


def _number(value: int | None) -> str:
    return "null" if value is None else str(value)


def _truth(value: bool) -> str:  # noqa: FBT001 - it is what is written
    return "true" if value else "false"


def _cursor(cursor: Cursor | None) -> str:
    return "null" if cursor is None else f'"{to_text(cursor)}"'
