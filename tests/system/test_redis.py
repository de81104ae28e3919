"""Limits that several processes share through a real Redis, and what happens when it is away."""

import asyncio
import re
import time
from collections import Counter
from collections.abc import AsyncIterator, Awaitable, Callable, Iterator
from contextlib import asynccontextmanager
from itertools import count
from pathlib import Path
from typing import TypeVar

import httpx2
import pytest

from tests.certificates import Authority
from tests.conftest import Sized
from tests.faults.service import Service, running
from tests.system.redis import RedisServer
from tests.tally import Tally
from tests.waiting import WAIT_SECONDS

OWNERS = count()
REDIS_SECONDS = 0.25
"""What a call may take."""

T = TypeVar("T")

UNCOUNTED = "chat_sessions_limiter_unavailable_total"

Fault = tuple[Callable[[RedisServer], None], Callable[[RedisServer], None]]

FAULTS: dict[str, Fault] = {
    "killed": (RedisServer.kill, RedisServer.start),
    "hung": (RedisServer.hang, RedisServer.go_on),
}


@pytest.fixture(scope="module")
def redis() -> Iterator[RedisServer]:
    started = RedisServer()
    yield started
    started.remove()


@asynccontextmanager
async def limited(folder: Path, url: str, **settings: str) -> AsyncIterator[Service]:
    """A process that counts in Redis, asked as someone new."""
    folder.mkdir(exist_ok=True)
    settings = {
        "DATABASE_URL": "memory://",
        "RATE_LIMITS": "on",
        "RATE_LIMIT_STORAGE_URL": url,
        "LOG_FORMAT": "json",
    } | settings
    given = {f"CHAT_SESSIONS_{name}": value for name, value in settings.items()}
    async with running(folder, folder.parent / "key.pem", **given) as service:
        sign_in(service)
        yield service


def sign_in(*services: Service) -> None:
    who = f"owner-{next(OWNERS)}"
    for service in services:
        service.sign_in(who)


def lines(service: Service, event: str) -> list[str]:
    log = (service.folder / "stdout").read_text()
    return [line for line in log.splitlines() if f'"event":"{event}"' in line]


async def uncounted(service: Service) -> float:
    figures = (await service.http.get("/metrics")).text
    found = re.search(rf"^{UNCOUNTED} (\S+)$", figures, re.MULTILINE)
    assert found
    return float(found[1])


async def timed(service: Service, requests: int) -> tuple[list[httpx2.Response], list[float]]:
    """One after another, and how long each took."""
    answers, seconds = [], []
    for _ in range(requests):
        began = time.monotonic()
        answers.append(await service.http.get("/sessions"))
        seconds.append(time.monotonic() - began)
    return answers, seconds


async def in_time(ask: Callable[[], Awaitable[T]], *services: Service) -> T:
    """What comes of it when Redis is in time for all of it. On a busy machine it may be late, and
    such a request is let through uncounted."""
    for _ in range(20):
        before = [await uncounted(service) for service in services]
        found = await ask()
        if [await uncounted(service) for service in services] == before:
            return found
    raise AssertionError("Redis was late again and again")


async def counted(service: Service) -> httpx2.Response:
    """The first answer that tells of a limit; there is one soon."""
    async with asyncio.timeout(WAIT_SECONDS):
        while True:
            answer = await service.http.get("/sessions")
            if "ratelimit" in answer.headers:
                return answer
            await asyncio.sleep(0.05)


async def test_of_many_requests_through_two_processes_exactly_as_many_pass_as_may(
    tmp_path: Path, redis: RedisServer, sized: Sized, tally: Tally
) -> None:
    rounds, at_once, quota = sized(2, 10), sized(200, 1000), sized(60, 300)
    rate = {"RATE_LIMIT_READ": f"{quota}/hour"}
    async with (
        limited(tmp_path / "one", redis.url, **rate) as one,
        limited(tmp_path / "two", redis.url, **rate) as two,
    ):
        wrong = []

        async def crowd() -> list[httpx2.Response]:
            sign_in(one, two)
            asked = [(one, two)[place % 2].http.get("/sessions") for place in range(at_once)]
            return await asyncio.gather(*asked)

        for _ in range(rounds):
            answers = await in_time(crowd, one, two)
            left = Counter(a.headers["ratelimit"].split(";")[1] for a in answers if a.is_success)
            if left != Counter(f"r={remaining}" for remaining in range(quota)):
                wrong.append(left)
            assert {a.status_code for a in answers} == {200, 429}
    tally.none("P8", "crowds of which not exactly as many passed as may", wrong, of=rounds)


async def test_after_the_seconds_of_retry_after_a_request_passes(
    tmp_path: Path, redis: RedisServer
) -> None:
    async with limited(tmp_path / "one", redis.url, RATE_LIMIT_READ="1/2 second") as service:
        for _ in range(3):
            answer = await service.http.get("/sessions")
            while answer.status_code != 429:
                answer = await service.http.get("/sessions")
            await asyncio.sleep(int(answer.headers["retry-after"]))
            assert (await service.http.get("/sessions")).status_code == 200


@pytest.mark.parametrize("fault", FAULTS)
async def test_while_redis_is_away_requests_pass_uncounted_and_then_are_counted(
    tmp_path: Path, redis: RedisServer, fault: str, longest: float
) -> None:
    """None waits for longer than Redis is given, and only one a second waits at all."""
    strike, mend = FAULTS[fault]
    async with limited(tmp_path / "one", redis.url, RATE_LIMIT_READ="1000/hour") as service:
        await counted(service)
        before = await uncounted(service), len(lines(service, "rate.limiter_unavailable"))
        strike(redis)
        try:
            answers, seconds = await timed(service, 100)
        finally:
            mend(redis)
        assert {answer.status_code for answer in answers} == {200}
        assert not any("ratelimit" in answer.headers for answer in answers[-10:])
        assert max(seconds) < longest
        assert sum(took < REDIS_SECONDS for took in seconds) > 50, "most of them waited for Redis"
        assert await uncounted(service) >= before[0] + 90
        (line,) = lines(service, "rate.limiter_unavailable")[before[1] :]
        assert '"passes":"uncounted"' in line
        assert (await counted(service)).status_code == 200
        assert len(lines(service, "rate.limiter_recovered")) > before[1]


@pytest.mark.parametrize("fault", FAULTS)
async def test_set_to_fail_closed_nothing_passes_uncounted(
    tmp_path: Path, redis: RedisServer, fault: str, longest: float
) -> None:
    strike, mend = FAULTS[fault]
    async with limited(tmp_path / "one", redis.url, RATE_LIMIT_FAILS="closed") as service:
        assert (await counted(service)).status_code == 200
        strike(redis)
        try:
            answers, seconds = await timed(service, 20)
            nobody = await service.http.get("/sessions", headers={"Authorization": "none"})
            probe = await service.http.get("/readyz")
        finally:
            mend(redis)
        for refused in (*answers, nobody):
            assert refused.status_code == 503
            assert refused.headers["content-type"] == "application/problem+json"
            assert int(refused.headers["retry-after"]) >= 1
        assert probe.status_code == 200
        assert max(seconds) < longest
        assert (await counted(service)).status_code == 200


async def test_a_service_starts_and_serves_before_its_redis_does(tmp_path: Path) -> None:
    redis = RedisServer()
    redis.kill()
    try:
        async with limited(tmp_path / "one", redis.url) as service:
            assert (await service.http.get("/sessions")).status_code == 200
            redis.start()
            await counted(service)
    finally:
        redis.remove()


async def test_what_redis_holds_is_counts_that_end_and_names_nobody(
    tmp_path: Path, redis: RedisServer
) -> None:
    with redis.client() as client:
        async with limited(tmp_path / "one", redis.url) as service:
            service.sign_in("canary")

            async def ask() -> None:
                client.flushall()
                await service.http.post("/sessions", json={"title": "canary"})
                await service.http.get("/sessions", headers={"Authorization": "Bearer canary"})

            await in_time(ask, service)
        found = {key: client.get(key) for key in map(str, client.scan_iter())}
        assert {
            re.sub(r"/[0-9a-f]{32}/", "/OWNER/", key): value for key, value in found.items()
        } == {
            "chat-sessions:create/OWNER/60/1/minute": "1",
            "chat-sessions:peer/127.0.0.1/120/1/minute": "1",
        }
        assert all(0 < int(str(client.ttl(key))) <= 60 for key in found)


@pytest.mark.parametrize(("password", "refusals"), [("opensesame", 0), ("wrongsecret", 1)])
async def test_a_password_opens_redis_and_is_shown_nowhere(
    tmp_path: Path, password: str, refusals: int
) -> None:
    redis = RedisServer("--requirepass", "opensesame")
    url = redis.url.replace("://", f"://:{password}@")
    try:
        async with limited(tmp_path / "one", url) as service:
            if refusals:
                assert "ratelimit" not in (await service.http.get("/sessions")).headers
            else:
                await counted(service)
            figures = (await service.http.get("/metrics")).text
        written = (service.folder / "stdout").read_text() + (service.folder / "stderr").read_text()
        assert password not in written + figures
        assert written.count("AuthenticationError") == refusals
    finally:
        redis.remove()


async def test_over_tls_the_servers_certificate_is_checked(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    trusted = tmp_path / "trusted.pem"
    authority = Authority("redis")
    trusted.write_bytes(authority.pem)
    redis = RedisServer(certificate=b"".join(authority.issue("redis", ["127.0.0.1"])))
    try:
        async with limited(tmp_path / "one", redis.url) as service:
            assert "ratelimit" not in (await service.http.get("/sessions")).headers
        monkeypatch.setenv("SSL_CERT_FILE", str(trusted))
        async with limited(tmp_path / "two", redis.url) as service:
            await counted(service)
    finally:
        redis.remove()
