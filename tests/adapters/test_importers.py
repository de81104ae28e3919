"""What other programs export, as conversations: files in their shapes, made here."""

import gzip
import io
import json
import zipfile
from collections.abc import Iterator
from dataclasses import replace
from datetime import UTC, datetime
from pathlib import Path
from typing import Any, BinaryIO

import pytest

from adapters.importers import Kind, opened, parts_of
from adapters.importers.json_items import NotJson, json_items
from application.errors import StartRefused
from domain.message import NewMessage
from domain.strict_json import Number
from domain.transfer import Fault, LeftOut, Part, SessionStart

Told = list[tuple[Any, ...]]


def chatgpt_node(
    id_: str,
    parent: str | None,
    role: str,
    content: dict[str, Any] | None,
    at: float | None,
    **more: Any,
) -> dict[str, Any]:
    message = content and {
        "id": id_,
        "author": {"role": role, "name": None, "metadata": {}},
        "create_time": at,
        "update_time": None,
        "content": content,
        "status": "finished_successfully",
        "weight": 1.0,
        "metadata": {"model_slug": "m"},
        "recipient": "all",
        **more,
    }
    return {"id": id_, "message": message, "parent": parent, "children": []}


def text(*parts: Any, kind: str = "text") -> dict[str, Any]:
    return {"content_type": kind, "parts": list(parts)}


CHATGPT = [
    {
        "title": "Trip \0",
        "create_time": 1756000000.123456,
        "update_time": 1756000400.5,
        "mapping": {
            node["id"]: node
            for node in (
                chatgpt_node("root", None, "", None, None),
                chatgpt_node("sys", "root", "system", text(""), None),
                chatgpt_node(
                    "ctx",
                    "sys",
                    "user",
                    {"content_type": "user_editable_context", "user_profile": "An engineer."},
                    None,
                    weight=0,
                    metadata={"is_visually_hidden_from_conversation": True},
                ),
                chatgpt_node(
                    "u1",
                    "ctx",
                    "user",
                    text(
                        {
                            "content_type": "image_asset_pointer",
                            "asset_pointer": "file-service://f",
                        },
                        "Where?",
                        kind="multimodal_text",
                    ),
                    1756000001.0,
                ),
                chatgpt_node("a1", "u1", "assistant", text("Lisbon"), 1756000009.0),
                chatgpt_node(
                    "t1",
                    "u1",
                    "tool",
                    {"content_type": "execution_output", "text": "42"},
                    1756000002.0,
                ),
                chatgpt_node(
                    "a2",
                    "t1",
                    "assistant",
                    {"content_type": "thoughts", "thoughts": [{"content": "hm"}]},
                    1756000003.0,
                ),
                chatgpt_node(
                    "a3",
                    "a2",
                    "assistant",
                    {"content_type": "code", "text": "print()"},
                    1756000004.5,
                ),
            )
        },
        "current_node": "a3",
        "conversation_id": "c-1",
        "is_archived": True,
        "is_starred": None,
    },
    {"title": "Without a mapping", "id": "c-2"},
]
CHATGPT_TOLD: Told = [
    ("c-1", "Trip", None, True, False, datetime(2025, 8, 24, 1, 46, 40, 123456, UTC)),
    ("left out", "empty system messages"),
    ("left out", "hidden messages, which nobody was shown"),
    ("left out", "files, which the export does not hold: the body names them"),
    ("u1", "user", "Where?", datetime(2025, 8, 24, 1, 46, 41, 0, UTC)),
    ("t1", "tool", "42", datetime(2025, 8, 24, 1, 46, 42, 0, UTC)),
    ("a2", "assistant", "", datetime(2025, 8, 24, 1, 46, 43, 0, UTC)),
    ("a3", "assistant", "print()", datetime(2025, 8, 24, 1, 46, 44, 500000, UTC)),
    ("c-1:a1", "Trip", "c-1", True, False, datetime(2025, 8, 24, 1, 46, 40, 123456, UTC)),
    ("left out", "empty system messages"),
    ("left out", "hidden messages, which nobody was shown"),
    ("left out", "files, which the export does not hold: the body names them"),
    ("u1", "user", "Where?", datetime(2025, 8, 24, 1, 46, 41, 0, UTC)),
    ("a1", "assistant", "Lisbon", datetime(2025, 8, 24, 1, 46, 49, 0, UTC)),
    ("refused", "conversation 2 has no messages as chatgpt has them"),
]

NOON = datetime(2025, 1, 1, 12, tzinfo=UTC)


def claude_message(id_: str, sender: str, spoken: str, minute: int, **more: Any) -> dict[str, Any]:
    at = f"2025-01-01T12:{minute:02}:00.000000Z"
    return {
        "uuid": id_,
        "text": spoken,
        "content": [{"type": "text", "text": spoken, "citations": []}],
        "sender": sender,
        "created_at": at,
        "updated_at": at,
        "attachments": [],
        "files": [],
        **more,
    }


CLAUDE: list[dict[str, Any]] = [
    {
        "uuid": "k-1",
        "name": "x" * 201,
        "created_at": "2025-01-01T12:00:00.000000Z",
        "updated_at": "2025-01-01T12:09:00.000000+00:00",
        "account": {"uuid": "someone"},
        "chat_messages": [
            claude_message(
                "m1",
                "human",
                "Hi",
                1,
                attachments=[{"file_name": "a.txt", "extracted_content": "pasted"}],
                files=[{"file_name": "b.png"}],
            ),
            claude_message(
                "m2",
                "assistant",
                "",
                2,
                content=[
                    {"type": "thinking", "thinking": "hm"},
                    {"type": "tool_use", "name": "search", "input": {"q": "x"}},
                    {"type": "tool_result", "content": [{"type": "text", "text": "found"}]},
                    {"type": "text", "text": "Yo"},
                ],
            ),
        ],
    },
    {
        "uuid": "k-2",
        "name": "",
        "created_at": "2025-01-01T12:00:00Z",
        "chat_messages": [
            claude_message("n1", "human", "1", 1, parent_message_uuid="0000"),
            claude_message("n2", "assistant", "2", 2, parent_message_uuid="n1"),
            claude_message("n3", "assistant", "3", 3, parent_message_uuid="n1"),
        ],
    },
]
CLAUDE_TOLD: Told = [
    ("k-1", "x" * 200, None, False, False, NOON),
    ("left out", "the end of a title of more than 200 characters"),
    ("left out", "files, which the export does not hold: the body names them"),
    ("m1", "user", "Hi\npasted", NOON.replace(minute=1)),
    ("m2", "assistant", "found\nYo", NOON.replace(minute=2)),
    ("k-2", None, None, False, False, NOON),
    ("n1", "user", "1", NOON.replace(minute=1)),
    ("n3", "assistant", "3", NOON.replace(minute=3)),
    ("k-2:n2", None, "k-2", False, False, NOON),
    ("n1", "user", "1", NOON.replace(minute=1)),
    ("n2", "assistant", "2", NOON.replace(minute=2)),
]

EPOCH = 1735732800
"""Noon of that day, in seconds."""


def webui_message(id_: str, parent: str | None, role: str, minute: int) -> dict[str, Any]:
    at = EPOCH + 60 * minute
    return {"id": id_, "parentId": parent, "childrenIds": [], "role": role, "content": id_} | {
        "timestamp": at
    }


OPEN_WEBUI = [
    {
        "id": "w-1",
        "user_id": "u",
        "title": "W",
        "chat": {
            "title": "W",
            "models": ["a", "b"],
            "history": {
                "messages": {
                    "1": webui_message("1", None, "user", 1),
                    "2": webui_message("2", "1", "assistant", 2),
                    "3": webui_message("3", "1", "assistant", 3),
                },
                "currentId": "2",
            },
            "timestamp": EPOCH * 1000,
        },
        "created_at": EPOCH,
        "updated_at": EPOCH + 600,
        "archived": False,
        "pinned": True,
    },
    {
        "id": "w-2",
        "title": "Old",
        "chat": {
            "history": {"messages": {}},
            "messages": [
                webui_message("1", None, "user", 1),
                webui_message("2", None, "system", 2),
            ],
            "timestamp": EPOCH * 1000,
        },
    },
]
OPEN_WEBUI_TOLD: Told = [
    ("w-1", "W", None, False, True, NOON),
    ("1", "user", "1", NOON.replace(minute=1)),
    ("2", "assistant", "2", NOON.replace(minute=2)),
    ("w-1:3", "W", "w-1", False, True, NOON),
    ("1", "user", "1", NOON.replace(minute=1)),
    ("3", "assistant", "3", NOON.replace(minute=3)),
    ("w-2", "Old", None, False, False, NOON),
    ("1", "user", "1", NOON.replace(minute=1)),
    ("2", "system", "2", NOON.replace(minute=2)),
]


def libre_message(id_: str, minute: int, **more: Any) -> dict[str, Any]:
    return {
        "messageId": id_,
        "isCreatedByUser": id_ == "1",
        "sender": "User" if id_ == "1" else "GPT-4",
        "text": id_,
        "createdAt": f"2025-01-01T12:{minute:02}:00.000Z",
        **more,
    }


LIBRECHAT_FLAT = {
    "conversationId": "l-1",
    "endpoint": "openAI",
    "title": "L",
    "exportAt": "08:12:16 GMT-0400",
    "branches": True,
    "recursive": False,
    "messages": [
        libre_message("1", 1, parentMessageId="00000000-0000-0000-0000-000000000000"),
        libre_message("2", 2, parentMessageId="1"),
        libre_message(
            "3",
            3,
            parentMessageId="1",
            text="",
            content=[{"type": "think", "think": "hm"}, {"type": "text", "text": {"value": "3"}}],
        ),
    ],
}
LIBRECHAT_RECURSIVE = LIBRECHAT_FLAT | {
    "recursive": True,
    "messages": [
        libre_message("1", 1, children=[libre_message("2", 2, children=[]), libre_message("3", 3)])
    ],
}
LIBRECHAT_TOLD: Told = [
    ("l-1", "L", None, False, False, None),
    ("1", "user", "1", NOON.replace(minute=1)),
    ("3", "assistant", "3", NOON.replace(minute=3)),
    ("l-1:2", "L", "l-1", False, False, None),
    ("1", "user", "1", NOON.replace(minute=1)),
    ("2", "assistant", "2", NOON.replace(minute=2)),
]

OPENAI_LINE = {
    "messages": [
        {"role": "system", "content": "Be brief."},
        {"role": "user", "content": [{"type": "text", "text": "Hi"}], "name": "ann"},
        {"role": "assistant", "content": None, "tool_calls": [{"id": "c", "type": "function"}]},
        {"role": "tool", "tool_call_id": "c", "content": "42"},
        "rubbish",
    ]
}
OPENAI_TOLD: Told = [
    (
        "sha256:2ba8bb7b7d7f0b5f4f0f8c6c3f1fd0a1",
        None, None, False, False, None,
    ),
    (None, "system", "Be brief.", None),
    (None, "user", "Hi", None),
    (None, "assistant", "", None),
    (None, "tool", "42", None),
    ("left out", "messages that have not the form of a message"),
]  # fmt: skip

OWN = (
    b'{"type":"header","format":"chat-sessions/1"}\n'
    b'{"type":"session","external_id":"o","title":"O","pinned":true}\n'
    b'{"type":"message","role":"user","content":"hi","external_id":"m"}\n'
    b"rubbish\n"
)
OWN_TOLD: Told = [
    ("o", "O", None, False, True, None),
    ("m", "user", "hi", None),
    ("refused", "it is not JSON: line 1, column 1, where a value should be"),
]

FILES = [
    (Kind.CHATGPT, json.dumps(CHATGPT).encode(), CHATGPT_TOLD),
    (Kind.CLAUDE, json.dumps(CLAUDE, indent=1).encode(), CLAUDE_TOLD),
    (Kind.OPEN_WEBUI, json.dumps(OPEN_WEBUI).encode(), OPEN_WEBUI_TOLD),
    (Kind.LIBRECHAT, json.dumps(LIBRECHAT_FLAT).encode(), LIBRECHAT_TOLD),
    (Kind.LIBRECHAT, json.dumps(LIBRECHAT_RECURSIVE).encode(), LIBRECHAT_TOLD),
    (Kind.OPENAI, f"{json.dumps(OPENAI_LINE)}\n".encode(), OPENAI_TOLD),
    (Kind.CHAT_SESSIONS, OWN, OWN_TOLD),
]


def told(parts: Iterator[Part]) -> Told:
    """What a test says of parts."""
    found: Told = []
    for part in parts:
        match part:
            case SessionStart(new):
                branch_of = new.metadata.to_dict().get("branch_of")
                marks = (new.archived, new.pinned)
                found.append((new.external_id, new.title, branch_of, *marks, new.created_at))
            case NewMessage():
                found.append((part.external_id, part.role, part.content, part.timestamp))
            case LeftOut(count=0):
                pass
            case LeftOut(reason):
                found.append(("left out", reason))
            case Fault(reason):
                found.append(("refused", reason))
    return found


@pytest.mark.parametrize("is_said", [True, False])
@pytest.mark.parametrize(("kind", "file", "expected"), FILES)
def test_a_file_is_read_as_what_it_is(
    kind: Kind,
    file: bytes,
    expected: Told,
    is_said: bool,  # noqa: FBT001 - a column
) -> None:
    found, parts = parts_of(stream_of(file), kind if is_said else None)
    assert found is kind
    seen = told(parts)
    if kind is Kind.OPENAI:
        assert seen[0][0].startswith("sha256:")
        seen, expected = seen[1:], expected[1:]
    assert seen == expected


def test_messages_in_a_circle_are_counted_where_no_branch_has_them() -> None:
    nodes = {
        "a": chatgpt_node("a", "b", "user", text("a"), 1.0),
        "b": chatgpt_node("b", "a", "assistant", text("b"), 2.0),
        "c": chatgpt_node("c", None, "user", text("c"), 3.0),
    }
    alone = {"a": chatgpt_node("a", "a", "user", text("a"), 1.0)}
    circle = LeftOut("messages that follow each other in a circle", 2)
    for mapping, said in ((nodes, ["c"]), (alone, [])):
        _, read = parts_of(stream_of(json.dumps([{"id": "1", "mapping": mapping}]).encode()))
        parts = list(read)
        assert [part.content for part in parts if isinstance(part, NewMessage)] == said
        assert replace(circle, count=1 + len(said)) in parts


def test_what_is_no_message_is_counted() -> None:
    chat = {"uuid": "k", "chat_messages": ["rubbish", None, {}, {"text": "hi"}]}
    _, parts = parts_of(stream_of(json.dumps([chat]).encode()))
    lost = ("left out", "messages that have not the form of a message")
    assert told(parts)[1:] == [lost, lost, lost, (None, "assistant", "hi", None)]


def test_the_original_message_is_the_body() -> None:
    _, parts = parts_of(stream_of(json.dumps(LIBRECHAT_RECURSIVE).encode()))
    first = next(part for part in parts if isinstance(part, NewMessage))
    assert first.format == "librechat.message"
    assert first.body
    assert first.body.to_dict() == libre_message("1", 1)
    _, parts = parts_of(stream_of(json.dumps([CHATGPT[0]]).encode()))
    said = [part for part in parts if isinstance(part, NewMessage)]
    assert said[1].body
    assert said[1].body.to_dict()["content"] == {"content_type": "execution_output", "text": "42"}


def test_numbers_are_kept_to_the_digit_and_text_to_the_character() -> None:
    numbers = "[1.10, 1e400, 12345678901234567890]"
    raw = f'{{"messages": [{{"role": "user", "content": "é\\ud800", "n": {numbers}}}]}}'
    _, parts = parts_of(stream_of(raw.encode()))
    (said,) = [part for part in parts if isinstance(part, NewMessage)]
    assert said.body
    assert f'"n":{numbers.replace(" ", "")}' in said.body.json
    assert said.content == "é"


def test_what_no_body_can_hold_is_left_out_and_its_text_stays() -> None:
    deep: Any = "x"
    for _ in range(101):
        deep = [deep]
    item = {"messages": [{"role": "user", "content": "hi", "deep": deep}]}
    _, parts = parts_of(stream_of(json.dumps(item).encode()))
    _, _, lost, said = parts
    assert lost == LeftOut("original messages, each of which must not nest more than 100 levels")
    assert isinstance(said, NewMessage)
    assert (said.content, said.body, said.format) == ("hi", None, None)


def test_a_conversation_without_an_id_is_known_by_what_is_in_it() -> None:
    item = {name: value for name, value in CLAUDE[0].items() if name != "uuid"}
    names = set()
    for text_ in (json.dumps([item]), json.dumps([item], indent=2)):
        _, parts = parts_of(stream_of(text_.encode()))
        start = next(parts)
        assert isinstance(start, SessionStart)
        names.add(start.external_id)
    assert len(names) == 1


def stream_of(raw: bytes) -> io.BufferedReader:
    return io.BufferedReader(io.BytesIO(raw))


def zipped(**members: bytes) -> bytes:
    made = io.BytesIO()
    with zipfile.ZipFile(made, "w", zipfile.ZIP_DEFLATED) as archive:
        for name, content in members.items():
            archive.writestr(name.replace("__", "."), content)
    return made.getvalue()


PACKED = [
    (OWN, [OWN]),
    (gzip.compress(OWN), [OWN]),
    (zipped(user__json=b"{}", conversations__json=OWN, chat__html=b"<html>"), [OWN]),
    (zipped(**{"conversations-000__json": b"1", "conversations-001__json": b"2"}), [b"1", b"2"]),
    (zipped(chats__jsonl=OWN), [OWN]),
]


@pytest.mark.parametrize(("packed", "inside"), PACKED)
def test_a_file_is_opened_as_it_was_downloaded(
    packed: bytes, inside: list[bytes], tmp_path: Path
) -> None:
    path = tmp_path / "file"
    path.write_bytes(packed)
    with path.open("rb") as file, opened(file) as streams:
        assert [stream.read() for stream in streams] == inside


UNUSABLE = [
    (b"", "the file holds no conversation"),
    (b" [] ", "the file holds no conversation"),
    (b"{}", "of no kind that is known"),
    (b"hello", "not what can be imported: it is not JSON at character 0"),
    (b"\xff\xfe{", "it is not UTF-8"),
    (b'{"a": 1}', "of no kind that is known"),
    (b"[" * 99_999, "is nested too deep"),
    (zipped(chat__html=b"<html>"), "no file in it is JSON"),
    (zipped(conversations__json=OWN)[:-40], "the file is damaged"),
    (gzip.compress(OWN)[:-20], "the file is damaged"),
]


@pytest.mark.parametrize(("file", "reason"), UNUSABLE)
def test_what_cannot_be_imported_is_told_in_one_line(
    file: bytes, reason: str, tmp_path: Path
) -> None:
    path = tmp_path / "file"
    path.write_bytes(file)
    with path.open("rb") as raw, pytest.raises(StartRefused, match=reason):
        read_whole(raw)


def read_whole(raw: BinaryIO) -> None:
    with opened(raw) as streams:
        for stream in streams:
            _, parts = parts_of(stream)
            list(parts)


def test_a_file_that_was_cut_off_is_read_as_far_as_it_goes() -> None:
    whole = json.dumps(CLAUDE).encode()
    _, parts = parts_of(stream_of(whole[:-300]))
    *first, last = told(parts)
    assert first == CLAUDE_TOLD[:5]
    assert last[0] == "refused"
    assert last[1].startswith("after 1 conversations: it is not JSON at character ")


@pytest.mark.parametrize("size", [1, 7, 1 << 20])
def test_items_are_the_same_however_they_come(size: int, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("adapters.importers.json_items.CHUNK_BYTES", size)
    raw = '\ufeff[{"a": "é𝄞\\n"}, [1.50], "]"] {"b": [NaN]}\n{"c": 1}'.encode()
    found = list(json_items(stream_of(raw)))
    assert found == [{"a": "é𝄞\n"}, [Number("1.50")], "]", {"b": [None]}, {"c": 1}]


def test_an_item_that_is_too_large_ends_the_file(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("adapters.importers.json_items.ITEM_MAX", 1000)
    monkeypatch.setattr("adapters.importers.json_items.CHUNK_BYTES", 100)
    with pytest.raises(NotJson, match="more than 1000 characters"):
        list(json_items(stream_of(b'["' + b"x" * 9000 + b'"]')))
