"""How often a caller may ask, and what each answer says of it."""

import asyncio
from itertools import count
from typing import Any

import httpx2
import pytest
from structlog.testing import capture_logs

from adapters.rate_limits import MemoryCounters
from application.errors import Unavailable
from application.ports.storage import Storage
from tests.entrypoints.conftest import HERE, Api, problem
from tests.routes import OPEN, ROUTES

MISSING = "01a20ab2-e3be-7336-be46-7b4184e042f7"
FORGED = {"Authorization": "Bearer e30.e30.e30"}


@pytest.fixture
def backend() -> str:
    return "memory"


@pytest.fixture
def options() -> dict[str, Any]:
    return {
        "rate_limits": "on",
        "rate_limit_read": "5/minute",
        "rate_limit_write": "4/hour",
        "rate_limit_create": "3/10 second",
        "rate_limit_peer": "2/minute",
    }


def state(answer: httpx2.Response) -> str:
    return str(answer.headers["ratelimit"])


POLICIES = {"read": (5, 60), "write": (4, 3600), "create": (3, 10)}
"""How often, and in how many seconds."""

COUNTED = [(method, route) for route in ROUTES for method in route.methods]


async def test_a_request_counts_under_one_policy_which_its_answer_names(api: Api) -> None:
    """Each is somebody else's."""
    for method, route in COUNTED:
        who, policy, path = f"{method} {route.operation}", route.policy, route.target(MISSING)
        quota, length = POLICIES[policy]
        for left in range(quota - 1, -1, -1):
            answer = await api.ask(method, path, who, json={})
            assert answer.status_code != 429
            assert answer.headers["ratelimit-policy"] == f'"{policy}";q={quota};w={length}', who
            assert state(answer) == f'"{policy}";r={left};t={length}', who
        refused = await api.ask(method, path, who, json={})
        assert refused.status_code == 429, who
        assert state(refused) == f'"{policy}";r=0;t={length}', who


UNCOUNTED = [
    *(("GET", path) for path in OPEN),
    ("OPTIONS", "/sessions"),
    ("PUT", "/sessions"),
    ("GET", "/sessions/x/y"),
    ("GET", "/nothing"),
]


async def test_what_needs_no_token_is_under_no_limit(api: Api) -> None:
    for method, path in UNCOUNTED:
        answers = [await api.ask(method, path, headers=FORGED) for _ in range(9)]
        assert len({answer.status_code for answer in answers}) == 1, path
        assert not any("ratelimit" in name for name in answers[-1].headers), path
    problem(await api.ask("GET", "/sessions", None), 401)


async def test_after_the_seconds_of_retry_after_and_not_before_a_request_passes(api: Api) -> None:
    api.clock.move(0.4)
    assert state(await api.ask("GET", "/sessions")) == '"read";r=4;t=60'
    api.clock.move(20.5)
    answers = [await api.ask("GET", "/sessions") for _ in range(5)]
    assert [answer.status_code for answer in answers] == [200] * 4 + [429]
    problem(answers[-1], 429)
    assert answers[-1].headers["retry-after"] == "40"
    api.clock.move(39.4)
    last = await api.ask("GET", "/sessions")
    assert (last.status_code, last.headers["retry-after"]) == (429, "1")
    api.clock.move(1)
    assert state(await api.ask("GET", "/sessions")) == '"read";r=4;t=60'


async def test_of_a_window_that_ends_while_it_is_counted_a_second_is_told(
    api: Api, monkeypatch: pytest.MonkeyPatch
) -> None:
    counts = count(1)

    async def ended(*_: object) -> tuple[int, float]:
        return next(counts), -0.1

    monkeypatch.setattr(MemoryCounters, "hit", ended)
    for _ in range(6):
        last = await api.ask("GET", "/sessions")
    assert (last.headers["retry-after"], state(last)) == ("1", '"read";r=0;t=1')


async def test_owners_and_policies_are_counted_apart(api: Api) -> None:
    for _ in range(6):
        last = await api.ask("GET", "/sessions")
    assert last.status_code == 429
    assert (await api.ask("POST", "/sessions", json={})).status_code == 201
    assert (await api.ask("GET", "/sessions", "bob")).status_code == 200
    assert (await api.ask("GET", "/sessions", "Alice")).status_code == 200


async def test_of_many_at_once_exactly_as_many_pass_as_may(api: Api) -> None:
    answers = await asyncio.gather(*(api.ask("GET", "/sessions", "crowd") for _ in range(100)))
    left = sorted(state(answer).split(";")[1] for answer in answers if answer.status_code != 429)
    assert left == [f"r={number}" for number in range(5)]


async def test_a_refusal_comes_before_anything_of_the_request_is_looked_at(api: Api) -> None:
    for _ in range(4):
        last = await api.ask("DELETE", "/sessions/x")
    assert last.status_code == 404
    problem(await api.ask("DELETE", "/sessions/x"), 429)
    large = {"Content-Length": "9999999"}
    problem(await api.ask("POST", "/sessions/x/messages", headers=large), 429)
    problem(await api.ask("PATCH", "/sessions/x?y=z", content=b"{"), 429)


@pytest.mark.parametrize("given", [{}, FORGED, {"Authorization": "Basic YTpi"}])
async def test_a_peer_without_a_token_that_holds_is_refused_alike_whatever_it_sends(
    api: Api, given: dict[str, str]
) -> None:
    for path in ("/sessions", "/sessions/x"):
        unauthorized = await api.ask("GET", path, None, headers=given)
        problem(unauthorized, 401)
        assert "ratelimit" not in unauthorized.headers
        assert "ratelimit-policy" not in unauthorized.headers
    api.clock.move(12.3)
    for path in ("/sessions", "/sessions/x"):
        refused = await api.ask("POST", path + "/messages", None, headers=given)
        assert refused.status_code == 405 if path == "/sessions" else 429
    problem(refused, 429)
    assert refused.headers["retry-after"] == "48"
    assert refused.headers["ratelimit-policy"] == '"peer";q=2;w=60'
    assert "ratelimit" not in refused.headers
    assert "www-authenticate" not in refused.headers


async def test_a_token_that_holds_is_never_refused_for_its_peer(api: Api) -> None:
    for _ in range(9):
        last = await api.ask("GET", "/sessions", None, headers=FORGED)
    problem(last, 429)
    answer = await api.ask("GET", "/sessions")
    assert (answer.status_code, state(answer)) == (200, '"read";r=4;t=60')
    problem(await api.ask("GET", "/sessions", None), 429)


async def test_every_authenticated_answer_tells_of_its_limit(
    api: Api, storage: Storage, monkeypatch: pytest.MonkeyPatch
) -> None:
    session = f"/sessions/{(await api.create('a'))['id']}"
    tag = (await api.ask("GET", session, "a")).headers["etag"]
    json = {"Content-Type": "application/json"}
    answers = [
        await api.ask("POST", "/sessions", "b", json={}),
        await api.ask("GET", session, "b"),
        await api.ask("GET", session, "a", headers={"If-None-Match": tag}),
        await api.ask("GET", "/sessions/x", "b"),
        await api.ask("GET", "/sessions?limit=0", "b"),
        await api.ask("POST", "/sessions", "b", content=b"{", headers=json),
        await api.ask("PATCH", session, "b", headers={"Content-Length": "9999999"}),
        await api.ask("PATCH", session, "b", content=b"{}", headers={"Content-Type": "text/x"}),
        await api.ask("DELETE", session, "a", headers={"If-Match": '"x"'}),
        await api.ask("DELETE", session, "a"),
    ]
    for error in (RuntimeError(), Unavailable("away")):

        async def fail(*_: object, error: Exception = error) -> None:
            raise error

        monkeypatch.setattr(type(storage.sessions), "page", fail)
        with capture_logs():
            answers.append(await api.ask("GET", "/sessions", "b"))
    expected = [201, 403, 304, 404, 422, 400, 413, 415, 412, 204, 500, 503]
    assert [answer.status_code for answer in answers] == expected
    assert all(answer.headers["ratelimit-policy"] for answer in answers)
    assert [int(state(answer).split("r=")[1][0]) for answer in answers] == [
        *(2, 4, 3, 3, 2, 1, 3, 2, 3, 2, 1, 0)
    ]


class TestOff:
    @pytest.fixture
    def options(self) -> dict[str, Any]:
        return {"rate_limits": "off", "rate_limit_read": "1/day", "rate_limit_peer": "1/day"}

    async def test_nothing_is_counted_or_told(self, api: Api) -> None:
        for who, status in (("alice", 200), (None, 401)):
            answers = [await api.ask("GET", "/sessions", who) for _ in range(3)]
            assert [answer.status_code for answer in answers] == [status] * 3
            assert not any("ratelimit" in name for name in answers[-1].headers)


def through(api: Api, address: str) -> httpx2.AsyncClient:
    transport = httpx2.ASGITransport(api.app, client=(address, 1))
    return httpx2.AsyncClient(transport=transport, base_url=HERE)


async def test_what_a_peer_says_of_its_own_address_changes_nothing(api: Api) -> None:
    async with through(api, "192.0.2.1") as client:
        statuses = []
        for last in range(4):
            said = {
                "X-Forwarded-For": f"198.51.100.{last}",
                "Forwarded": f"for=198.51.100.{last}",
                "X-Real-IP": f"198.51.100.{last}",
            }
            statuses.append((await client.get("/sessions", headers=said)).status_code)
    assert statuses == [401, 401, 429, 429]
    async with through(api, "192.0.2.2") as client:
        assert (await client.get("/sessions")).status_code == 401


async def test_addresses_of_one_ipv6_subscriber_are_one_peer(api: Api) -> None:
    statuses = []
    for last in range(4):
        async with through(api, f"2001:db8::{last}:1") as client:
            statuses.append((await client.get("/sessions")).status_code)
    assert statuses == [401, 401, 429, 429]


class TestBehindAProxy:
    @pytest.fixture
    def options(self) -> dict[str, Any]:
        return {
            "rate_limits": "on",
            "rate_limit_peer": "2/minute",
            "trusted_proxies": "192.0.2.0/24",
        }

    async def test_each_client_of_the_proxy_is_a_peer(self, api: Api) -> None:
        async with through(api, "192.0.2.1") as client:
            statuses = [
                (await client.get("/sessions", headers={"X-Forwarded-For": hops})).status_code
                for hops in ("x, 203.0.113.1", "y, 203.0.113.1", "z, 203.0.113.1", "203.0.113.2")
            ]
        assert statuses == [401, 401, 429, 401]
