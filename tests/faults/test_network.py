"""PostgreSQL behind a network that fails, with two connections to it."""

import asyncio
import signal
import time
from collections.abc import AsyncIterator, Awaitable, Callable
from dataclasses import dataclass
from pathlib import Path

import httpx2
import pytest

from tests.conftest import Sized
from tests.faults.answers import is_refused_for_now
from tests.faults.crowd import new_session, said
from tests.faults.databases import postgresql
from tests.faults.ledger import Ledger
from tests.faults.proxy import Proxy, listening
from tests.faults.service import Service, running
from tests.tally import Tally
from tests.waiting import await_until

POOL = {"CHAT_SESSIONS_DATABASE_POOL_SIZE": "2", "CHAT_SESSIONS_DATABASE_POOL_OVERFLOW": "0"}
TEXTS = ("one", "two", "three")


@dataclass
class Far:
    """A service far from its database, with a session to read."""

    service: Service
    proxy: Proxy
    path: str
    wrong: list[str]
    longest: float
    asked: int = 0

    async def read(self) -> bool:
        """Whether the answer was not a refusal. A wrong one, or one too late, is noted."""
        answer = await self.get(self.path)
        if answer.status_code == 200:
            if tuple(item["content"] for item in answer.json()["items"]) != TEXTS:
                self.wrong.append(answer.text)
            return True
        if not is_refused_for_now(answer):
            self.wrong.append(answer.text)
        return False

    async def is_ready(self) -> bool:
        return (await self.get("/readyz")).status_code == 200

    async def endure(self, seconds: float, *, away: bool) -> None:
        """Where the database is away the service is not ready, however often it is asked."""
        over = time.monotonic() + seconds
        while (left := over - time.monotonic()) > 0:
            if not away:
                await asyncio.sleep(left)
            elif await self.is_ready():
                self.wrong.append("ready without a database")

    async def get(self, path: str) -> httpx2.Response:
        self.asked += 1
        begun = time.monotonic()
        answer = await self.service.http.get(path)
        if (seconds := time.monotonic() - begun) > self.longest:
            self.wrong.append(f"{path} after {seconds:.1f} s")
        return answer

    async def read_on(self, stop: asyncio.Event) -> None:
        while not stop.is_set():
            await self.read()
            await asyncio.sleep(0.01)


@pytest.fixture(scope="module")
async def distant(
    tmp_path_factory: pytest.TempPathFactory, key: Path
) -> AsyncIterator[tuple[Service, Proxy]]:
    folder = tmp_path_factory.mktemp("distant")
    database = postgresql(folder)
    port = database.server.port
    async with listening(Proxy("127.0.0.1", port)) as proxy:
        url = database.url.replace(str(port), str(proxy.port), 1)
        async with running(folder, key, CHAT_SESSIONS_DATABASE_URL=url, **POOL) as service:
            yield service, proxy


@pytest.fixture
async def far(
    request: pytest.FixtureRequest, distant: tuple[Service, Proxy], longest: float
) -> Far:
    """Each test's by a person of its own: what the others wrote is no matter."""
    service, proxy = distant
    service.sign_in(request.node.name)
    proxy.heal()
    path = f"/sessions/{await new_session(service.http)}/messages"
    assert (await service.http.post(path, json=said(*TEXTS))).status_code == 201
    return Far(service, proxy, path, [], longest)


def cut(proxy: Proxy) -> None:
    proxy.cut()


def down(proxy: Proxy) -> None:
    proxy.refusing = True
    proxy.cut()


def half_open(proxy: Proxy) -> None:
    proxy.answering.clear()


def black_hole(proxy: Proxy) -> None:
    proxy.passing.clear()


def slow(proxy: Proxy) -> None:
    proxy.latency = 0.3


@pytest.mark.parametrize("fault", [cut, down, half_open, black_hole, slow])
async def test_a_fault_on_the_way_is_a_503_and_heals(
    far: Far, fault: Callable[[Proxy], None], sized: Sized, tally: Tally
) -> None:
    """Each answer is right or a 503, within 5 s; so is the first success after it is over."""
    ledger, stop, healed = Ledger(far.service), asyncio.Event(), []
    process = far.service.served.process
    async with asyncio.TaskGroup() as readers, ledger.writing(writers=4):
        for _ in range(4):
            readers.create_task(far.read_on(stop))
        for _ in range(sized(1, 5)):
            await asyncio.sleep(0.3)
            fault(far.proxy)
            await far.endure(sized(1, 8), away=fault not in (cut, slow))
            far.proxy.heal()
            healed.append(await seconds_until(far.read))
            await seconds_until(far.is_ready)
        stop.set()
    far.wrong += ledger.wrong(far.longest)
    asked = far.asked + len(ledger.seconds)
    where = f"postgresql, {fault.__name__.replace('_', ' ')}"
    tally.none("P11", f"{where}: answers wrong or late", far.wrong, of=asked)
    late = [seconds for seconds in healed if seconds > far.longest]
    tally.none("P11", f"{where}: not healed in 5 s", late, of=len(healed))
    assert process.poll() is None
    await ledger.check(tally, where)


async def test_a_stop_ends_in_time_though_the_database_does_not_answer(
    tmp_path: Path, key: Path, sized: Sized, exit_longest: float, tally: Tally
) -> None:
    """Ten seconds after SIGTERM, with requests in hand that wait for it."""
    database = postgresql(tmp_path)
    port = database.server.port
    drain = str(sized(0, 2))
    async with listening(Proxy("127.0.0.1", port)) as proxy:
        url = database.url.replace(str(port), str(proxy.port), 1)
        settings = {"CHAT_SESSIONS_DATABASE_URL": url, "CHAT_SESSIONS_DRAIN_SECONDS": drain}
        async with running(tmp_path, key, **settings) as service:
            path = f"/sessions/{await new_session(service.http)}"
            black_hole(proxy)
            asked = [asyncio.ensure_future(service.http.get(path)) for _ in range(20)]
            await asyncio.sleep(0.2)
            begun = time.monotonic()
            code = await asyncio.to_thread(service.served.stop, signal.SIGTERM)
            seconds = time.monotonic() - begun
            await asyncio.gather(*asked, return_exceptions=True)
    late = [seconds] if seconds > exit_longest or code else []
    tally.none("P10", "postgresql, black hole: stops late or unclean", late, of=1)


async def test_fifty_slow_requests_share_two_connections(far: Far, tally: Tally) -> None:
    """Those whose turn does not come in time are told to come again."""
    far.proxy.latency = 0.2
    answered = await asyncio.gather(*(far.read() for _ in range(50)))
    tally.none("P11", "postgresql, fifty slow requests: wrong or late", far.wrong, of=50)
    assert any(answered)
    far.proxy.heal()
    assert await seconds_until(far.read) < far.longest


async def seconds_until(true: Callable[[], Awaitable[bool]]) -> float:
    begun = time.monotonic()
    await await_until(true)
    return time.monotonic() - begun
