"""What is read out of a message as a framework or a model API has it."""

import json
from typing import Any

import pytest

from domain.errors import InvalidValue
from domain.framework_item import message_from_item
from domain.message import CONTENT_MAX, Role
from domain.strict_json import parse_document
from tests.domain.conversations import SHAPES
from tests.domain.shape import Shape


@pytest.mark.parametrize("shape", SHAPES.values(), ids=SHAPES.keys())
def test_a_message_in_any_shape_is_taken_whole(shape: Shape) -> None:
    item = parse_document(json.dumps(shape.item).encode())
    message = message_from_item(item, shape.format)
    assert message.body
    assert message.body.to_dict() == shape.item
    assert (message.role, message.content) == (shape.role, shape.text)
    assert (message.external_id, message.name) == (shape.external_id, shape.name)
    assert (message.format, message.timestamp) == (shape.format, None)


NOTHING: list[Any] = ["", None, 7, [], {}, {"role": 7}]

ROLES: list[tuple[dict[str, Any], Role]] = [
    *(({"role": role}, Role(role)) for role in Role),
    *(({"role": word}, Role.USER) for word in ("human", "User", "HUMAN", "HumanMessage")),
    *(({"role": word}, Role.ASSISTANT) for word in ("ai", "model", "bot", "AIMessage", "narrator")),
    *(({"role": word}, Role.TOOL) for word in ("function", "Tool", "ToolMessage", "tool-result")),
    *(({"role": nothing}, Role.ASSISTANT) for nothing in NOTHING),
    ({}, Role.ASSISTANT),
    ({"type": "human"}, Role.USER),
    ({"type": "SystemMessage"}, Role.SYSTEM),
    ({"type": "HumanMessageChunk"}, Role.USER),
    ({"type": "function_call"}, Role.ASSISTANT),
    *(
        ({"type": word}, Role.TOOL)
        for word in ("function_call_output", "toolResult", "tool_use_result", "functionResponse")
    ),
    ({"type": "message", "sender": "human"}, Role.USER),
    ({"sender": "Alice"}, Role.ASSISTANT),
    ({"author": "user"}, Role.USER),
    ({"author": {"role": "user"}}, Role.USER),
    ({"role": "assistant", "author": "user", "type": "human"}, Role.ASSISTANT),
    ({"type": "ai", "sender": "human"}, Role.ASSISTANT),
]


@pytest.mark.parametrize(("item", "role"), ROLES)
def test_who_speaks(item: dict[str, Any], role: Role) -> None:
    assert message_from_item(item, "x").role is role


@pytest.mark.parametrize(
    "item",
    [
        {"role": "tool"},
        {"role": "function"},
        {"type": "function_call"},
        {"role": "function_call"},
        {"type": "mcp_call", "role": "assistant"},
        {"type": "tool-weather"},
        {"arguments": "{}"},
        {"author": "tool"},
    ],
)
def test_a_functions_own_name_is_no_name(item: dict[str, Any]) -> None:
    assert message_from_item({**item, "name": "weather"}, "x").name is None


@pytest.mark.parametrize("item", [{}, {"role": "user"}, {"author": "toolsmith"}])
def test_a_speakers_name_is_one(item: dict[str, Any]) -> None:
    assert message_from_item({**item, "name": "Ana Ünal"}, "x").name == "Ana Ünal"


@pytest.mark.parametrize("label", [None, 7, {}, "", " ", "a\0", "\ud800", "x" * 256])
def test_an_id_or_a_name_that_could_not_be_stored_is_not_taken(label: Any) -> None:
    """The item is: it has them in its body."""
    message = message_from_item({"id": label, "name": label}, "x")
    assert (message.external_id, message.name) == (None, None)
    assert message.body
    assert message.body.to_dict() == {"id": label, "name": label}


@pytest.mark.parametrize("label", [" a", "a\n", "a\u200db"])
def test_an_id_that_could_pass_for_another_is_not_taken_and_a_name_is(label: str) -> None:
    message = message_from_item({"id": label, "name": label}, "x")
    assert (message.external_id, message.name) == (None, label)


@pytest.mark.parametrize(
    "item",
    [{"id": "__fake_id__"}, {"id": "FAKE_ID"}, {"type": "item_reference", "id": "msg_1"}],
)
def test_an_id_that_is_not_the_items_own_is_not_taken(item: dict[str, Any]) -> None:
    """What the Agents SDKs give each item of a model without ids, and what leads to another."""
    assert message_from_item(item, "x").external_id is None


def test_what_cannot_be_a_body_or_its_format_is_refused() -> None:
    for item, format_, field in (([], "x", "body"), ({}, "X", "format")):
        with pytest.raises(InvalidValue) as refusal:
            message_from_item(item, format_)  # type: ignore[arg-type]
        assert refusal.value.field == (field,)


def test_text_is_taken_as_far_as_content_may_go() -> None:
    long = message_from_item({"text": "é" * (CONTENT_MAX - 1), "title": "long"}, "x")
    assert long.content == "é" * (CONTENT_MAX - 1) + "\n"
