"""Two processes of the service on one PostgreSQL by the side of one."""

import asyncio
import os
import time
from collections.abc import Awaitable, Callable, Mapping, Sequence
from dataclasses import dataclass

from tests.bench.client import NO_ANSWER, ask
from tests.bench.kinds import KINDS
from tests.bench.load import Load, charts, loads
from tests.bench.measure import Goal, Row, alternated
from tests.bench.people import People
from tests.bench.processor import seconds
from tests.bench.table import short, table

CONNECTIONS = 16
COUNT = 800
ENOUGH_PROCESSORS = 4
"""For two workers, the database and the client."""

GAIN = Goal(1.6, at_most=False)

HEAD = ("workers", "users", "requests/s", "p50 ms", "p99 ms", "errors", "503", "no answer")


@dataclass(frozen=True, slots=True)
class Pace:
    rate: float
    """Requests a second."""
    own: float
    """Seconds of the processor for a request, of all workers."""


async def paces(workers: Sequence[People], rounds: int) -> Sequence[Row]:
    found = await alternated({"two": _pace(workers), "one": _pace(workers[:1])}, rounds)
    two, one = found["two"], found["one"]
    processors = os.cpu_count() or 1
    are_enough = processors >= ENOUGH_PROCESSORS
    return [
        Row(
            "PostgreSQL",
            f"two workers : one, with client and database on the same {processors} processors",
            "requests/s",
            [pace.rate for pace in two],
            [pace.rate for pace in one],
            GAIN if are_enough else None,
        ),
        Row(
            "PostgreSQL",
            "two workers : one, by what a request takes, were a processor free for each",
            "requests/s",
            [2 / pace.own for pace in two],
            [1 / pace.own for pace in one],
            None if are_enough else GAIN,
        ),
    ]


def _pace(workers: Sequence[People]) -> Callable[[], Awaitable[Pace]]:
    kind = KINDS["page"]
    requests = {people.service.port: kind.requests(people) for people in workers}
    share = len(workers)

    def taken() -> float:
        return sum(seconds(people.service.pid) for people in workers)

    async def pace() -> Pace:
        own, began = taken(), time.perf_counter()
        asking = (
            ask(port, asked, COUNT // share, CONNECTIONS // share)
            for port, asked in requests.items()
        )
        for answers in await asyncio.gather(*asking):
            answers.check(kind.status)
        took, own = time.perf_counter() - began, taken() - own
        return Pace(COUNT / took, own / COUNT)

    return pace


async def loaded(workers: Sequence[People]) -> tuple[str, Mapping[str, str]]:
    """The table and the plots."""
    found = {"1 worker": await loads(workers[:1]), "2 workers": await loads(workers)}
    lines = [_cells(name, load) for name, some in found.items() for load in some]
    return table(HEAD, lines), charts(found)


def _cells(name: str, load: Load) -> Sequence[str]:
    waits = (load.milliseconds(50), load.milliseconds(99))
    shares = (load.errors, load.share(503), load.share(NO_ANSWER))
    return (
        name.partition(" ")[0],
        f"{load.users:,}",
        *map(short, (load.rate, *waits)),
        *(f"{share:.1f}%" for share in shares),
    )
