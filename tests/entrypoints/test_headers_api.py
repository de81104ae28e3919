"""What every answer carries for browsers, and which pages may read it."""

from typing import Any

import pytest
from structlog.testing import capture_logs

from application.ports.storage import Storage
from tests.entrypoints.conftest import Api, problem

APP = "https://app.example"
EXPOSED = {
    "ETag",
    "Idempotent-Replayed",
    "Link",
    "Location",
    "RateLimit",
    "RateLimit-Policy",
    "Retry-After",
    "Standby-Read",
    "WWW-Authenticate",
    "X-Request-ID",
}

PREFLIGHT = {
    "Access-Control-Request-Method": "POST",
    "Access-Control-Request-Headers": "authorization,baggage,sentry-trace,x-stainless-os",
}


@pytest.fixture
def backend() -> str:
    return "memory"


def cors(headers: Any) -> set[str]:
    return {name for name in headers if name.startswith("access-control-")}


async def test_without_origins_no_answer_speaks_of_cors(api: Api) -> None:
    for given in ({"Origin": APP}, {"Origin": APP, **PREFLIGHT}, {"Origin": "null"}):
        for method in ("GET", "OPTIONS"):
            answer = await api.ask(method, "/sessions", headers=given)
            assert answer.is_success
            assert not cors(answer.headers)
            assert "vary" not in answer.headers


class TestOrigins:
    @pytest.fixture
    def options(self) -> dict[str, Any]:
        return {
            "cors_origins": f"{APP}, http://localhost:3000",
            "rate_limits": "on",
            "rate_limit_peer": "1/minute",
        }

    async def test_every_answer_can_be_read_by_an_allowed_page(
        self, api: Api, storage: Storage, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        async def fail(*_: object) -> None:
            raise RuntimeError

        monkeypatch.setattr(type(storage.sessions), "page", fail)
        origin = {"Origin": APP}
        many = {f"X-{place}": "x" for place in range(100)}
        answers = [
            await api.ask("POST", "/sessions", json={}, headers=origin),
            await api.ask("HEAD", "/livez", headers=origin),
            await api.ask("GET", "/sessions", None, headers=origin),
            await api.ask("GET", "/sessions", None, headers=origin),
            await api.ask("GET", "/nothing", headers=origin),
            await api.ask("PUT", "/sessions", headers=origin),
            await api.ask("GET", "/sessions", headers=origin | {"Host": "evil.example"}),
            await api.ask("GET", "/sessions", headers=origin | many),
            await api.ask("OPTIONS", "/sessions", None, headers=origin),
        ]
        with capture_logs():
            answers.append(await api.ask("GET", "/sessions", headers=origin))
        expected = [201, 200, 401, 429, 404, 405, 421, 431, 204, 500]
        assert [answer.status_code for answer in answers] == expected
        for answer in answers:
            assert answer.headers["access-control-allow-origin"] == APP
            exposed = answer.headers["access-control-expose-headers"]
            assert set(exposed.split(", ")) == EXPOSED
            assert answer.headers["vary"] == "Origin"
            assert answer.headers["cross-origin-resource-policy"] == "same-origin"
            assert "access-control-allow-credentials" not in answer.headers
            assert "access-control-allow-methods" not in answer.headers

    async def test_a_preflight_is_told_what_may_be_sent(self, api: Api) -> None:
        for path in ("/sessions", "/sessions/x", "/sessions/x/messages", "/openapi.json"):
            answer = await api.ask("OPTIONS", path, None, headers={"Origin": APP, **PREFLIGHT})
            assert (answer.status_code, answer.content) == (204, b"")
            assert answer.headers["allow"]
            assert answer.headers["access-control-allow-origin"] == APP
            methods = answer.headers["access-control-allow-methods"]
            assert methods == "DELETE, GET, HEAD, PATCH, POST, PUT"
            asked = PREFLIGHT["Access-Control-Request-Headers"]
            assert answer.headers["access-control-allow-headers"] == asked
            assert int(answer.headers["access-control-max-age"]) > 0
            assert answer.headers["vary"] == "Origin"
            assert answer.headers["x-content-type-options"] == "nosniff"

    @pytest.mark.parametrize(
        "origin",
        [
            "null",
            "https://evil.example",
            "http://app.example",
            "https://app.example:8443",
            "https://app.example.evil.example",
            "https://APP.example",
            "https://app.example/",
            "",
        ],
    )
    async def test_another_origin_is_answered_as_ever_but_without_cors(
        self, api: Api, origin: str
    ) -> None:
        for given in ({"Origin": origin}, {"Origin": origin, **PREFLIGHT}):
            answer = await api.ask("OPTIONS", "/sessions", None, headers=given)
            assert (answer.status_code, answer.headers["vary"]) == (204, "Origin")
            assert answer.headers["allow"] == "GET, HEAD, OPTIONS, POST"
            assert not cors(answer.headers)
        answer = await api.ask("GET", "/sessions", headers={"Origin": origin})
        assert (answer.status_code, answer.headers["vary"]) == (200, "Origin")
        assert not cors(answer.headers)

    @pytest.mark.parametrize("path", ["/nothing", "/sessions/", "/sessions%2Fa"])
    async def test_a_page_reads_that_a_path_is_wrong(self, api: Api, path: str) -> None:
        answer = await api.ask("OPTIONS", path, None, headers={"Origin": APP, **PREFLIGHT})
        assert answer.status_code == 204
        assert answer.headers["access-control-allow-origin"] == APP
        answer = await api.ask("GET", path, headers={"Origin": APP})
        problem(answer, 404)
        assert answer.headers["access-control-allow-origin"] == APP
        problem(await api.ask("OPTIONS", path, None, headers={"Origin": "null", **PREFLIGHT}), 404)

    async def test_names_that_are_none_are_not_allowed(self, api: Api) -> None:
        given = {"Origin": APP, **PREFLIGHT, "Access-Control-Request-Headers": "a\x7f;b"}
        answer = await api.ask("OPTIONS", "/sessions", None, headers=given)
        assert "access-control-allow-headers" not in answer.headers

    async def test_a_preflight_is_admitted_like_any_request(self, api: Api) -> None:
        given = {"Origin": APP, **PREFLIGHT}
        elsewhere = given | {"Host": "evil.example"}
        problem(await api.ask("OPTIONS", "/sessions", None, headers=elsewhere), 421)


HSTS = "strict-transport-security"


class TestHttps:
    @pytest.fixture(params=[{}, {"hsts_seconds": 300}, {"hsts_seconds": 0}])
    def options(self, request: pytest.FixtureRequest) -> dict[str, Any]:
        return {"public_url": "https://127.0.0.1:8000", **request.param}

    async def test_behind_https_browsers_are_told_to_stay_there(
        self, api: Api, options: dict[str, Any]
    ) -> None:
        seconds = options.get("hsts_seconds", 31_536_000)
        for path, status in (("/livez", 200), ("/nothing", 404), ("/docs", 200)):
            answer = await api.ask("GET", path, None)
            assert answer.status_code == status
            assert answer.headers.get(HSTS) == (f"max-age={seconds}" if seconds else None)


async def test_without_https_nothing_is_said_of_it(api: Api) -> None:
    """As RFC 6797 section 7.2 wants it."""
    assert HSTS not in (await api.ask("GET", "/livez", None)).headers
