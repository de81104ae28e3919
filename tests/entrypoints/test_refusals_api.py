"""What a client may not send, and what it gets: FastAPI's own answers to these are wrong."""

import json
from collections.abc import AsyncIterator
from typing import Any

import pytest
from httpx2 import Response

from domain.strict_json import DEPTH_MAX
from tests.entrypoints.conftest import Api, before_storage, pointers, problem
from tests.routes import ROUTES

CANARY = "canary-5f2c"


@pytest.fixture
def backend() -> str:
    """One alone: all of it is decided before the storage is asked."""
    return "memory"


NOT_JSON = {
    "empty": b"",
    "white space": b" \n",
    "half": b'{"title": "x"',
    "two texts": b"{}{}",
    "NaN": b'{"metadata": {"a": NaN}}',
    "Infinity": b'{"metadata": {"a": -Infinity}}',
    "out of range": b'{"metadata": {"a": 1e999}}',
    "too many digits": b'{"metadata": {"a": ' + b"9" * 5000 + b"}}",
    "repeated member": b'{"title": "a", "title": "b"}',
    "repeated member within": b'{"metadata": {"a": {"b": 1, "b": 1}}}',
    "UTF-16": "{}".encode("utf-16"),
    "Latin-1": '{"title": "é"}'.encode("latin-1"),
    "depth": b'{"metadata": {"a": ' + b"[" * 100_000 + b"]" * 100_000 + b"}}",
}


@pytest.mark.parametrize("body", NOT_JSON.values(), ids=NOT_JSON.keys())
async def test_a_body_that_is_not_json_is_400(api: Api, body: bytes) -> None:
    session = await api.create()
    for route in ROUTES:
        if isinstance(route.body, dict):
            problem(await api.send(route.target(session["id"]), body, route.method), 400)


@pytest.mark.parametrize(("opening", "closing"), [("[", "]"), ('{"a":', "}")])
async def test_how_deep_a_body_may_be_does_not_depend_on_the_interpreter(
    api: Api, opening: str, closing: str
) -> None:
    """Metadata of a hundred levels comes back. One level more is told with its place, and what is
    deeper still is not read."""
    session = await api.create()
    item = '{"messages": [{"role": "user", "content": "", "metadata": %s}]}'
    for method, path, body, around, at in (
        ("POST", "/sessions", '{"metadata": %s}', 1, "#/metadata"),
        ("PATCH", f"/sessions/{session['id']}", '{"metadata": %s}', 1, "#/metadata"),
        ("POST", "/sessions", item, 3, "#/messages/0/metadata"),
        ("POST", f"/sessions/{session['id']}/messages", item, 3, "#/messages/0/metadata"),
    ):

        async def sent(levels: int, to: tuple[str, str, str] = (path, body, method)) -> Response:
            inner = opening * (levels - 1) + "1" + closing * (levels - 1)
            return await api.send(to[0], to[1] % f'{{"a":{inner}}}', to[2])

        taken = await sent(100)
        assert taken.is_success, taken.text
        for levels in (101, DEPTH_MAX - around):
            assert pointers(await sent(levels)) == {at}
        for levels in (DEPTH_MAX - around + 1, 900, 960, 5000, 100_000):
            refused = problem(await sent(levels), 400)
            assert "it nests more than 128 levels" in refused["detail"]


async def test_another_members_depth_is_told_like_its_type(api: Api) -> None:
    for opening, closing in (("[", "]"), ('{"a":', "}")):
        deep = opening * 100 + "1" + closing * 100
        for body in (
            f'{{"messages": [{{"role": {deep}, "content": ""}}]}}',
            f'{{"title": {deep}}}',
        ):
            problem(await api.send("/sessions", body), 422)


@pytest.mark.parametrize("content_type", [
    "", "text/plain", "text/json", "application/xml", "application/jsonp",
    "application/vnd.api+json", "multipart/form-data", "application/x-www-form-urlencoded",
    "application/json; charset=utf-16", "application/json; charset=latin-1",
    "application/json; charset=utf-8; charset=utf-16", "application/json; charset*=utf-8''latin1",
    "application/json; a*=x; a*0=y", "application/json; a*0=x; a*1*=y; a*=z; a*0=q",
    f"application/json; charset*{'9' * 5000}=x", "application/json; charset*0=u; charset*1=tf-8",
    "application/json; charset", 'application/json; charset="utf-8',
    "application/json, text/plain", "application/json;" + " " * 5000 + "x",
    "application/merge-patch+json", "nonsense",
])  # fmt: skip
async def test_another_media_type_is_415(api: Api, content_type: str) -> None:
    headers = {"Content-Type": content_type} if content_type else {}
    response = await api.ask("POST", "/sessions", content="{}", headers=headers)
    problem(response, 415)
    assert response.headers["accept"] == "application/json"


@pytest.mark.parametrize(
    "content_type",
    [
        "application/json; charset=utf-8",
        'Application/JSON;charset="UTF-8"',
        "application/json ;x=y",
        "application/json; charset=utf8",
        "application/json; charset=US-ASCII",
        "application/json; charset=",
        'application/json; charset=""',
        'application/json; x="a;charset=latin-1\\""; charset=utf-8',
        "application/json;;",
    ],
)
async def test_json_in_utf_8_is_taken_however_it_is_spelled(api: Api, content_type: str) -> None:
    headers = {"Content-Type": content_type}
    response = await api.ask("POST", "/sessions", content="{}", headers=headers)
    assert response.status_code == 201


@pytest.mark.parametrize("encodings", [["identity"], [""], ["identity, Identity", "identity"]])
async def test_a_body_that_is_said_not_to_be_encoded_is_taken(
    api: Api, encodings: list[str]
) -> None:
    encoded = [("Content-Encoding", encoding) for encoding in encodings]
    headers = [("Content-Type", "application/json"), *encoded, *api.bearer("alice").items()]
    answer = await api.client.post("/sessions", content="{}", headers=headers)
    assert answer.status_code == 201


@pytest.mark.parametrize("encodings", [["gzip"], ["identity", "gzip"], ["br"]])
async def test_an_encoded_body_is_415(api: Api, encodings: list[str]) -> None:
    encoded = [("Content-Encoding", encoding) for encoding in encodings]
    headers = [("Content-Type", "application/json"), *encoded, *api.bearer("alice").items()]
    problem(await api.client.post("/sessions", content="{}", headers=headers), 415)


@pytest.mark.parametrize(
    ("body", "expected"),
    [
        ({"title": 5}, {"#/title"}),
        ({"title": True}, {"#/title"}),
        ({"title": " "}, {"#/title"}),
        ({"title": "x" * 201}, {"#/title"}),
        ({"metadata": {"a": "x" * 16_384}}, {"#/metadata"}),
        ({"messages": [{"role": "user", "content": "x"}] * 101}, {"#/messages"}),
        ({"messages": [{"role": "user"}]}, {"#/messages/0/content"}),
        ({"messages": [{"content": "x"}]}, {"#/messages/0/role"}),
        ({"messages": [{"role": "User", "content": "x"}]}, {"#/messages/0/role"}),
        ({"messages": [{"role": "user", "content": None}]}, {"#/messages/0/content"}),
        ({"messages": [{"role": "user", "content": "x" * 300_001}]}, {"#/messages/0/content"}),
        ({"title": "a\0"}, {"#/title"}),
        ({"metadata": "x"}, {"#/metadata"}),
        ({"metadata": {"a\0": 1}}, {"#/metadata"}),
        ({"unknown": 1}, {"#"}),
        ({"messages": [{"role": "user", "content": "x", "unknown": 1}]}, {"#/messages/0"}),
        (
            {"messages": [{"role": "user", "content": 5}, 5]},
            {"#/messages/0/content", "#/messages/1"},
        ),
        ({"messages": {"0": {}}}, {"#/messages"}),
        ([], {"#"}),
        ("x", {"#"}),
        (5, {"#"}),
        (None, {"#"}),
    ],
)
async def test_json_that_breaks_a_rule_is_422_and_says_where(
    api: Api, body: Any, expected: set[str]
) -> None:
    assert pointers(await api.send("/sessions", json.dumps(body))) == expected


async def test_no_refusal_repeats_what_it_refuses(api: Api) -> None:
    session = await api.create()
    path = f"/sessions/{session['id']}"
    said = {"role": CANARY, "content": CANARY, CANARY: CANARY}
    asked = [
        await api.ask("GET", f"/{CANARY}"),
        await api.ask("GET", f"/sessions/{CANARY}"),
        await api.ask("GET", f"/sessions?{CANARY}=1&limit={CANARY}&sort_by={CANARY}"),
        await api.ask("GET", f"{path}?{CANARY}={CANARY}"),
        await api.ask("PUT", f"{path}/messages?{CANARY}"),
        await api.ask("POST", "/sessions", json={CANARY: 1, "messages": [said]}),
        await api.ask("POST", "/sessions", json={"title": [CANARY], "metadata": CANARY}),
        await api.ask("POST", "/sessions", json={"metadata": {CANARY: "\0" + CANARY}}),
        await api.ask("PATCH", path, json={"metadata": {CANARY: CANARY * 3000}}),
        await api.send("/sessions", f'{{"{CANARY}": {CANARY}}}'),
        await api.send("/sessions", f'{{"{CANARY}": 1, "{CANARY}": 2}}'),
        await api.ask("POST", "/sessions", content="x", headers={"Content-Type": CANARY}),
        await api.ask("GET", "/sessions", None, headers={"Authorization": f"Bearer {CANARY}"}),
        await api.ask("GET", "/sessions", None, headers={"Authorization": CANARY}),
        await api.ask("GET", "/sessions", headers={"Host": CANARY}),
        await api.ask("GET", "/sessions?limit=0", headers={"X-Request-ID": f"{CANARY} "[::-1]}),
    ]
    for response in asked:
        problem(response, response.status_code)
        assert CANARY not in response.text + str(response.headers)


async def test_a_refusal_does_not_outgrow_the_request(api: Api) -> None:
    body = json.dumps({f"unknown{number}": 1 for number in range(10_000)})
    response = await api.send("/sessions", body)
    assert pointers(response) == {"#"}
    said = json.dumps({"messages": [{}] * 100})
    assert len(problem(await api.send("/sessions", said), 422)["errors"]) == 50


async def test_a_body_too_large_is_refused_where_none_is_taken(api: Api) -> None:
    session = await api.create()

    async def chunked() -> AsyncIterator[bytes]:
        for _ in range(96):
            yield b"x" * (1 << 16)

    for method in ("GET", "DELETE"):
        for content in (b"x" * (6 << 20), chunked()):
            response = await api.ask(method, f"/sessions/{session['id']}", content=content)
            problem(response, 413)
    assert (await api.ask("GET", f"/sessions/{session['id']}")).status_code == 200


async def test_a_body_of_the_largest_size_is_taken(api: Api) -> None:
    padded = b'{"title": "x"}'.ljust(5 << 20)
    assert (await api.send("/sessions", padded)).status_code == 201
    problem(await api.send("/sessions", padded + b" "), 413)


async def test_a_body_that_does_not_say_its_size_is_measured(api: Api) -> None:
    async def endless() -> AsyncIterator[bytes]:
        for _ in range(1000):
            yield b" " * (1 << 16)

    for media_type in ("application/json", "text/plain"):
        headers = {"Content-Type": media_type}
        problem(await api.ask("POST", "/sessions", content=endless(), headers=headers), 413)


class TestSmallBodies:
    @pytest.fixture
    def options(self) -> dict[str, Any]:
        return {"max_body_bytes": 4 << 20, "message_body_max_bytes": 1024}

    async def test_the_limits_are_settings(self, api: Api) -> None:
        padded = b'{"title": "x"}'.ljust(4 << 20)
        assert (await api.send("/sessions", padded)).status_code == 201
        problem(await api.send("/sessions", padded + b" "), 413)
        said = {"role": "user", "body": {"a": "é" * 508}}
        assert (await api.create(messages=[said]))["message_count"] == 1
        said["body"] = {"a": "é" * 509}
        refused = await api.ask("POST", "/sessions", json={"messages": [said]})
        assert pointers(refused) == {"#/messages/0/body"}


@before_storage
@pytest.mark.parametrize(
    ("request_", "detail"),
    [
        ({"json": []}, "must be an object"),
        ({"json": {"messages": {}}}, "must be an array"),
        ({"json": {"messages": ["x"]}}, "must be an object"),
        ({"json": {"metadata": []}}, "must be an object"),
        ({"json": {"title": 5}}, "must be a string"),
        (
            {"json": {"title": "\u200b\u3164 \ufeff"}},
            "must have 1 to 200 characters after trimming",
        ),
        (
            {"json": {"ids": 1}},
            "holds a field that is not known; it takes title, metadata, messages, external_id,",
        ),
        (
            {"json": {"messages": [{"role": "user", "content": "x", "createdAt": 1}]}},
            "holds a field that is not known; it takes role, content, name, format, body,",
        ),
        (
            {"json": {"messages": [{"role": "robot", "content": "x"}]}},
            "must be one of user, assistant, system, developer, tool",
        ),
        (
            {"json": {}, "headers": {"Idempotency-Key": "x" * 256}},
            "must be 1 to 255 printable ASCII characters",
        ),
    ],
)
async def test_a_rule_is_told_in_words_of_ours(
    api: Api, request_: dict[str, Any], detail: str
) -> None:
    (error,) = problem(await api.ask("POST", "/sessions", **request_), 422)["errors"]
    assert error["detail"].startswith(detail)


@before_storage
@pytest.mark.parametrize(
    ("query", "detail"),
    [
        ("limit=0", "must be 1 to 200"),
        ("limit=500", "must be 1 to 200"),
        ("offset=2147483648", "must be 0 to 2147483647"),
        ("limit=1e1", "must be an integer written in plain digits"),
        ("limit=" + "9" * 5000, "must be"),
        ("sort_order=up", "must be one of asc, desc"),
        ("cursor=a.b", "is no cursor of this list"),
        ("cursor=" + "a" * 101, "is no cursor of this list"),
    ],
)
async def test_a_rule_of_a_query_is_told_in_words_of_ours(
    api: Api, query: str, detail: str
) -> None:
    (error,) = problem(await api.ask("GET", f"/sessions?{query}"), 422)["errors"]
    assert error["detail"].startswith(detail)


@before_storage
@pytest.mark.parametrize("broken", ["abc\\ud83d", "NaN", "role", "1e999"])
async def test_of_a_hundred_messages_the_one_that_breaks_the_rule_is_named(
    api: Api, broken: str
) -> None:
    """Half an emoji, cut by a client; a name said twice; a number that no double holds."""
    said = ['{"role": "user", "content": "fine"}'] * 100
    said[73], pointer, status = {
        "NaN": ('{"role": "user", "content": NaN}', "/content", 400),
        "role": ('{"role": "user", "role": "user", "content": ""}', "", 400),
        "1e999": ('{"role": "user", "content": "", "metadata": {"a": [1e999]}}', "/metadata", 400),
    }.get(broken, (f'{{"role": "user", "content": "{broken}"}}', "/content", 422))
    answer = await api.send("/sessions", f'{{"messages": [{", ".join(said)}]}}')
    assert [error["pointer"] for error in problem(answer, status)["errors"]] == [
        f"#/messages/73{pointer}"
    ]


@before_storage
async def test_names_of_a_client_are_in_no_pointer(api: Api) -> None:
    for body in ('{"secret": NaN}', '{"metadata": {"secret": {"title": NaN}}}'):
        answer = await api.send("/sessions", body)
        assert "secret" not in answer.text
        assert problem(answer, 400)["errors"][0]["pointer"] in {"#", "#/metadata"}


@before_storage
async def test_a_byte_order_mark_is_passed_over(api: Api) -> None:
    assert (await api.send("/sessions", b"\xef\xbb\xbf{}")).status_code == 201


@before_storage
async def test_an_empty_body_is_told(api: Api) -> None:
    assert "it is empty" in problem(await api.send("/sessions", b" "), 400)["detail"]


async def test_metadata_comes_back_to_the_digit(api: Api) -> None:
    text = '{"a":1e-400,"b":0.12345678901234567890123,"c":-0,"d":19.990}'
    made = await api.send("/sessions", f'{{"metadata": {text}}}')
    assert f'"metadata":{text}' in made.text
    path = f"/sessions/{made.json()['id']}"
    await api.send(path, '{"metadata": {"e": 1.50}}', "PATCH")
    assert f'"metadata":{text[:-1]},"e":1.50}}' in (await api.ask("GET", path)).text


async def test_the_longest_message_is_taken_in_any_spelling_of_json(api: Api) -> None:
    """Python's json writes an emoji as two escapes, twelve bytes."""
    said = {"messages": [{"role": "user", "content": "\U0001f600" * 100_000}]}
    made = await api.send("/sessions", json.dumps(said))
    path = f"/sessions/{made.json()['id']}/messages"
    assert (await api.ask("GET", path)).json()["items"][0]["content"] == "\U0001f600" * 100_000
