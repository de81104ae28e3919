"""Opaque bodies: given back as the same JSON value, and what a person can read of them."""

import json
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from domain.body import BODY_MAX, Body, check_format, readable_text
from domain.errors import InvalidValue
from domain.metadata import DEPTH_MAX
from domain.strict_json import dump_escaped, parse_document
from tests.domain.conversations import SHAPES
from tests.domain.shape import Shape

VALUES = st.recursive(
    st.none() | st.booleans() | st.integers() | st.text(st.characters()),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(), inner, max_size=3),
    max_leaves=6,
)


def body_of(text: str) -> Body:
    return Body.from_mapping(parse_document(text.encode()))


@pytest.mark.parametrize("shape", SHAPES.values(), ids=SHAPES.keys())
def test_a_message_in_any_shape_is_kept_as_it_is(shape: Shape) -> None:
    body = body_of(json.dumps(shape.item))
    assert body.to_dict() == shape.item
    assert list(body.to_dict()) == list(shape.item)
    assert body.text == shape.text


@pytest.mark.parametrize(
    "text",
    [
        '{"z":1,"a":{"y":[],"b":{}},"":""}',
        '{"n":12345678901234567890,"m":-12345678901234567890123,"x":1.10,"y":-0,"e":1E5,"t":1e-400}',
        r'{"s":"a\u0000b","half":"\ud83d","other":"\ude42\ud83d","\ud800":"\u0000"}',
        '{"emoji":"🙂\U0010ffff","lines":"\u2028\\r\\n"}',
    ],
)
def test_members_digits_and_any_string_are_kept(text: str) -> None:
    """Its text is what is stored, which has nothing in it that UTF-8 or PostgreSQL cannot keep."""
    body = body_of(text)
    assert body.json == text
    assert body.to_dict() == json.loads(text)
    assert "\0" not in body.json
    assert body.json.encode()


@given(st.dictionaries(st.text(), VALUES, max_size=4))
def test_any_json_object_comes_back_as_it_was(value: dict[str, Any]) -> None:
    body = Body.from_mapping(value)
    assert dump_escaped(parse_document(body.json.encode())) == body.json
    assert readable_text(value).encode().find(b"\0") == -1


def test_a_body_is_bounded_in_bytes_and_in_depth() -> None:
    full = {"a": "é" * ((BODY_MAX - len('{"a":""}')) // 2)}
    assert Body.from_mapping(full).size == BODY_MAX
    with pytest.raises(InvalidValue, match="must not exceed 4194304 bytes as compact JSON"):
        Body.from_mapping({"a": full["a"] + "e"})
    nested: Any = {}
    for _ in range(DEPTH_MAX - 1):
        nested = {"content": nested}
    assert Body.from_mapping(nested).text == ""
    with pytest.raises(InvalidValue, match="must not nest more than 100 levels"):
        Body.from_mapping({"content": nested})


@pytest.mark.parametrize("value", [[], "text", None, 1, {1: "a"}, {"a": {2.5: 3}}, {"a": b"b"}])
def test_what_is_no_json_object_is_no_body(value: Any) -> None:
    with pytest.raises(InvalidValue):
        Body.from_mapping(value)


TEXT = ["text", "content", "parts", "output", "input", "refusal", "transcript", "output_text"]
TEXT += ["title", "result", "errorText"]

READ: dict[str, tuple[Any, str]] = {
    "nothing": ({}, ""),
    "members that are read": (
        {name: name for name in TEXT},
        "\n".join(TEXT),
    ),
    "a member that is not": ({"body": "a", "Text": "b", "contents": ["c"], "message": "d"}, ""),
    "what is in one that is not": ({"message": {"deep": [{"text": "a"}]}}, "a"),
    "lists in lists": ({"content": ["a", ["b", ["c"]], {"text": "d", "x": "e"}]}, "a\nb\nc\nd"),
    "an object is no string": ({"content": {"value": "a", "text": "b"}}, "b"),
    "the order of members": ({"title": "b", "text": "a"}, "b\na"),
    "what is no string": ({"content": [1, True, None, 1.5, "a"], "text": 7}, "a"),
    "empty ones": ({"text": "", "content": ["", "a", "\0", "\ud800"]}, "a"),
    "white space": ({"text": " a\n", "content": "\n"}, " a\n\n\n"),
    "NUL and half an emoji": ({"text": "a\0b\ud83d", "content": "\udc00c"}, "ab\nc"),
    "a data URL": ({"content": ["data:image/png;base64,iVBO", "DATA:,x", "a"]}, "a"),
    "a line of an event stream": ({"text": 'data: {"a": 1}, b'}, 'data: {"a": 1}, b'),
    "data in a string, a list or an object": (
        {"data": "a", "b": {"data": ["c", {"text": "d"}]}, "e": {"data": {"text": "f"}}},
        "f",
    ),
    "reasoning as a member": (
        {
            "reasoning": {"text": "a"},
            "reasoning_content": ["a"],
            "reasoning_details": [{"text": "a"}],
            "thinking": {"content": "a"},
            "thoughts": [{"content": "a"}],
        },
        "",
    ),
    "reasoning as a part": (
        {
            "content": [
                {"type": "reasoning", "text": "a"},
                {"type": "reasoning.text", "text": "a"},
                {"type": "Reasoning-Delta", "text": "a"},
                {"type": "modelThinking", "text": "a"},
                {"content_type": "thoughts", "text": "a"},
                {"thought": True, "text": "a"},
                {"thought": False, "text": "b"},
                {"type": 7, "text": "c"},
                {"type": "unreasoning", "text": "d"},
            ]
        },
        "b\nc\nd",
    ),
    "reasoning as a whole": ({"type": "reasoning", "content": "a", "parts": [{"text": "b"}]}, ""),
    "ids, URLs and the like": (
        {
            name: {"text": "a"}
            for names in (
                ("id", "ids", "call_id", "toolCallId", "parent_ids"),
                ("url", "image_url", "urls", "fileUri", "uri"),
                ("signature", "thoughtSignature", "encrypted_content", "encryptedContent"),
                ("usage", "usageMetadata", "token_usage", "metadata", "response_metadata"),
                ("arguments", "input_arguments", "args"),
            )
            for name in names
        },
        "",
    ),
    "what is only spelled like them": (
        {"idea": {"text": "a"}, "curl": {"text": "b"}, "valid": {"text": "c"}},
        "a\nb\nc",
    ),
}


@pytest.mark.parametrize(("value", "text"), READ.values(), ids=READ.keys())
def test_what_a_person_can_read_of_a_body(value: Any, text: str) -> None:
    assert readable_text(value) == text
    assert Body.from_mapping(value).text == text


def test_what_is_under_no_name_is_not_read() -> None:
    assert readable_text(["a", ["b"], {"text": "c"}]) == "c"


@pytest.mark.parametrize("label", ["a", "openai.chat", "langchain.message/1", "0" * 64, "a_b+c-d"])
def test_a_format_is_a_label(label: str) -> None:
    assert check_format(label) == label


@pytest.mark.parametrize("label", ["", "A", "é", ".a", "a b", "a\n", "a" * 65, "a:b"])
def test_what_is_no_label_is_no_format(label: str) -> None:
    with pytest.raises(InvalidValue, match="must be 1 to 64 of a-z"):
        check_format(label)
