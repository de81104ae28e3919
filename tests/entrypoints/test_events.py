"""What the log tells of requests, read as a program reads it: by field."""

import os
import re
import signal
from collections.abc import Iterator
from functools import partial
from pathlib import Path
from typing import Any

import pytest
from starlette.types import Message, Receive, Scope, Send
from structlog.testing import capture_logs

from application.errors import Unavailable
from entrypoints.http.middleware.access_log import AccessLogMiddleware
from entrypoints.telemetry.logs import add_context
from entrypoints.telemetry.metrics import Metrics
from entrypoints.version import VERSION
from tests.databases import empty_database
from tests.entrypoints.conftest import Api
from tests.routes import OPEN, ROUTES, sendable
from tests.serving import Served, serving

IDS = ("user_id", "session_id", "request_id", "trace_id")
TRACE = "0af7651916cd43dd8448eb211c80319c"
TRACEPARENT = f"00-{TRACE}-b7ad6b7169203331-01"
NOWHERE = "01a20abe-9819-7728-aa45-2446966d66bb"
SAID = {"messages": [{"role": "user", "content": "hello"}]}
FIRST = {
    "CHAT_SESSIONS_LOG_FORMAT": "json",
    "CHAT_SESSIONS_SLOW_STATEMENT_SECONDS": "60",
    "CHAT_SESSIONS_RATE_LIMITS": "off",
}


@pytest.fixture(scope="module", params=["sqlite", "postgresql"])
def served(
    request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[Served]:
    folder: Path = tmp_path_factory.mktemp(request.param)
    settings = dict(FIRST)
    if request.param == "postgresql":
        settings["CHAT_SESSIONS_DATABASE_URL"] = empty_database("plain")
    with serving(folder, **settings) as served:
        yield served


def test_each_success_has_its_event(served: Served) -> None:
    place = served.folder.name.startswith("postgresql")
    with served.client("événement") as client:
        session = client.post("/sessions", json={"messages": [SAID["messages"][0]] * 3}).json()[
            "id"
        ]
        for route in ROUTES:
            given = ids(route.operation)
            asked = sendable({"json": route.body, "headers": given})
            client.request(route.method, route.target(session), **asked)
    for route in ROUTES:
        (line,) = served.log_of(route.operation)
        told = line["event"], line["operation"], line["status"]
        assert told == (route.event, route.operation, route.status)
        if route.operation == "followSession":  # it looks again as long as it lasts
            assert line["db_queries"] >= route.statements[place]
        else:
            assert line["db_queries"] == route.statements[place]
        assert line["level"] == "info"
        assert line["user_id"] == "événement"
        if route.is_of_session:
            assert line["session_id"] == session
        else:
            assert (line["session_id"] is None) == (route.operation != "createSession")
        assert line["trace_id"] == TRACE
        assert 0 < line["db_ms"] < line["duration_ms"]


def ids(request_id: str) -> dict[str, str]:
    return {"X-Request-ID": request_id, "traceparent": TRACEPARENT}


async def test_another_s_session_and_what_is_not_there_are_told_apart(api: Api) -> None:
    session = await api.create()
    path = f"/sessions/{session['id']}"
    line = await only_line(api, "GET", path, "bob")
    assert (line["event"], line["level"], line["status"]) == ("access.denied", "warning", 403)
    assert (line["user_id"], line["session_id"]) == ("bob", session["id"])
    line = await only_line(api, "GET", f"/sessions/{NOWHERE}", "bob")
    assert (line["event"], line["level"], line["status"]) == ("request.refused", "info", 404)
    assert line["reason"] == "There is no such session."


async def test_a_session_is_named_by_its_id_and_never_by_what_a_client_calls_it(api: Api) -> None:
    """An external id may be a name or an address."""
    session = await api.create(external_id="ann@example.org", messages=SAID["messages"])
    for route in ROUTES:
        if route.is_of_session:
            target = route.target("ext:ann@example.org")
            line = await only_line(api, route.method, target, json=route.body)
            assert (line["event"], line["session_id"]) == (route.event, session["id"])
            assert "ann" not in str(line)
    missing = await only_line(api, "GET", "/sessions/ext:ann@example.org")
    assert (missing["status"], missing["session_id"]) == (404, None)
    assert "ann" not in str(missing)


@pytest.mark.parametrize("options", [{"hide_foreign_sessions": True}])
async def test_what_is_hidden_from_the_client_is_hidden_in_the_log(api: Api) -> None:
    """Whose it is was never looked up."""
    session = await api.create()
    line = await only_line(api, "GET", f"/sessions/{session['id']}", "bob")
    assert (line["event"], line["status"]) == ("request.refused", 404)


@pytest.mark.parametrize(
    ("authorization", "reason"),
    [("", "This needs a bearer token."), ("Bearer abc", "it is no JSON Web Token")],
)
async def test_who_could_not_be_told_is_nobody(api: Api, authorization: str, reason: str) -> None:
    headers = {"Authorization": authorization} if authorization else {}
    line = await only_line(api, "GET", "/sessions", None, headers=headers)
    assert (line["event"], line["level"], line["status"]) == ("auth.failed", "warning", 401)
    assert (line["user_id"], line["session_id"], line["reason"]) == (None, None, reason)
    assert line["operation"] == "listSessions"


@pytest.mark.parametrize("options", [{"rate_limits": "on", "rate_limit_read": "1/hour"}])
async def test_whoever_asks_too_often_is_told_of(api: Api) -> None:
    await api.ask("GET", "/sessions")
    line = await only_line(api, "GET", "/sessions")
    assert (line["event"], line["level"], line["status"]) == ("rate.limited", "warning", 429)
    assert (line["user_id"], line["operation"]) == ("alice", "listSessions")


LIMITED = [
    ("read", "GET", "/sessions", "alice"),
    ("write", "DELETE", f"/sessions/{NOWHERE}", "alice"),
    ("create", "POST", "/sessions", "alice"),
    ("peer", "GET", "/sessions", None),
]


@pytest.mark.parametrize(("policy", "method", "path", "who"), LIMITED)
@pytest.mark.parametrize(
    "options",
    [{"rate_limits": "on"} | {f"rate_limit_{limited[0]}": "1/hour" for limited in LIMITED}],
)
async def test_which_limit_it_was_is_told(
    api: Api, policy: str, method: str, path: str, who: str | None
) -> None:
    assert "policy" not in await only_line(api, method, path, who, json={})
    line = await only_line(api, method, path, who, json={})
    assert (line["event"], line["policy"]) == ("rate.limited", policy)


REFUSALS: list[tuple[str, str, dict[str, Any], int]] = [
    ("GET", "/nothing", {}, 404),
    ("GET", "/sessions/none", {}, 404),
    ("PUT", "/sessions", {}, 405),
    ("GET", "/sessions?limit=0", {}, 422),
    ("POST", "/sessions", {"content": b"{", "headers": {"Content-Type": "application/json"}}, 400),
    ("POST", "/sessions", {"content": b"{}", "headers": {"Content-Type": "text/plain"}}, 415),
    ("GET", "/sessions", {"headers": {"Host": "elsewhere.example"}}, 421),
]


@pytest.mark.parametrize(("method", "path", "request_", "status"), REFUSALS)
async def test_each_refusal_is_one_line(
    api: Api, method: str, path: str, request_: dict[str, Any], status: int
) -> None:
    line = await only_line(api, method, path, **request_)
    assert (line["event"], line["level"]) == ("request.refused", "info")
    assert line["status"] == status
    assert line["reason"].endswith(".")


async def test_an_answer_given_again_is_told_as_such(api: Api) -> None:
    again = partial(only_line, api, "POST", "/sessions", json={}, headers={"Idempotency-Key": "k"})
    first, second = await again(), await again()
    assert "replayed" not in first
    assert (second["event"], second["replayed"]) == ("session.created", True)
    assert second["session_id"] == first["session_id"]


async def test_what_the_client_holds_already_is_read_all_the_same(api: Api) -> None:
    session = await api.create()
    path = f"/sessions/{session['id']}"
    tag = (await api.ask("GET", path)).headers["etag"]
    line = await only_line(api, "HEAD", path, headers={"If-None-Match": tag})
    assert (line["event"], line["status"]) == ("session.read", 304)


@pytest.mark.parametrize("path", OPEN)
async def test_of_what_needs_no_token_there_is_no_line(api: Api, path: str) -> None:
    """Probes would be most of the log."""
    assert await lines_of(api, "GET", path, None) == []


async def test_what_cannot_be_answered_has_the_reason_that_no_client_sees(
    api: Api, monkeypatch: pytest.MonkeyPatch
) -> None:
    async def away(*_: object) -> None:
        raise Unavailable("db.example does not answer")

    monkeypatch.setattr(type(api.container.storage().sessions), "page", away)
    line = await only_line(api, "GET", "/sessions")
    assert (line["event"], line["level"]) == ("request.unavailable", "warning")
    assert (line["status"], line["reason"]) == (503, "db.example does not answer")


@pytest.mark.parametrize(
    "traceparent", ["", "00", f"ff{TRACEPARENT[2:]}", f"00-{'0' * 32}-{'1' * 16}-01"]
)
async def test_a_trace_that_is_none_is_not_joined(api: Api, traceparent: str) -> None:
    line = await only_line(api, "GET", "/sessions", headers={"traceparent": traceparent})
    assert re.fullmatch("[0-9a-f]{32}", line["trace_id"])
    assert line["trace_id"] not in {TRACE, "0" * 32}


async def test_a_client_that_leaves_and_an_application_that_breaks_have_a_line_too() -> None:
    async def leaves(_: Scope, __: Receive, ___: Send) -> None: ...

    async def breaks(_: Scope, __: Receive, send: Send) -> None:
        await send({"type": "http.response.start", "status": 200, "headers": []})
        raise RuntimeError

    with capture_logs() as lines:
        await observed(leaves)
        with pytest.raises(RuntimeError):
            await observed(breaks)
    told = [(line["event"], line["log_level"], line["status"]) for line in lines]
    assert told == [("request.abandoned", "info", None), ("request.failed", "error", 200)]


async def observed(app: Any) -> None:
    async def receive() -> Message:
        return {"type": "http.disconnect"}

    async def send(_: Message) -> None: ...

    scope = {"type": "http", "scheme": "http", "method": "GET", "headers": []}
    await AccessLogMiddleware(app, Metrics({}))(scope, receive, send)


async def only_line(
    api: Api, method: str, path: str, who: str | None = "alice", **request: Any
) -> dict[str, Any]:
    """The one line of a request, which bears its ids."""
    headers = {"X-Request-ID": "find-me"} | request.pop("headers", {})
    (line,) = await lines_of(api, method, path, who, headers=headers, **request)
    assert line["request_id"] == "find-me"
    assert line["duration_ms"] > 0
    assert line.keys() > {*IDS, "db_queries", "db_ms", "operation"}
    return line


async def lines_of(
    api: Api, method: str, path: str, who: str | None, **request: Any
) -> list[dict[str, Any]]:
    with capture_logs([add_context]) as lines:
        await api.ask(method, path, who, **request)
    return [dict(line) for line in lines]


@pytest.fixture
def backend() -> str:
    return "memory"


def test_a_slow_statement_is_told_by_its_name_with_the_ids_of_its_request(tmp_path: Path) -> None:
    """And so are the service's own beginning and end. Here every statement is slow."""
    settings = FIRST | {"CHAT_SESSIONS_SLOW_STATEMENT_SECONDS": "0"}
    with serving(tmp_path, **settings) as served, served.client() as client:
        client.post("/sessions", json={}, headers=ids("find-me"))
        told = served.log_of("find-me", 5)
        client.get("/readyz")
        url = served.url
        assert served.stop(signal.SIGTERM) == 0
        lines = served.log()
    *slow, request = told
    assert request["event"] == "session.created"
    assert [line["statement"] for line in slow] == [
        "COUNT_ONE_MORE",
        "ADD_OWNER",
        "ADD_SESSION",
        "COMMIT",
    ]
    for line in slow:
        assert (line["event"], line["level"]) == ("database.slow_statement", "warning")
        assert (line["user_id"], line["trace_id"]) == ("alice", TRACE)
        assert line["duration_ms"] > 0
    assert request["db_queries"] == len(slow)
    own = [line for line in lines if line["event"].startswith("service.")]
    assert [line["event"] for line in own] == [
        "service.started",
        "service.draining",
        "service.stopped",
    ]
    assert (own[0]["version"], own[0]["url"], own[0]["storage"]) == (VERSION, url, "sqlite")
    assert own[0]["database"] == f"sqlite:///{tmp_path}/chat-sessions.db"
    assert own[0]["database"] in served.welcome


def test_a_service_whose_log_nobody_reads_goes_on(tmp_path: Path) -> None:
    """Neither a reader that stands still nor one that is gone takes it down."""
    settings = FIRST | {
        "CHAT_SESSIONS_DATABASE_URL": "memory://",
        "CHAT_SESSIONS_DRAIN_SECONDS": "0",
    }
    os.mkfifo(tmp_path / "stdout")
    reading = os.open(tmp_path / "stdout", os.O_RDONLY | os.O_NONBLOCK)
    with serving(tmp_path, **settings) as served, served.client() as client:
        long = {"X-Request-ID": "x" * 128}
        for _ in range(300):  # several times what a pipe holds
            assert client.get("/nothing", headers=long).status_code == 404
        os.close(reading)
        for _ in range(3):
            assert client.get("/nothing").status_code == 404
        assert served.stop(signal.SIGTERM) == 0
    assert (tmp_path / "stderr").read_text() == ""
