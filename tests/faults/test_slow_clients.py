"""Good clients beside bad ones, and what the bad ones cost."""

import asyncio
import resource
import signal
import time
from collections.abc import AsyncIterator
from contextlib import AsyncExitStack
from dataclasses import dataclass, field
from pathlib import Path

import pytest

from tests.conftest import Sized
from tests.faults.attackers import attacked, attacks, resident, settled
from tests.faults.crowd import by_clients, new_session, said
from tests.faults.service import Service, running
from tests.tally import Tally

MEMORY_BYTES = 64 * 1024 * 1024
SLOWER_AT_MOST = 2
"""Of the 99th percentile. Asserted at full size alone: it wants a quiet machine."""


@pytest.fixture(scope="module", autouse=True)
def files() -> None:
    """For the attackers' ends of their connections, which are ours."""
    _, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    resource.setrlimit(resource.RLIMIT_NOFILE, (hard, hard))


@pytest.fixture
async def service(tmp_path: Path, key: Path) -> AsyncIterator[Service]:
    async with running(tmp_path, key) as started:
        yield started


@dataclass
class Used:
    """How long each request of good clients took, and what was answered but 200 or 201."""

    seconds: list[float] = field(default_factory=list)
    failed: list[int] = field(default_factory=list)

    @property
    def p99(self) -> float:
        return sorted(self.seconds)[len(self.seconds) * 99 // 100]

    async def use(self, service: Service, requests: int) -> None:
        path = f"/sessions/{await new_session(service.http)}/messages"

        async def use(number: int) -> None:
            begun = time.monotonic()
            if number % 2:
                answer = await service.http.get(path)
            else:
                answer = await service.http.post(path, json=said(f"{number}"))
            self.seconds.append(time.monotonic() - begun)
            if answer.status_code not in {200, 201}:
                self.failed.append(answer.status_code)

        await by_clients(requests, use)


async def test_good_clients_are_served_beside_slow_ones(
    service: Service, sized: Sized, tally: Tally
) -> None:
    """Each sort of attack by itself, and its cost in memory."""
    clients, requests, rounds = sized(40, 1000), sized(40, 1000), sized(1, 3)
    found = await attacks(service)
    await Used().use(service, requests)
    heavy, slowed = [], []
    for name, attack in found.items():
        alone, beside, grown = Used(), Used(), 0
        for _ in range(rounds):
            await settled(service)
            await alone.use(service, requests)
            before = resident(service)
            async with attacked(service, attack, clients):
                await beside.use(service, requests)
                grown = max(grown, resident(service) - before)
        where = f"beside {clients} clients, {name}"
        ratio = beside.p99 / alone.p99
        print(f"P9   {where}: p99 {ratio:.1f} x, {grown / 2**20:+.0f} MiB")
        assert not alone.failed
        what = f"{where}: good requests failed"
        tally.none("P9", what, beside.failed, of=len(beside.seconds))
        if grown > MEMORY_BYTES:
            heavy.append((name, grown))
        if ratio > SLOWER_AT_MOST:
            slowed.append((name, ratio))
    tally.none("P8", "attacks that cost over 64 MiB", heavy, of=len(found))
    if sized(0, 1):
        what = f"attacks that slow others over {SLOWER_AT_MOST} x"
        tally.none("P9", what, slowed, of=len(found))


async def test_a_stop_in_the_midst_of_attacks_is_in_time(
    service: Service, sized: Sized, exit_longest: float, tally: Tally
) -> None:
    clients = sized(10, 200)
    found = await attacks(service)
    async with AsyncExitStack() as stack:
        for attack in found.values():
            await stack.enter_async_context(attacked(service, attack, clients))
        begun = time.monotonic()
        code = await asyncio.to_thread(service.served.stop, signal.SIGTERM)
        seconds = time.monotonic() - begun
    print(f"P10  exit after {seconds:.1f} s")
    assert code == 0
    late = [seconds] if seconds > exit_longest else []
    tally.none("P10", f"stops over 10 s, {len(found)} x {clients} attackers", late, of=1)
