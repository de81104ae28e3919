"""What is written straight from entities is what the models describe, byte for byte."""

import json
from datetime import UTC, datetime
from typing import Any
from uuid import UUID

import pytest
from hypothesis import given
from hypothesis import strategies as st
from pydantic import BaseModel

from domain.body import Body
from domain.message import Message, Role
from domain.message_page import PAGE_SIZE_MAX, MessagePageRequest
from domain.metadata import Metadata
from domain.owner import Owner
from domain.page import Page, SortOrder
from domain.session import Session
from domain.session_page import SessionPageRequest
from entrypoints.http.response_schemas import (
    MessagePage,
    MessageResponse,
    MessagesResponse,
    SessionPage,
    SessionResponse,
)
from entrypoints.http.serializers import (
    View,
    message_json,
    message_page_json,
    messages_json,
    rfc3339,
    session_json,
    session_page_json,
)

ID = UUID(int=1)
NOW = datetime(2026, 1, 2, tzinfo=UTC)
TEXTS = st.text(st.characters(exclude_categories=["Cs"], exclude_characters="\0"))
OBJECTS = st.dictionaries(TEXTS, TEXTS | st.integers(-(2**40), 2**40) | st.none() | st.booleans())
INSTANTS = st.datetimes(timezones=st.just(UTC))
METADATA = st.builds(Metadata.from_mapping, OBJECTS)
SESSIONS = st.builds(
    Session,
    id=st.uuids(),
    external_id=st.none() | TEXTS,
    archived=st.booleans(),
    pinned=st.booleans(),
    revision=st.integers(0, 9),
    last_order=st.integers(9, 2**40),
    removed_count=st.integers(0, 9),
    owner=st.sampled_from([Owner("https://issuer.example", name) for name in ('ali"ce', "böb")]),
    title=st.none() | TEXTS,
    metadata=METADATA,
    created_at=INSTANTS,
    last_updated=INSTANTS,
)
MESSAGES = st.builds(
    Message,
    id=st.uuids(),
    external_id=st.none() | TEXTS,
    name=st.none() | TEXTS,
    format=st.none() | TEXTS,
    body=st.none() | st.builds(Body.from_mapping, OBJECTS),
    edited_at=st.none() | INSTANTS,
    session_id=st.uuids(),
    message_order=st.integers(1, 2**40),
    role=st.sampled_from(Role),
    content=TEXTS,
    metadata=METADATA,
    timestamp=INSTANTS,
)


def check(written: bytes, model: type[BaseModel]) -> None:
    read = model.model_validate_json(written, extra="forbid")
    assert read.model_dump_json().encode() == written


@given(INSTANTS)
def test_a_time_is_written_as_the_standard_library_has_it(instant: datetime) -> None:
    assert rfc3339(instant) == instant.isoformat(timespec="microseconds").replace("+00:00", "Z")


@given(SESSIONS)
def test_a_session_is_written_as_its_model_has_it(session: Session) -> None:
    check(session_json(session), SessionResponse)


@given(st.lists(MESSAGES, max_size=3))
def test_messages_are_written_as_their_model_has_them(messages: list[Message]) -> None:
    check(messages_json(messages), MessagesResponse)
    for message in messages:
        check(message_json(message), MessageResponse)


@given(st.lists(MESSAGES, max_size=3), st.none() | st.integers(0, 5), st.integers(0, 9))
def test_a_page_of_messages_is_written_as_its_model_has_it(
    messages: list[Message], offset: int | None, beyond: int
) -> None:
    after = 1 if offset is None else None
    request = MessagePageRequest(limit=3, offset=offset, after=after)
    page = request.page(messages, len(messages) + beyond, 0, NOW)
    written, same = message_page_json(page, request)
    assert same is page
    check(written, MessagePage)


def message(order: int, content: str, body: str | None = None) -> Message:
    kept = None if body is None else Body(body)
    return Message(
        ID, None, ID, order, Role.USER, "Ann", content, None, kept, Metadata(), NOW, None
    )


@pytest.mark.parametrize(
    ("asked", "orders", "has"),
    [
        ({}, [1, 2], (True, False)),
        ({"sort_order": SortOrder.DESC}, [5, 4], (True, False)),
        ({"after": 1}, [2, 3], (True, True)),
        ({"after": 1, "sort_order": SortOrder.DESC}, [3, 2], (True, True)),
        ({"before": 5}, [3, 4], (True, True)),
        ({"around": 3}, [2, 3], (True, True)),
    ],
)
@pytest.mark.parametrize("filling", ["\1", "x", "é"])
def test_a_page_ends_before_four_mebibytes_on_the_far_side_of_its_walk(
    filling: str, asked: dict[str, Any], orders: list[int], has: tuple[bool, bool]
) -> None:
    """Counted as they are written: a control character takes six bytes."""
    size = len(json.dumps(filling, ensure_ascii=False).encode()) - 2
    content = filling * (PAGE_SIZE_MAX // 5 * 2 // size)
    request = MessagePageRequest(limit=5, **asked)
    lower = {"after": 1, "before": 4, "around": 2}.get(next(iter(asked), ""), 0)
    first, last = request.span(5, lower)
    session = [message(order, content) for order in range(1, 6)]
    page = request.page(session[first:last], 5, first, NOW)
    written, page = message_page_json(page, request)
    assert [item["message_order"] for item in json.loads(written)["items"]] == orders
    assert PAGE_SIZE_MAX // 2 < len(written) <= PAGE_SIZE_MAX
    assert (page.has_next, page.has_previous) == has
    if not asked:
        assert page.next_offset == 2


def test_a_page_has_one_message_however_large() -> None:
    request = MessagePageRequest()
    page = request.page([message(1, "\1" * 1_000_000), message(2, "")], 2, 0, NOW)
    _, page = message_page_json(page, request)
    assert [item.message_order for item in page.items] == [1]


def test_what_goes_to_a_model_is_the_body_or_what_was_said() -> None:
    request = MessagePageRequest()
    body = r'{"z":1.10,"a":"\ud83d\u0000"}'
    page = request.page([message(1, "one", body), message(2, "two")], 2, 0, NOW)
    written, _ = message_page_json(page, request, View.BODY)
    said = b'{"role":"user","content":"two","name":"Ann"}'
    assert written.startswith(b'{"items":[%s,%s],' % (body.encode(), said))


@given(st.lists(SESSIONS, max_size=3), st.integers(0, 5), st.integers(0, 9))
def test_a_page_of_sessions_is_written_as_its_model_has_it(
    sessions: list[Session], offset: int, beyond: int
) -> None:
    page = Page.from_offset(offset, sessions, len(sessions) + beyond, 3)
    check(session_page_json(page, SessionPageRequest(limit=3, offset=offset)), SessionPage)
