"""Conversations as people have them: taken whole, given back as the same JSON value."""

import json
from typing import Any

import pytest

from entrypoints.http.serializers import rfc3339
from tests.entrypoints.conftest import Api, before_storage, problem
from tests.entrypoints.conversations import NOT_JSON, SHAPES, Shape

HEADERS = {"Content-Type": "application/json"}
BODY_MAX = 512 << 10
"""The operator's choice: one message has a paste of 275,000 characters."""


@pytest.fixture
def options() -> dict[str, Any]:
    return {"message_body_max_bytes": BODY_MAX}


def compact(value: object) -> str:
    """The JSON text, in which the order of members and the digits of numbers count."""
    return json.dumps(value, separators=(",", ":"))


async def send(api: Api, method: str, path: str, body: Any) -> dict[str, Any]:
    """As most clients send it, in ASCII, half emoji as escapes."""
    answer = await api.ask(method, path, content=compact(body), headers=HEADERS)
    assert answer.is_success, answer.text
    found: dict[str, Any] = answer.json()
    return found


@pytest.mark.parametrize("shape", SHAPES.values(), ids=SHAPES.keys())
async def test_items_of_a_format_are_taken_whole(api: Api, shape: Shape) -> None:
    path = "/sessions/ext:chat/messages"
    batch = {"format": shape.format, "messages": shape.items}
    stored = (await send(api, "POST", f"{path}?create=true", batch))["items"]
    assert [item["role"] for item in stored] == shape.roles
    assert [item["content"] for item in stored] == shape.texts
    assert {item["format"] for item in stored} == {shape.format}
    if shape.external_ids:
        assert [item["external_id"] for item in stored] == shape.external_ids
    if shape.names:
        assert [item["name"] for item in stored] == shape.names
    listed = (await api.ask("GET", path)).json()["items"]
    assert listed == stored
    assert [compact(item["body"]) for item in listed] == list(map(compact, shape.items))
    to_a_model = (await api.ask("GET", f"{path}?view=body")).json()["items"]
    assert list(map(compact, to_a_model)) == list(map(compact, shape.items))
    texts = (await api.ask("GET", f"{path}?view=text")).json()["items"]
    assert texts == [item | {"body": None} for item in stored]


@before_storage
@pytest.mark.parametrize("shape", SHAPES.values(), ids=SHAPES.keys())
async def test_a_conversation_is_put_twice_and_stored_once(api: Api, shape: Shape) -> None:
    """As it was got the first time, and with times of its own."""
    session = await api.create(external_id="chat")
    path = "/sessions/ext:chat/messages"
    for number, (item, role) in enumerate(zip(shape.items, shape.roles, strict=True)):
        target = f"{path}/ext:{number}%2F{shape.format.replace('/', '%2F')}"
        said = {"role": role, "body": item, "format": shape.format}
        first = await send(api, "PUT", target, said)
        again = await send(api, "PUT", target, first)
        assert (await api.ask("GET", target)).json() == again
        assert again == first | {"edited_at": again["edited_at"]}
        assert compact(again["body"]) == compact(item)
        assert again["content"] == shape.texts[number]
    page = (await api.ask("GET", f"/sessions/{session['id']}")).json()
    assert page["message_count"] == len(shape.items)


@before_storage
async def test_numbers_and_names_come_back_as_they_were_written(api: Api) -> None:
    body = r'{"b":1.10,"a":-0,"2":1e-400,"1":0.12345678901234567890123,"\ud83d":"\u0000","é":{}}'
    said = f'{{"messages":[{{"role":"user","body":{body}}}]}}'
    made = await api.send("/sessions/ext:n/messages?create=true", said)
    assert f'"body":{body}' in made.text
    for target in ("/sessions/ext:n/messages", "/sessions/ext:n/messages/last"):
        assert body in (await api.ask("GET", target)).text
    assert body in (await api.ask("GET", "/sessions/ext:n/messages?view=body")).text


@before_storage
async def test_what_is_no_json_is_told_with_its_place(api: Api) -> None:
    """And with none of the client's names."""
    item = '{"role": "user", "content": "fine"}'
    for sent, pointer in (
        (f'{{"format": "x", "messages": [{item}, {NOT_JSON}]}}', "#/messages/1"),
        (f'{{"messages": [{{"role": "user", "body": {NOT_JSON}}}]}}', "#/messages/0/body"),
    ):
        refused = problem(await api.send("/sessions/ext:n/messages?create=true", sent), 400)
        assert refused["errors"] == [
            {"detail": "NaN and infinities are not JSON", "pointer": pointer}
        ]


DEEP = {"a": json.loads("[" * 100 + "]" * 100)}
REFUSED: list[tuple[Any, str]] = [
    ({"format": "x", "messages": [{}, 5]}, "#/messages/1"),
    ({"format": "x", "messages": [{}, DEEP]}, "#/messages/1"),
    ({"format": "x", "messages": [{}, {"a": "x" * BODY_MAX}]}, "#/messages/1"),
    ({"format": "x", "messages": [{"id": "a"}, {}, {"id": "a"}]}, "#/messages/2"),
    ({"format": "x", "messages": []}, "#/messages"),
    ({"format": "x", "messages": None}, "#/messages"),
    ({"format": "x"}, "#/messages"),
    ({"format": "X", "messages": [{}]}, "#/format"),
    ({"format": "", "messages": [{}]}, "#/format"),
    ({"format": 5, "messages": [{}]}, "#/format"),
    ({"format": "x", "messages": [{}], "unknown": 1}, "#"),
    ({"messages": [{"role": "user"}]}, "#/messages/0/content"),
    ({"messages": [{"role": "user", "body": []}]}, "#/messages/0/body"),
    ({"messages": [{"role": "user", "body": DEEP}]}, "#/messages/0/body"),
    ({"messages": [{"role": "user", "body": {"a": "x" * BODY_MAX}}]}, "#/messages/0/body"),
    ({"messages": [{"role": "user", "content": "", "format": "X"}]}, "#/messages/0/format"),
    ({"messages": [{"role": "user", "content": "", "name": " "}]}, "#/messages/0/name"),
    ({"messages": [{"role": "user", "content": "", "external_id": ""}]},
     "#/messages/0/external_id"),
    ({"messages": [{"role": "user", "content": "", "timestamp": "2026-01-02"}]},
     "#/messages/0/timestamp"),
    ({"messages": [{"role": "user", "content": "", "timestamp": 5}]}, "#/messages/0/timestamp"),
    ({"messages": [{"role": "user", "content": "", "timestamp": "2026-01-02T03:04:05"}]},
     "#/messages/0/timestamp"),
]  # fmt: skip


@before_storage
@pytest.mark.parametrize(("body", "pointer"), REFUSED)
async def test_a_batch_that_breaks_a_rule_stores_nothing(api: Api, body: Any, pointer: str) -> None:
    answer = await api.send("/sessions/ext:chat/messages?create=true", json.dumps(body))
    assert {error["pointer"] for error in problem(answer, 422)["errors"]} == {pointer}
    problem(await api.ask("GET", "/sessions/ext:chat"), 404)


@before_storage
@pytest.mark.parametrize("item", [
    {"role": "user", "content": [{"type": "text", "text": "Hi"}]},
    {"role": "user", "parts": [{"type": "text", "text": "Hi"}]},
])  # fmt: skip
async def test_a_frameworks_message_is_told_the_ways_for_such(api: Api, item: Any) -> None:
    path = f"/sessions/{(await api.create())['id']}/messages"
    for method, at, body in (("POST", path, {"messages": [item]}), ("PUT", f"{path}/ext:m", item)):
        errors = problem(await api.ask(method, at, json=body), 422)["errors"]
        assert [error for error in errors if "give `format` beside" in error["detail"]], errors


@before_storage
async def test_a_member_that_is_not_known_is_told_with_how_to_store_it(api: Api) -> None:
    said = {"id": "1", "role": "user", "content": "x", "createdAt": "2026-01-02T03:04:05Z"}
    path = "/sessions/ext:chat/messages?create=true"
    (error,) = problem(await api.ask("POST", path, json={"messages": [said]}), 422)["errors"]
    assert "role, content, name, format, body, metadata, external_id, timestamp" in error["detail"]
    assert "give `format` beside `messages`" in error["detail"]
    await send(api, "POST", path, {"messages": [said], "format": "mine"})


@before_storage
async def test_null_counts_as_absent_in_a_message(api: Api) -> None:
    absent = dict.fromkeys(("name", "external_id", "format", "body", "timestamp", "metadata"), None)
    said = {"role": "user", "content": "x", **absent}
    session = await api.create(messages=[said], external_id=None, created_at=None)
    path = f"/sessions/{session['id']}/messages"
    await send(api, "POST", path, {"messages": [said], "format": None})
    await send(api, "PUT", f"{path}/1", said)
    await send(api, "PUT", f"{path}/2", said | {"content": None, "body": {"text": "y"}})
    items = (await api.ask("GET", path)).json()["items"]
    assert [item["content"] for item in items] == ["x", "y"]


TIMES = [
    ("2026-01-02T03:04:05.678901Z", "2026-01-02T03:04:05.678901Z"),
    ("2019-06-05T06:30:00+05:30", "2019-06-05T01:00:00.000000Z"),
    ("2019-06-05t01:00:00.5z", "2019-06-05T01:00:00.500000Z"),
    ("2019-06-04 18:00:00.123456789-07:00", "2019-06-05T01:00:00.123456Z"),
]


@before_storage
@pytest.mark.parametrize(("given", "kept"), TIMES)
async def test_a_time_is_given_back_in_utc(api: Api, given: str, kept: str) -> None:
    said = {"role": "user", "content": "then", "timestamp": given}
    session = await api.create(created_at=given, messages=[said])
    assert session["created_at"] == kept
    path = f"/sessions/{session['id']}/messages"
    assert (await api.ask("GET", path)).json()["items"][0]["timestamp"] == kept


@before_storage
async def test_what_was_said_before_now_is_kept_as_far_as_order_allows(api: Api) -> None:
    times = ["2020-01-01T00:00:00Z", "2019-01-01T00:00:00Z", "2099-01-01T00:00:00Z"]
    said = [{"role": "user", "content": "", "timestamp": time} for time in times]
    session = await api.create(messages=said)
    items = (await api.ask("GET", f"/sessions/{session['id']}/messages")).json()["items"]
    assert [item["timestamp"] for item in items[:2]] == [
        "2020-01-01T00:00:00.000000Z",
        "2020-01-01T00:00:00.000001Z",
    ]
    assert items[2]["timestamp"] == rfc3339(api.clock.time)
    assert session["last_updated"] == items[2]["timestamp"]
    late = {"role": "user", "content": "", "timestamp": "2020-01-01T00:00:00Z"}
    for body in (
        {"created_at": "2099-01-01T00:00:00Z"},
        {"created_at": "2020-01-02T00:00:00Z", "messages": [late]},
    ):
        refused = problem(await api.ask("POST", "/sessions", json=body), 422)
        assert [error["pointer"] for error in refused["errors"]] == ["#/created_at"]
