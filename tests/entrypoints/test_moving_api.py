"""Everything out, and everything in, over HTTP."""

import json
from typing import Any

import httpx2
import pytest

from domain.body import BODY_MAX_DEFAULT
from entrypoints.http import line_streams
from tests.entrypoints.conftest import Api, before_storage, problem
from tests.moving import but_for_ids, session

NDJSON = {"Content-Type": "application/x-ndjson"}
LIMIT = 4096


@pytest.fixture
def backend() -> str:
    return "memory"


def lines_of(answer: httpx2.Response) -> list[dict[str, Any]]:
    assert answer.status_code == 200, answer.text
    assert answer.headers["content-type"] == "application/x-ndjson"
    assert answer.text.endswith("\n") or not answer.content
    return [json.loads(line) for line in answer.text.splitlines()]


def written(lines: list[dict[str, Any]]) -> bytes:
    return b"".join(json.dumps(line).encode() + b"\n" for line in lines)


async def put_in(api: Api, lines: list[dict[str, Any]], who: str = "alice") -> list[dict[str, Any]]:
    answer = await api.ask("POST", "/import", who, content=written(lines), headers=NDJSON)
    return lines_of(answer)


@pytest.mark.parametrize("backend", ["memory", "sqlite", "postgresql"])
async def test_what_one_service_gives_another_takes(api: Api) -> None:
    created = await api.create(
        title="One", metadata={"n": 1.5}, messages=[{"role": "user", "body": {"text": "hi"}}]
    )
    api.clock.move(1)
    await api.ask("PATCH", f"/sessions/{created['id']}", json={"archived": True, "title": "Uno"})
    given = lines_of(await api.ask("GET", "/export"))
    header, head, message, footer = given
    assert header["format"] == "chat-sessions/1"
    assert header["user_id"] == "alice"
    assert head == {
        "type": "session",
        **(await api.ask("GET", f"/sessions/{created['id']}")).json(),
    }
    page = (await api.ask("GET", f"/sessions/{created['id']}/messages")).json()
    assert message == {"type": "message", **page["items"][0]}
    assert footer == {"type": "footer", "sessions": 1, "messages": 1}
    api.clock.move(1)
    for status, stored in (("created", 1), ("kept", 0)):
        (told,) = await put_in(api, given, "bob")
        session_id = told.pop("session_id")
        assert told == {
            "external_id": created["id"],
            "status": status,
            "messages": stored,
            "left_out": [],
        }
    taken = lines_of(await api.ask("GET", "/export", "bob"))
    assert but_for_ids(taken) == but_for_ids(given)
    one = await api.ask("GET", "/export", "bob", params={"session_id": f"ext:{created['id']}"})
    assert lines_of(one)[1]["id"] == session_id
    assert (await api.ask("HEAD", "/export")).status_code == 200


async def test_each_session_is_answered_in_its_turn(api: Api) -> None:
    lines = [
        *session("a", "1", "2"),
        *session("b", "1", {"content": None}),
        *session("c", "1", extra=1),
    ]
    found = await put_in(api, lines)
    assert [(one["external_id"], one["status"], one["messages"]) for one in found] == [
        ("a", "created", 2),
        ("b", "refused", 0),
        ("c", "created", 1),
    ]
    why = {"reason": "content is required where there is no body", "count": 1, "line": 6}
    assert found[1]["left_out"] == [why]
    unknown = {"reason": "members that are not known", "count": 1, "line": 7}
    assert found[2]["left_out"] == [unknown]
    assert (await api.ask("GET", "/sessions/ext:b")).status_code == 404


async def test_whose_sessions_they_are_is_said_by_the_token_alone(api: Api) -> None:
    await put_in(api, session("a", "1", user_id="alice"), "bob")
    assert (await api.ask("GET", "/sessions/ext:a")).status_code == 404
    found = await api.ask("GET", "/sessions/ext:a", "bob")
    assert found.json()["user_id"] == "bob"
    other = await api.ask("GET", "/export", params={"session_id": found.json()["id"]})
    problem(other, 403)
    for reference in ("x", "ext:a", "01a20ab2-e3be-7336-be46-7b4184e042f7"):
        problem(await api.ask("GET", "/export", params={"session_id": reference}), 404)


REFUSED = [
    ({"content": b"{}", "headers": {"Content-Type": "application/json"}}, 415),
    ({"content": b"{}"}, 415),
    ({"content": b"{}", "headers": NDJSON | {"Content-Encoding": "gzip"}}, 415),
    ({"content": b"", "headers": NDJSON}, 400),
    ({"content": b"x" * (LIMIT + 1), "headers": NDJSON}, 413),
]


class TestLimits:
    @pytest.fixture
    def options(self) -> dict[str, Any]:
        return {"import_max_bytes": LIMIT}

    @pytest.mark.parametrize(("request_", "status"), REFUSED)
    async def test_what_is_no_import_is_refused_before_it_is_read(
        self, api: Api, request_: dict[str, Any], status: int
    ) -> None:
        problem(await api.ask("POST", "/import", **request_), status)

    async def test_what_is_beyond_the_limit_is_said_and_the_rest_is_stored(self, api: Api) -> None:
        """Where the length was not announced."""

        async def pieces() -> Any:
            yield written(session("a", "1"))
            yield written(session("b", "x" * 100))
            yield b" " * LIMIT

        answer = await api.ask("POST", "/import", content=pieces(), headers=NDJSON)
        first, second = lines_of(answer)
        assert (first["external_id"], first["status"]) == ("a", "created")
        assert (second["external_id"], second["status"]) == ("b", "refused")
        assert second["left_out"][0]["reason"].startswith("the request has more than 4096 bytes")

    @before_storage
    async def test_a_line_may_come_in_any_pieces(self, api: Api) -> None:
        whole = written(session("a", "é1", "2"))

        async def pieces() -> Any:
            for byte in whole.rstrip():
                yield bytes([byte])

        answer = await api.ask("POST", "/import", content=pieces(), headers=NDJSON)
        assert [one["messages"] for one in lines_of(answer)] == [2]


class TestLines:
    @pytest.fixture
    def options(self) -> dict[str, Any]:
        return {"message_body_max_bytes": 1024, "max_body_bytes": 4 << 20}

    async def test_a_line_that_is_too_long_refuses_its_session(self, api: Api) -> None:
        def message(size: int) -> dict[str, Any]:
            return {"body": {"a": "x" * size}}

        lines = [*session("a", message(5 << 20), "2"), *session("b", message(1025)), *session("c")]
        first, second, third = await put_in(api, lines)
        too_long = {"reason": "the line has more than 4194304 bytes", "count": 1, "line": 2}
        assert (first["status"], first["left_out"]) == ("refused", [too_long])
        large = {"reason": "bodies of more than 1024 bytes", "count": 1}
        assert (second["status"], second["left_out"]) == ("created", [large])
        assert third["status"] == "created"


async def test_a_large_message_is_imported_as_it_was(api: Api) -> None:
    """What one message may hold, one line may hold too."""
    body = {"text": "\N{GRINNING FACE}" * 60_000}
    assert len(json.dumps(body, ensure_ascii=False).encode()) < BODY_MAX_DEFAULT
    (told,) = await put_in(api, session("a", {"body": body}))
    assert (told["status"], told["left_out"]) == ("created", [])


async def test_an_answer_with_many_lines_is_whole(
    api: Api, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Those that come before the request has ended wait for it, in a file where they are many."""
    monkeypatch.setattr(line_streams, "IN_MEMORY_BYTES", 1000)

    async def pieces() -> Any:
        for number in range(300):
            yield written(session(f"s{number}", "1"))

    answer = await api.ask("POST", "/import", content=pieces(), headers=NDJSON)
    assert [one["external_id"] for one in lines_of(answer)] == [f"s{n}" for n in range(300)]


async def test_streams_end_once_the_service_stops(api: Api) -> None:
    """In their midst, so that whoever reads them can tell."""
    await put_in(api, session("a", "1"))
    api.container.drain().begin()
    for method, path in (("GET", "/export"), ("POST", "/import")):
        with pytest.raises(AssertionError):  # the client's, of a response without an end
            await api.ask(method, path, content=written(session("b", "1")), headers=NDJSON)
    assert (await api.ask("GET", "/sessions/ext:b")).status_code == 404
