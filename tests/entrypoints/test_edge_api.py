"""What holds for every answer, whoever makes it."""

import re
from itertools import product
from typing import Any

import httpx2
import pytest
from structlog.testing import capture_logs

from adapters.memory import MemoryStorage
from application.errors import Unavailable
from application.ports.storage import Storage
from entrypoints.telemetry.logs import add_context
from tests.entrypoints.conftest import HERE, Api, before_storage, problem
from tests.routes import METHODS, OPEN, PATHS, ROUTES, allowed_at

SECURITY = {
    "cache-control": "no-store",
    "content-security-policy": "default-src 'none'; frame-ancestors 'none'",
    "x-content-type-options": "nosniff",
    "x-frame-options": "DENY",
    "referrer-policy": "no-referrer",
    "cross-origin-resource-policy": "same-origin",
}


STREAMS = {"text/event-stream", "application/x-ndjson"}


@before_storage
async def test_head_answers_as_get_without_the_body(api: Api) -> None:
    session = await api.create()
    reads = [route.target(session["id"]) for route in ROUTES if route.method == "GET"]
    for target in {*reads, *OPEN} - {"/metrics"}:
        get, head = await api.ask("GET", target), await api.ask("HEAD", target)
        assert (head.status_code, head.content) == (get.status_code, b"")
        if get.headers.get("content-type") not in STREAMS:  # whose length nobody knows
            assert len(get.content) == int(head.headers["content-length"])
        assert head.headers.get("content-type") == get.headers.get("content-type")


@before_storage
@pytest.mark.parametrize("path", ["/nothing", "/sessions/x", "/sessions?limit=0"])
async def test_head_of_what_is_refused_is_refused_without_a_body(api: Api, path: str) -> None:
    get, head = await api.ask("GET", path), await api.ask("HEAD", path)
    assert (head.status_code, head.content) == (get.status_code, b"")


@before_storage
async def test_options_and_405_say_what_a_path_takes(api: Api) -> None:
    for template in (*PATHS, *OPEN):
        allowed = allowed_at(template)
        path = template.replace("{session_id}", "x").replace("{message_order}", "1")
        options = await api.ask("OPTIONS", path, None)
        assert (options.status_code, options.content) == (204, b"")
        assert options.headers["allow"] == allowed, path
        for method in set(METHODS) - set(allowed.split(", ")):
            response = await api.ask(method, path, None)
            if method != "HEAD":
                problem(response, 405)
            assert response.status_code == 405, (method, path)
            assert response.headers["allow"] == allowed, (method, path)


UNKNOWN = [
    "/",
    "/nothing",
    "/sessions/",
    "/sessions/x/y",
    "//sessions",
    "/sessions%0a",
    "/livez%0A",
]


@before_storage
async def test_an_unknown_path_is_not_found_and_leads_nowhere(api: Api) -> None:
    for method, path in product(["GET", "POST", "OPTIONS", "DELETE"], UNKNOWN):
        response = await api.client.request(method, HERE + path)
        problem(response, 404)
        assert "location" not in response.headers, (method, path)


@before_storage
@pytest.mark.parametrize("given", ["a", "A-b_c.9", "x" * 128])
async def test_a_request_id_is_taken(api: Api, given: str) -> None:
    for path in ("/livez", "/nothing"):
        response = await api.ask("GET", path, headers={"X-Request-ID": given})
        assert response.headers["x-request-id"] == given


@before_storage
@pytest.mark.parametrize("given", ["", " ", "x" * 129, "a b", "a/b", "é", "a\tb"])
async def test_an_unfit_request_id_is_replaced(api: Api, given: str) -> None:
    headers = {"X-Request-ID": given.encode()}
    response = await api.ask("GET", "/livez", headers=headers)
    assert re.fullmatch(r"[0-9a-f-]{36}", response.headers["x-request-id"])


async def test_every_answer_carries_the_security_headers(api: Api) -> None:
    answers = [
        await api.ask("POST", "/sessions", json={}),
        await api.ask("GET", "/sessions"),
        await api.ask("GET", "/nothing"),
        await api.ask("PUT", "/sessions"),
        await api.ask("OPTIONS", "/sessions"),
        await api.ask("GET", "/sessions", None),
        await api.ask("GET", "/sessions", headers={"Host": "elsewhere.example"}),
    ]
    assert [answer.status_code for answer in answers] == [201, 200, 404, 405, 204, 401, 421]
    for answer in answers:
        assert SECURITY.items() <= answer.headers.items()
        assert "server" not in answer.headers


async def test_an_unhandled_error_shows_nothing_and_is_logged(
    api: Api, storage: Storage, monkeypatch: pytest.MonkeyPatch
) -> None:
    async def break_down(*_: object) -> None:
        raise RuntimeError("secret")

    monkeypatch.setattr(type(storage.sessions), "page", break_down)
    with capture_logs([add_context]) as lines:
        response = await api.ask("GET", "/sessions", headers={"X-Request-ID": "find-me"})
    problem(response, 500)
    assert "secret" not in response.text
    assert SECURITY.items() <= response.headers.items()
    assert [(line["event"], line["request_id"]) for line in lines] == [
        ("request.failed", "find-me")
    ]


async def test_a_database_that_is_away_is_503_and_heals(
    api: Api, storage: Storage, monkeypatch: pytest.MonkeyPatch
) -> None:
    async def away(*_: object) -> None:
        raise Unavailable("secret.db is locked")

    with monkeypatch.context() as patch, capture_logs() as lines:
        patch.setattr(type(storage.sessions), "page", away)
        response = await api.ask("GET", "/sessions")
        assert [line["reason"] for line in lines] == ["secret.db is locked"]
        problem(response, 503)
        assert int(response.headers["retry-after"]) > 0
        assert "secret" not in response.text
    assert (await api.ask("GET", "/sessions")).status_code == 200


async def test_readiness_names_the_part_that_is_away(api: Api, storage: Storage) -> None:
    assert (await api.ask("GET", "/readyz", None)).status_code == 200
    await storage.close()
    response = await api.ask("GET", "/readyz", None)
    if isinstance(storage, MemoryStorage):
        assert response.status_code == 200
    else:
        assert problem(response, 503)["detail"] == "Not ready: database."
        assert int(response.headers["retry-after"]) > 0
    assert (await api.ask("GET", "/livez", None)).status_code == 200


async def test_a_draining_service_is_not_ready_and_still_serves(api: Api) -> None:
    api.container.drain().begin()
    assert "service" in problem(await api.ask("GET", "/readyz", None), 503)["detail"]
    assert (await api.ask("GET", "/sessions")).status_code == 200


@before_storage
@pytest.mark.parametrize("host", ["127.0.0.1:8000", "localhost", "LOCALHOST:1", "[::1]:8000"])
async def test_a_known_host_is_served(api: Api, host: str) -> None:
    assert (await api.ask("GET", "/sessions", headers={"Host": host})).status_code == 200


@before_storage
@pytest.mark.parametrize("host", ["", "evil.example", "localhost.evil.example", "127.0.0.1:x"])
async def test_an_unknown_host_is_misdirected_but_for_probes(api: Api, host: str) -> None:
    headers = {"Host": host}
    for path in ("/sessions", "/docs", "/nothing"):
        problem(await api.ask("GET", path, headers=headers), 421)
    assert (await api.ask("GET", "/livez", headers=headers)).status_code == 200
    assert (await api.ask("GET", "/readyz", headers=headers)).status_code == 200


class TestAllowedHosts:
    @pytest.fixture
    def options(self) -> dict[str, Any]:
        return {"allowed_hosts": "chat.example, Other.example:8443"}

    @before_storage
    async def test_the_names_are_a_setting(self, api: Api) -> None:
        for host in ("chat.example", "other.example:443"):
            assert (await api.ask("GET", "/sessions", headers={"Host": host})).is_success
        problem(await api.ask("GET", "/sessions", headers={"Host": "localhost"}), 421)


@before_storage
@pytest.mark.parametrize("name", ["Host", "Authorization"])
async def test_a_second_one_of_a_header_that_decides_is_refused(api: Api, name: str) -> None:
    headers = [*api.bearer("alice").items(), ("Host", "127.0.0.1:8000")]
    doubled = headers + [header for header in headers if header[0] == name]
    response = await api.client.get("/sessions", headers=doubled)
    problem(response, 400)


@before_storage
async def test_a_message_of_two_lengths_is_refused_by_the_application_too(api: Api) -> None:
    """It may be under a server that lets such a message pass."""
    headers = {**api.bearer("alice"), "Content-Length": "2", "Transfer-Encoding": "chunked"}
    response = await api.client.post("/sessions", content=b"{}", headers=headers)
    problem(response, 400)
    assert response.headers["connection"] == "close"


@before_storage
async def test_a_head_too_large_is_refused(api: Api) -> None:
    many = {f"X-{place}": "x" for place in range(100)}
    problem(await api.ask("GET", "/livez", headers=many), 431)
    problem(await api.ask("GET", "/livez", headers={"X-Long": "x" * 33_000}), 431)
    assert (await api.ask("GET", "/livez", headers={"X-Long": "x" * 30_000})).is_success


@before_storage
@pytest.mark.parametrize("address", ["192.0.2.7", "::ffff:192.0.2.7", "2001:db8::1", "10.0.0.1"])
async def test_with_a_development_key_only_loopback_is_answered(api: Api, address: str) -> None:
    """However the application was started; every path of it, probes included."""
    host = f"[{address}]" if ":" in address else address
    transport = httpx2.ASGITransport(api.app)
    async with httpx2.AsyncClient(transport=transport, base_url=f"http://{host}:8000") as outside:
        for path in ("/sessions", "/livez", "/docs"):
            headers = {**api.bearer("alice"), "Host": "localhost"}
            problem(await outside.get(path, headers=headers), 503)
