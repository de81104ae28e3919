"""What the wire takes and gives."""

import json
from datetime import UTC, datetime
from typing import Any
from uuid import UUID

import pytest
from pydantic import ValidationError

from domain.message import Message, Role
from domain.metadata import EMPTY, Metadata
from domain.owner import Owner
from domain.session import UNSET, Session
from entrypoints.http.schemas import (
    MessageResponse,
    MessagesAppend,
    SessionCreate,
    SessionUpdate,
)
from entrypoints.http.serializers import messages_json, session_json

ID = UUID("01a20ab2-e3be-7336-be46-7b4184e042f7")
WHOLE_SECOND = datetime(2026, 1, 2, 3, 4, 5, tzinfo=UTC)


def test_a_session_may_be_created_with_nothing() -> None:
    for body in ({}, {"title": None, "metadata": None, "messages": None}):
        made = SessionCreate.model_validate(body)
        assert (made.title, made.metadata, made.messages) == (None, EMPTY, None)


def test_a_session_is_created_with_all_there_is() -> None:
    made = SessionCreate.model_validate(
        {
            "title": " Trip ",
            "metadata": {"b": 1, "a": 2},
            "messages": [{"role": "tool", "content": "", "metadata": {"n": None}}],
        }
    )
    assert (made.title, made.metadata) == ("Trip", Metadata('{"b":1,"a":2}'))
    (message,) = [message.to_domain() for message in made.messages or ()]
    assert (message.role, message.content, message.metadata.json) == (Role.TOOL, "", '{"n":null}')


@pytest.mark.parametrize(
    ("body", "where"),
    [
        ({"title": 1}, ("title",)),
        ({"title": " "}, ("title",)),
        ({"title": "x" * 201}, ("title",)),
        ({"title": "\0"}, ("title",)),
        ({"metadata": []}, ("metadata",)),
        ({"metadata": {"a": "x" * 16384}}, ("metadata",)),
        ({"metadata": {"a": ["\0"]}}, ("metadata",)),
        ({"messages": {}}, ("messages",)),
        ({"messages": [{"role": "user", "content": "x"}] * 101}, ("messages",)),
        ({"messages": [{"role": "user"}]}, ("messages", 0, "content")),
        ({"messages": [{"content": "x"}]}, ("messages", 0, "role")),
        ({"messages": [{"role": "User", "content": "x"}]}, ("messages", 0, "role")),
        ({"messages": [{"role": "user", "content": None}]}, ("messages", 0, "content")),
        ({"messages": [{"role": "user", "content": 5}]}, ("messages", 0, "content")),
        ({"messages": [{"role": "user", "content": "x" * 100_001}]}, ("messages", 0, "content")),
        ({"messages": [{"role": "user", "content": "x", "id": "1"}]}, ("messages", 0, "id")),
        ({"id": str(ID)}, ("id",)),
        ({"user_id": "bob"}, ("user_id",)),
        ([], ()),
        ("text", ()),
    ],
)
def test_a_session_is_not_created_with_anything_else(body: Any, where: tuple[object]) -> None:
    with pytest.raises(ValidationError) as refusal:
        SessionCreate.model_validate(body)
    assert [error["loc"] for error in refusal.value.errors()] == [where]


@pytest.mark.parametrize("how_many", [0, 101])
def test_an_append_has_bounds(how_many: int) -> None:
    with pytest.raises(ValidationError):
        MessagesAppend.model_validate({"messages": [{"role": "user", "content": "x"}] * how_many})


def test_an_update_tells_null_from_absent() -> None:
    absent = SessionUpdate.model_validate({}).to_domain()
    assert (absent.title, absent.metadata) == (UNSET, UNSET)
    null = SessionUpdate.model_validate({"title": None, "metadata": None}).to_domain()
    assert (null.title, null.metadata) == (None, None)


def test_a_session_is_written_in_its_documented_form() -> None:
    session = Session(
        id=ID,
        owner=Owner("issuer", "alice"),
        title=None,
        metadata=Metadata('{"z":12345678901234567890123,"a":1.0}'),
        created_at=WHOLE_SECOND,
        last_updated=WHOLE_SECOND.replace(microsecond=1),
        message_count=3,
    )
    written = session_json(session).decode()
    assert written == (
        '{"id":"01a20ab2-e3be-7336-be46-7b4184e042f7","user_id":"alice","title":null,'
        '"metadata":{"z":12345678901234567890123,"a":1.0},'
        '"created_at":"2026-01-02T03:04:05.000000Z",'
        '"last_updated":"2026-01-02T03:04:05.000001Z","message_count":3}'
    )


def test_a_message_is_written_in_its_documented_form() -> None:
    message = Message(
        id=ID,
        session_id=ID,
        message_order=7,
        role=Role.ASSISTANT,
        content='"\n\u2028é🙂',
        metadata=EMPTY,
        timestamp=WHOLE_SECOND,
    )
    (written,) = json.loads(messages_json(ID, [message]))["items"]
    assert written == {
        "id": str(ID),
        "session_id": str(ID),
        "message_order": 7,
        "role": "assistant",
        "content": '"\n\u2028é🙂',
        "metadata": {},
        "timestamp": "2026-01-02T03:04:05.000000Z",
    }
    assert list(written) == list(MessageResponse.model_fields)
