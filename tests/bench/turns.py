"""What a service's turn comes to: its time on the processor, and its client's by the clock."""

import statistics
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from tests.bench.client import CONNECTIONS, Answers, ask
from tests.bench.measure import Name, alternated
from tests.bench.processor import seconds
from tests.bench.services import Service


@dataclass(frozen=True, slots=True)
class Turn:
    own: float
    """Milliseconds of the processor for a request, of all the service's processes."""
    server: float
    """The same of the database server, where the service has one."""
    walls: Sequence[float]
    """Milliseconds until each answer was there."""


@dataclass(frozen=True, slots=True)
class Way:
    service: Service
    requests: Sequence[bytes]
    status: int
    count: int
    connections: int = CONNECTIONS

    async def taken(self) -> Turn:
        await self._asked(max(self.connections, self.count // 10))  # to warm up
        before = self._taken()
        answers = await self._asked(self.count)
        own, server = (
            (now - then) / self.count * 1000
            for now, then in zip(self._taken(), before, strict=True)
        )
        return Turn(own, server, [wall * 1000 for wall in answers.seconds])

    async def _asked(self, count: int) -> Answers:
        answers = await ask(self.service.port, self.requests, count, self.connections)
        answers.check(self.status)
        return answers

    def _taken(self) -> tuple[float, float]:
        server = self.service.server
        return seconds(self.service.pid), seconds(server) if server else 0


async def turns(ways: Mapping[Name, Way], rounds: int) -> Mapping[Name, Sequence[Turn]]:
    return await alternated({name: way.taken for name, way in ways.items()}, rounds)


def percentile(values: Sequence[float], percent: int) -> float:
    return statistics.quantiles(values, n=100, method="inclusive")[percent - 1]
