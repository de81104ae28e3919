"""What pages of other origins can do, in a real browser."""

from collections.abc import Iterator
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from threading import Thread
from typing import Any

import pytest
from playwright.sync_api import Browser, Error

from tests.serving import Served, serving
from tests.system.browser import Watched, chromium

FETCH = """async ([url, method, headers, body]) => {
  const answer = await fetch(url, {method, headers, body});
  const text = await answer.text();
  return [answer.status, Object.fromEntries(answer.headers), text];
}"""


class _Blank(BaseHTTPRequestHandler):
    def do_GET(self) -> None:
        self.send_response(200)
        self.send_header("Content-Type", "text/html")
        self.end_headers()

    def log_message(self, *_: object) -> None:
        pass


@contextmanager
def origin() -> Iterator[str]:
    """A web server of its own, with an empty page."""
    server = ThreadingHTTPServer(("127.0.0.1", 0), _Blank)
    thread = Thread(target=server.serve_forever)
    thread.start()
    try:
        yield f"http://127.0.0.1:{server.server_port}"
    finally:
        server.shutdown()
        thread.join()
        server.server_close()


@pytest.fixture(scope="module")
def browser() -> Iterator[Browser]:
    with chromium() as browser:
        yield browser


@pytest.fixture(scope="module")
def app() -> Iterator[str]:
    with origin() as address:
        yield address


@pytest.fixture(scope="module")
def served(app: str, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Served]:
    settings = {
        "CHAT_SESSIONS_CORS_ORIGINS": f"https://app.example,{app}",
        "CHAT_SESSIONS_RATE_LIMITS": "on",
        "CHAT_SESSIONS_RATE_LIMIT_CREATE": "1/hour",
    }
    with serving(tmp_path_factory.mktemp("served"), **settings) as served:
        yield served


def fetched(browser: Browser, page: str, *request: Any) -> tuple[int, dict[str, str], str]:
    """As a script of that page sees it."""
    watched = Watched(browser)
    try:
        watched.page.goto(page)
        status, headers, body = watched.page.evaluate(FETCH, request)
    finally:
        watched.context.close()
    return status, headers, body


def test_a_page_of_a_named_origin_can_use_the_whole_api(
    browser: Browser, app: str, served: Served
) -> None:
    """Every header that a client needs can be sent and read, refusals included."""
    with served.client() as client:
        bearer = {"Authorization": client.headers["authorization"]}
    json = {"Content-Type": "application/json", "Idempotency-Key": "k", "X-Request-ID": "mine"}
    sessions = served.url + "/sessions"
    create = (browser, app, sessions, "POST", bearer | json, '{"title": "Lisbon"}')
    status, headers, body = fetched(*create)
    assert status == 201, body
    assert headers.keys() >= {"location", "etag", "ratelimit", "ratelimit-policy", "x-request-id"}
    status, headers, _ = fetched(*create)
    assert (status, headers["retry-after"].isdigit()) == (429, True)
    status, headers, _ = fetched(browser, app, sessions + "?limit=1", "GET", bearer, None)
    assert (status, "link" in headers) == (200, True)
    status, headers, _ = fetched(browser, app, sessions, "GET", {}, None)
    assert (status, headers["www-authenticate"][:6]) == (401, "Bearer")
    traced = bearer | {"If-Match": '"x"', "traceparent": "x"}
    missing = f"{sessions}/01a20ab2-e3be-7336-be46-7b4184e042f7"
    for method in ("DELETE", "PATCH"):
        body_of = "{}" if method == "PATCH" else None
        status, headers, _ = fetched(browser, app, missing, method, traced | json, body_of)
        assert (status, headers["x-request-id"]) == (404, "mine")


def test_a_page_of_another_origin_can_read_nothing(
    browser: Browser, served: Served, tmp_path: Path
) -> None:
    page = tmp_path / "page.html"
    page.write_text("")
    with origin() as elsewhere, served.client() as client:
        bearer = {"Authorization": client.headers["authorization"]}
        for where in (elsewhere, page.as_uri()):
            for path, headers in (("/sessions", bearer), ("/livez", {})):
                with pytest.raises(Error, match="Failed to fetch"):
                    fetched(browser, where, served.url + path, "GET", headers, None)
