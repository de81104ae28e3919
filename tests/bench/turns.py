"""What a service's turn comes to: its time on the processor, and its client's by the clock."""

import statistics
from collections.abc import Awaitable, Callable, Mapping, Sequence
from dataclasses import dataclass

from tests.bench.client import CONNECTIONS, ask
from tests.bench.measure import alternated
from tests.bench.processor import seconds
from tests.bench.services import Service

WARM = 3 * CONNECTIONS
"""Requests before those that count."""


@dataclass(frozen=True, slots=True)
class Turn:
    own: float
    """Milliseconds of the processor for a request, of all the service's processes."""
    walls: Sequence[float]
    """Milliseconds until each answer was there."""


@dataclass(frozen=True, slots=True)
class Way:
    service: Service
    requests: Sequence[bytes]
    status: int
    count: int

    async def taken(self) -> Turn:
        port = self.service.port
        (await ask(port, self.requests, WARM)).check(self.status)
        own = seconds(self.service.pid)
        answers = await ask(port, self.requests, self.count)
        own = seconds(self.service.pid) - own
        answers.check(self.status)
        return Turn(own / self.count * 1000, [wall * 1000 for wall in answers.seconds])


async def turns(ways: Mapping[str, Way], rounds: int) -> Mapping[str, Sequence[Turn]]:
    def taken(way: Way) -> Callable[[], Awaitable[Turn]]:
        return way.taken

    return await alternated({name: taken(way) for name, way in ways.items()}, rounds)


def percentile(values: Sequence[float], percent: int) -> float:
    return statistics.quantiles(values, n=100, method="inclusive")[percent - 1]
