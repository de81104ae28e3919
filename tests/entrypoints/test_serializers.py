"""What is written straight from entities is what the models describe, byte for byte."""

from datetime import UTC, datetime
from uuid import UUID

from hypothesis import given
from hypothesis import strategies as st
from pydantic import BaseModel

from domain.message import Message, Role
from domain.metadata import Metadata
from domain.owner import Owner
from domain.page import MessagePageRequest, Page, SessionPageRequest
from domain.session import Session
from entrypoints.http.schemas import MessagePage, MessagesResponse, SessionPage, SessionResponse
from entrypoints.http.serializers import (
    message_page_json,
    messages_json,
    rfc3339,
    session_json,
    session_page_json,
)

ID = UUID(int=1)
TEXTS = st.text(st.characters(exclude_categories=["Cs"], exclude_characters="\0"))
OBJECTS = st.dictionaries(TEXTS, TEXTS | st.integers(-(2**40), 2**40) | st.none() | st.booleans())
INSTANTS = st.datetimes(timezones=st.just(UTC))
METADATA = st.builds(Metadata.from_mapping, OBJECTS)
SESSIONS = st.builds(
    Session,
    id=st.uuids(),
    owner=st.sampled_from([Owner("https://issuer.example", name) for name in ('ali"ce', "böb")]),
    title=st.none() | TEXTS,
    metadata=METADATA,
    created_at=INSTANTS,
    last_updated=INSTANTS,
    message_count=st.integers(0, 2**40),
)
MESSAGES = st.builds(
    Message,
    id=st.uuids(),
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
    for message in messages:
        check(messages_json(message.session_id, [message]), MessagesResponse)


@given(st.lists(MESSAGES, max_size=3), st.none() | st.integers(0, 5), st.integers(0, 9))
def test_a_page_of_messages_is_written_as_its_model_has_it(
    messages: list[Message], offset: int | None, beyond: int
) -> None:
    after = 1 if offset is None else None
    request = MessagePageRequest(limit=3, offset=offset, after=after)
    page = request.page(messages, len(messages) + beyond)
    check(message_page_json(messages[0].session_id if messages else ID, page), MessagePage)


@given(st.lists(SESSIONS, max_size=3), st.integers(0, 5), st.integers(0, 9))
def test_a_page_of_sessions_is_written_as_its_model_has_it(
    sessions: list[Session], offset: int, beyond: int
) -> None:
    page = Page.from_offset(offset, sessions, len(sessions) + beyond, 3)
    check(session_page_json(page, SessionPageRequest(limit=3, offset=offset)), SessionPage)
