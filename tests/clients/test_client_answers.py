"""Both clients of `clients/python` before answers that are a gateway's, and not the service's."""

import random
import threading
from collections.abc import Awaitable, Callable, Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any

import httpx2
import pytest
from chat_sessions_client import Retries
from chat_sessions_client import errors as e

from tests.clients.both import BOTH

Answer = tuple[int, dict[str, str], bytes]

HERE = "http://127.0.0.1:9"
QUICK = Retries(first_pause=0.01, longest_pause=0.02)
TOO_DEEP = b'{"errors":' + b"[" * 200_000


class Elsewhere(ThreadingHTTPServer):
    """Whoever stands in front of a service, and answers as it is told."""

    daemon_threads = True
    answers: list[Answer]

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self.server_port}"


class _Answering(BaseHTTPRequestHandler):
    server: Elsewhere

    def do_GET(self) -> None:
        status, headers, body = self.server.answers.pop(0)
        self.send_response_only(status)
        for name, value in {**headers, "Content-Length": str(len(body))}.items():
            self.send_header(name, value)
        self.end_headers()
        self.wfile.write(body)

    do_POST = do_DELETE = do_PATCH = do_PUT = do_GET  # noqa: N815 - the library's names

    def log_message(self, *_: object) -> None:
        """Say nothing."""


@pytest.fixture(scope="module")
def elsewhere() -> Iterator[Elsewhere]:
    with Elsewhere(("127.0.0.1", 0), _Answering) as server:
        thread = threading.Thread(target=server.serve_forever, args=[0.01])
        thread.start()
        yield server
        server.shutdown()
        thread.join()


@pytest.fixture(params=BOTH)
def make(request: pytest.FixtureRequest) -> Callable[..., Any]:
    return BOTH[request.param]


PROBLEMS = {
    b'{"errors": ["upstream said no"]}': "Bad Request",
    b'{"errors": "no"}': "Bad Request",
    b'{"errors": {"detail": "no"}}': "Bad Request",
    b'{"errors": [{"detail": 1}, {"detail": "this"}, null], "title": "Ours"}': "Ours | this",
    b'{"type": 5, "title": [], "detail": {}, "request_id": 7}': "Bad Request",
    b"[]": "Bad Request",
    b"\xff": "Bad Request",
    TOO_DEEP: "Bad Request",
}


@pytest.mark.parametrize("body", PROBLEMS, ids=lambda body: body[:30])
def test_a_problem_of_any_shape_is_a_problem(
    elsewhere: Elsewhere, make: Callable[..., Any], body: bytes
) -> None:
    elsewhere.answers = [(400, {"Content-Type": "application/json"}, body)]
    with make(elsewhere.url, "token") as client, pytest.raises(e.BadRequest) as told:
        client.session("x")
    assert str(told.value) == f"400 {PROBLEMS[body]}"


UNEXPECTED: dict[str, tuple[Callable[[Any], object], Answer]] = {
    "a page": (lambda client: client.session("x"), (200, {}, b"<html>")),
    "a list": (lambda client: client.session("x"), (200, {}, b"[]")),
    "too deep": (lambda client: client.session("x"), (200, {}, TOO_DEEP)),
    "nothing": (lambda client: client.session("x"), (204, {}, b"")),
    "no items": (lambda client: client.append("x", []), (201, {}, b"{}")),
    "a list of items": (lambda client: client.append("x", []), (201, {}, b"[]")),
    "no session": (lambda client: client.delete_session("ext:x"), (200, {}, b"{}")),
    "no id": (lambda client: client.delete_sessions(["ext:x"]), (200, {}, b'{"id": 5}')),
    "no message": (lambda client: client.delete_message("x", "last"), (200, {}, b"{}")),
    "no order": (
        lambda client: client.clear_messages("x"),
        (200, {}, b'{"session_id": "x", "message_order": "1"}'),
    ),
    "no tag": (lambda client: client.tagged_session("x"), (200, {}, b'{"id": "x"}')),
    "an empty tag": (
        lambda client: client.tagged_message("x", 1),
        (200, {"ETag": ""}, b'{"session_id": "x", "message_order": 1}'),
    ),
    "no session made": (lambda client: client.create_session(), (200, {}, b"{}")),
    "no session changed": (lambda client: client.change_session("x", {}), (200, {}, b"{}")),
    "no message put": (lambda client: client.put_message("x", 1, {}), (200, {}, b"{}")),
    "no message removed": (lambda client: client.delete_message("x", 1), (200, {}, b"{}")),
    "no numbers": (lambda client: client.delete_sessions(everything=True), (200, {}, b"{}")),
    "an empty id": (lambda client: client.delete_session("ext:x"), (200, {}, b'{"id": ""}')),
    "another path": (
        lambda client: client.put_message("x", "last", {}),
        (200, {}, b'{"session_id": "..", "message_order": 1}'),
    ),
    "a truth for a number": (
        lambda client: client.clear_messages("x"),
        (200, {}, b'{"session_id": "x", "message_order": true}'),
    ),
    "no last": (lambda client: client.put_message("x", "last", {}), (200, {}, b"{}")),
    "no pagination": (lambda client: [*client.sessions()], (200, {}, b'{"items": []}')),
    "items of text": (lambda client: [*client.search("x")], (200, {}, b'{"items": "no"}')),
    "no events": (
        lambda client: next(client.events("x")),
        (200, {"Content-Type": "text/html"}, b"<html>"),
    ),
    "events of no JSON": (
        lambda client: next(client.events("x")),
        (200, {"Content-Type": "text/event-stream"}, b"id: x\nretry: x\ndata: {\n\n"),
    ),
    "elsewhere": (
        lambda client: client.session("x"),
        (308, {"Location": "https://chat.example.com/"}, b""),
    ),
}


@pytest.mark.parametrize("what", UNEXPECTED)
def test_an_answer_of_another_shape_is_told(
    elsewhere: Elsewhere, make: Callable[..., Any], what: str
) -> None:
    call, answer = UNEXPECTED[what]
    elsewhere.answers = [answer]
    with make(elsewhere.url, "token") as client, pytest.raises(e.UnexpectedAnswer):
        call(client)


REMOVALS: dict[str, Callable[[Any], object]] = {
    "session": lambda client: client.delete_session("x"),
    "message": lambda client: client.delete_message("x", 1),
    "messages": lambda client: client.clear_messages("x", before=9),
}
NO_BACKEND: Answer = (404, {"Content-Type": "text/plain"}, b"default backend - 404")
NO_ROUTE: Answer = (404, {}, f'{{"type": "{e.URN}route-not-found"}}'.encode())


@pytest.mark.parametrize(
    ("found", "error"), [(NO_BACKEND, e.UnexpectedAnswer), (NO_ROUTE, e.RouteNotFound)]
)
@pytest.mark.parametrize("what", REMOVALS)
def test_a_404_of_a_proxy_says_nothing_of_a_removal(
    elsewhere: Elsewhere, make: Callable[..., Any], what: str, found: Answer, error: type[Exception]
) -> None:
    """Nor does that of another path, whatever went before."""
    elsewhere.answers = [(502, {}, b"<html>"), found]
    with make(elsewhere.url, "token", retries=QUICK) as client, pytest.raises(error):
        REMOVALS[what](client)


@pytest.mark.parametrize(
    ("headers", "seconds"),
    [
        ({"Retry-After": "7"}, 7),
        ({"Retry-After": "Mon, 30 Nov 2026 10:00:07 GMT"}, 7),
        ({"Retry-After": "Mon, 30 Nov 2026 09:59:00 GMT"}, 0),
        ({"Retry-After": "Mon, 30 Nov 2026 10:00:07 -0000"}, 7),
        ({"Retry-After": "-5"}, 0),
        ({"Retry-After": "nan"}, 0),
        ({"Retry-After": "soon"}, None),
        ({}, None),
    ],
)
def test_a_pause_that_is_asked_for_is_read(headers: dict[str, str], seconds: float | None) -> None:
    """By the clock of whoever asks for it."""
    given = {"Date": "Mon, 30 Nov 2026 10:00:00 GMT", **headers}
    assert e.ProblemError(503, {}, given).retry_after == seconds


def test_a_pause_is_as_long_as_is_asked_for(elsewhere: Elsewhere, make: Callable[..., Any]) -> None:
    date = {"Date": "Mon, 30 Nov 2026 10:00:00 GMT"}
    elsewhere.answers = [
        (503, {**date, "Retry-After": "Mon, 30 Nov 2026 10:00:00 GMT"}, b""),
        (503, {**date, "Retry-After": "Mon, 30 Nov 2026 10:02:00 GMT"}, b""),
    ]
    with make(elsewhere.url, "token", retries=QUICK) as client, pytest.raises(e.Unavailable):
        client.session("x")
    assert elsewhere.answers == []


def test_patience_outlasts_a_restart() -> None:
    """Of eight seconds, whatever chance says, and ends after sixteen."""
    retries = Retries()
    for seed in range(50):
        random.seed(seed)
        pauses = [retries.pause(attempt) for attempt in range(1, retries.attempts + 1)]
        assert pauses.pop() is None
        assert 7.8 < sum(filter(None, pauses)) < 15.8


@pytest.mark.parametrize(
    "url",
    [
        *("", "127.0.0.1:8000", "ftp://nothing", "http://", "http://[::x", "https://a/?b=c"),
        *("http://a b", "http://a:99999", "http://a:0", "http://xn--", "http://a..b"),
        *("http://a?", "http://a/?", "http://a/#", "http://a/b#", "http://a#?"),
        *(f"http://{'a' * 64}", "http://-a", f"http://{'a.' * 127}a"),
    ],
)
def test_a_url_that_is_none_is_the_callers_error(make: Callable[..., Any], url: str) -> None:
    with pytest.raises(ValueError, match="is no"):
        make(url, "token")


@pytest.mark.parametrize(
    "url", ["http://a_b.c-d:1/chat/", "http://a/@b/", "http://[::1]:80", "http://é.example."]
)
def test_a_url_that_is_one_is_taken(make: Callable[..., Any], url: str) -> None:
    with make(url, "token"):
        pass


def test_a_url_has_no_password(make: Callable[..., Any]) -> None:
    """And what it has is not told."""
    for userinfo in ("user:secret", "user", ":secret", ":", ""):
        with pytest.raises(ValueError, match="a token says who asks") as told:
            make(f"http://{userinfo}@127.0.0.1:9", "token")
        assert "secret" not in str(told.value)


@pytest.mark.parametrize("url", [httpx2.URL(HERE), HERE.encode(), None])
def test_a_url_is_text(make: Callable[..., Any], url: object) -> None:
    with pytest.raises(TypeError, match="the URL is no text"):
        make(url, "token")


async def coming() -> str:
    return "token"


def none() -> None:
    """Give no token."""


@pytest.mark.parametrize("token", ["", "a b", "a\nb", "é", none, lambda: b"token"])
def test_a_token_that_is_none_is_the_callers_error(make: Callable[..., Any], token: object) -> None:
    """And is not told."""
    with make(HERE, token) as client, pytest.raises((ValueError, TypeError)) as told:
        client.session("x")
    assert str(token) not in str(told.value) or not token


def test_a_token_that_is_to_come_is_for_the_other_client() -> None:
    token: Callable[[], Awaitable[str]] = coming
    with BOTH["sync"](HERE, token) as client, pytest.raises(TypeError, match="for AsyncClient"):
        client.session("x")


@pytest.mark.parametrize(
    "headers",
    [{"X-Trace": "é"}, {"X-Trace": "a\nb"}, {"X Trace": "a"}, {"content-length": "1"}],
)
def test_a_header_that_is_none_is_the_callers_error(
    make: Callable[..., Any], headers: dict[str, str]
) -> None:
    with make(HERE, "token", headers=headers) as client, pytest.raises(ValueError, match="header"):
        client.session("x")
