"""Many who follow sessions of two processes, through restarts."""

import asyncio
import resource
import signal
import time
from collections.abc import AsyncIterator, Callable
from contextlib import AsyncExitStack, asynccontextmanager
from dataclasses import dataclass
from pathlib import Path

import httpx2

from tests.conftest import Sized
from tests.faults.attackers import resident
from tests.faults.databases import Postgresql, postgresql
from tests.faults.follower import Follower
from tests.faults.service import Service, running
from tests.ports import free_ports
from tests.tally import Tally
from tests.waiting import await_until

SETTINGS = {
    "CHAT_SESSIONS_EVENTS_SECONDS": "3600",
    "CHAT_SESSIONS_FOLLOWERS_MAX": "1500",
    "CHAT_SESSIONS_CLIENT_CONNECTIONS": "4000",
    "CHAT_SESSIONS_DRAIN_SECONDS": "0.5",
}
EACH = 20
"""Followers of one session, who is one person's."""

TICKS = 100
"""Of processor time, in a second (proc(5))."""

SAID = {"messages": [{"role": "user", "content": "x" * 300}]}


@dataclass
class Crowd:
    database: Postgresql
    services: list[Service]
    people: list[str]
    paths: list[str]
    followers: list[Follower]
    written: dict[str, dict[int, float]]

    async def write(self, place: int, turn: int) -> None:
        """To one session, through either process, again where that is away."""
        path = self.paths[place]
        headers = {
            "Authorization": self.services[0].authorization_of(self.people[place]),
            "Idempotency-Key": f"{place} {turn}",
        }
        while True:
            turn += 1
            try:
                http = self.services[turn % 2].http
                answer = await http.post(f"{path}/messages", json=SAID, headers=headers)
            except (httpx2.TransportError, RuntimeError):  # it is being restarted
                await asyncio.sleep(0.05)
                continue
            if answer.status_code == 201:
                order = answer.json()["items"][0]["message_order"]
                self.written[path].setdefault(order, time.monotonic())
                return
            await asyncio.sleep(0.05)

    def behind(self) -> list[Follower]:
        """Those who have not heard all yet."""
        return [one for one in self.followers if len(one.heard) < len(self.written[one.path])]


@asynccontextmanager
async def crowd(folder: Path, size: int) -> AsyncIterator[Crowd]:
    database, key, ports = postgresql(folder), folder / "key.pem", free_ports(2)
    async with AsyncExitStack() as stack:
        services = []
        for port in ports:
            (own := folder / str(port)).mkdir()
            at = {"CHAT_SESSIONS_DATABASE_URL": database.url, "CHAT_SESSIONS_PORT": str(port)}
            services.append(await stack.enter_async_context(running(own, key, **SETTINGS, **at)))
        people = [f"person {place}" for place in range(size // EACH)]
        paths = []
        for person in people:
            bearer = {"Authorization": services[0].authorization_of(person)}
            made = await services[0].http.post("/sessions", json={}, headers=bearer)
            paths.append(made.headers["location"])
        urls = [service.served.url for service in services]
        followers = [
            Follower(urls, path, services[0].authorization_of(person), turn)
            for person, path in zip(people, paths, strict=True)
            for turn in range(EACH)
        ]
        yield Crowd(database, services, people, paths, followers, {path: {} for path in paths})


@asynccontextmanager
async def following(among: Crowd) -> AsyncIterator[None]:
    tasks = [asyncio.create_task(one.follow()) for one in among.followers]
    try:
        await await_until(lambda: all(one.is_listening for one in among.followers))
        yield
    finally:
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)


def processor_of(service: Service) -> float:
    """Seconds so far."""
    fields = Path(f"/proc/{service.served.process.pid}/stat").read_text().rpartition(")")[2].split()
    return (int(fields[11]) + int(fields[12])) / TICKS


async def spent(among: Crowd, of: Callable[[Service], float], seconds: float) -> float:
    before = sum(map(of, among.services))
    await asyncio.sleep(seconds)
    return sum(map(of, among.services)) - before


async def test_a_crowd_misses_nothing_over_restarts(
    tmp_path: Path, sized: Sized, tally: Tally
) -> None:
    size, rounds, restarts = sized(40, 1000), sized(3, 10), sized(2, 20)
    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    resource.setrlimit(resource.RLIMIT_NOFILE, (min(hard, 8192), hard))
    async with crowd(tmp_path, size) as among:
        named, quiet = f"{size} followers of two processes", sized(1, 10)
        alone = await spent(among, processor_of, quiet)
        before = sum(map(resident, among.services))
        async with following(among):
            await asyncio.sleep(sized(1, 3))
            grown = sum(map(resident, among.services)) - before
            cost = (await spent(among, processor_of, quiet) - alone) / quiet
            tally.note("P16", f"{named}: memory", f"{grown / 2**20:+.1f} MiB")
            tally.note("P16", f"{named}, idle: of a processor", f"{100 * cost:.1f} %")
            assert grown < 64 * 2**20
            late, told = await written_in_peace(among, rounds, sized(10, 1))
            tally.none("P16", f"{named}: told later than in a second", late, of=told)
            await written_through_restarts(among, restarts)
        wrong = [one for one in among.followers if one.twice]
        tally.none("P16", f"{named}: told twice", wrong, of=size)
        lost = [
            one.path for one in among.followers if set(one.heard) != set(among.written[one.path])
        ]
        tally.none("P16", f"{named}, {restarts} restarts: lost something", lost, of=size)
        streams = sum(one.streams for one in among.followers)
        messages = sum(map(len, among.written.values()))
        tally.note("P16", f"{named}: streams, messages", f"{streams:,}, {messages:,}")
    resource.setrlimit(resource.RLIMIT_NOFILE, (soft, hard))


async def written_in_peace(among: Crowd, rounds: int, longest: float) -> tuple[list[float], int]:
    """How long after its acknowledgement each message was heard, where that is too long."""
    for turn in range(rounds):
        for place in range(len(among.paths)):
            await among.write(place, turn)
        await await_until(lambda: not among.behind())
    took = [
        at - among.written[one.path][order]
        for one in among.followers
        for order, at in one.heard.items()
    ]
    return [seconds for seconds in took if seconds > longest], len(took)


async def written_through_restarts(among: Crowd, restarts: int) -> None:
    """Every other one is a kill."""
    is_over = asyncio.Event()

    async def write() -> None:
        turn = 1000
        while not is_over.is_set():
            for place in range(len(among.paths)):
                await among.write(place, turn)
            turn += 1

    writing = asyncio.create_task(write())
    for turn in range(restarts):
        service = among.services[turn % 2]
        if turn % 4 < 2:
            await asyncio.to_thread(service.served.stop, signal.SIGTERM)
        await service.restart()
        await await_until(lambda: all(one.is_listening for one in among.followers))
    is_over.set()
    await writing
    await await_until(lambda: not among.behind(), lambda: [one.heard for one in among.behind()][:3])


async def test_followers_wait_for_the_database_and_go_on_once_it_is_back(tmp_path: Path) -> None:
    """On the stream that they have."""
    async with crowd(tmp_path, EACH) as among, following(among):
        await among.write(0, turn=0)
        await await_until(lambda: not among.behind())
        await asyncio.to_thread(among.database.server.kill)
        await asyncio.sleep(1)
        await asyncio.to_thread(among.database.server.start)
        await among.write(0, turn=1)
        await await_until(lambda: not among.behind())
        assert {tuple(one.heard) for one in among.followers} == {(1, 2)}
        assert not any(one.twice for one in among.followers)
        assert {one.streams for one in among.followers} == {1}
