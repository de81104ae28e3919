"""The primary lost in every way, while two processes write with keys and read."""

import asyncio
import time
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import AsyncExitStack, asynccontextmanager
from dataclasses import dataclass
from itertools import pairwise

import pytest

from tests.cluster.cluster import Cluster
from tests.cluster.estate import Estate
from tests.cluster.node import Node
from tests.cluster.reader import Reader
from tests.conftest import Sized
from tests.faults.answers import LONGEST
from tests.faults.ledger import Ledger
from tests.faults.service import moment
from tests.tally import Tally

WRITERS = 4
"""For each process."""


@dataclass
class Load:
    """On one process: writers with keys, and readers of what was acknowledged to them."""

    ledger: Ledger
    reader: Reader

    async def longest_gap(self, since: float) -> float:
        """Between two acknowledged writes, in seconds, the next one included."""
        self.ledger.progress.clear()
        await asyncio.wait_for(self.ledger.progress.wait(), 60)
        times = [since, *(at for at in self.ledger.times if at > since)]
        return max(after - before for before, after in pairwise(times))


async def crash(cluster: Cluster) -> None:
    """`kill -9` of the primary's PostgreSQL."""
    (await cluster.primary()).kill_postgresql()


async def lost_machine(cluster: Cluster) -> None:
    """`kill -9` of its Patroni too; it comes back once another is the primary."""
    await replaced(cluster, Node.kill, Node.start)


async def switch_over(cluster: Cluster) -> None:
    await cluster.switch_over()


async def black_hole(cluster: Cluster) -> None:
    """Every way to and from its machine accepts and never answers, until another is the primary."""
    await replaced(cluster, Node.cut_off, Node.join)


async def two_in_a_row(cluster: Cluster) -> None:
    """A crash, and the machine lost while that is being mended."""
    await crash(cluster)
    await moment(0.5, 4)
    await lost_machine(cluster)


async def broken_rewind(cluster: Cluster) -> None:
    """A machine lost, and a crash of the next primary while the lost one is rewound from it."""
    lost = await cluster.replaceable()
    seen = len(lost.log)
    await lost_machine(cluster)
    await lost.says("running pg_rewind from dbname", seen)
    source = await cluster.another_primary(lost)
    source.ways.database.latency = 0.01  # for each 64 kB: it lasts some seconds
    await moment(0.5, 1)
    source.kill_postgresql()
    source.ways.database.heal()
    await lost.says("pg_rewind exit code=1", seen)


async def replaced(
    cluster: Cluster, strike: Callable[[Node], None], mend: Callable[[Node], None]
) -> None:
    async with asyncio.timeout(60):
        before = await cluster.replaceable()
        await asyncio.to_thread(strike, before)
        await cluster.another_primary(before)
        mend(before)


KINDS: dict[Callable[[Cluster], Awaitable[None]], tuple[int, int]] = {
    crash: (1, 6),
    lost_machine: (1, 5),
    switch_over: (1, 6),
    black_hole: (1, 4),
    two_in_a_row: (1, 2),
    broken_rewind: (1, 2),
}
"""How often, small and at full size."""


@asynccontextmanager
async def under_load(both: Estate) -> AsyncIterator[dict[str, Load]]:
    loads = {}
    async with AsyncExitStack() as stack:
        for way, service in both.services.items():
            service.sign_in(f"{way} at {time.time()}")
            ledger = Ledger(service)
            await stack.enter_async_context(ledger.writing(WRITERS))
            reader = Reader(ledger)
            await stack.enter_async_context(reader.reading())
            loads[way] = Load(ledger, reader)
        yield loads


@pytest.mark.timeout(900)
@pytest.mark.parametrize("fail", KINDS, ids=lambda kind: kind.__name__)
async def test_nothing_acknowledged_is_lost_when_the_primary_is(
    both: Estate, fail: Callable[[Cluster], Awaitable[None]], sized: Sized, tally: Tally
) -> None:
    """Nor doubled, nor out of order; meanwhile each answer is right or a 503 in time."""
    times, kind = sized(*KINDS[fail]), fail.__name__.replace("_", " ")
    processes = [service.served.process for service in both.services.values()]
    await both.cluster.healed()
    gaps: dict[str, list[float]] = {way: [] for way in both.services}
    healed = []
    async with under_load(both) as loads:
        for _ in range(times):
            await moment(1, 2)
            begun = time.monotonic()
            await fail(both.cluster)
            await both.cluster.healed()
            healed.append(time.monotonic() - begun)
            for way, load in loads.items():
                gaps[way].append(await load.longest_gap(begun))
    tally.note("P11", f"{kind}, {times}: all three stream after", listed(healed))
    for way, load in loads.items():
        where = f"{kind}, by {way}, {times}"
        tally.note("P11", f"{where}: longest write gap", listed(gaps[way]))
        answers = len(load.ledger.seconds) + load.reader.asked
        wrong = load.ledger.wrong(LONGEST) + load.reader.wrong
        tally.none("P11", f"{where}: answers wrong or late", wrong, of=answers)
        await load.ledger.check(tally, where)
        assert load.ledger.unanswered == 0
    assert all(process.poll() is None for process in processes)


def listed(seconds: list[float]) -> str:
    return f"{max(seconds):.1f} s ({', '.join(f'{one:.1f}' for one in seconds)})"


async def test_three_nodes_stream_in_time(nodes: Cluster, tally: Tally) -> None:
    late = [nodes.started_in] if nodes.started_in > 30 else []
    tally.note("P11", "three nodes, both standbys streaming, after", f"{nodes.started_in:.1f} s")
    tally.none("P11", "three nodes: not streaming in 30 s", late, of=1)
