"""Taking times so that what slows the machine slows all that is compared, and showing them."""

import asyncio
import statistics
import time
from collections.abc import Awaitable, Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import TypeVar

from tests.bench.table import short

Act = Callable[[int], Awaitable[object]]
"""What is timed, done by the caller of that number."""

T = TypeVar("T")
Name = TypeVar("Name")


@dataclass(frozen=True, slots=True)
class Timing:
    """Milliseconds of one call: the median on the clock, and the mean of the processor's."""

    wall: float
    own: float
    """This process's."""
    server: float
    """The database server's, where there is one."""


async def timed(act: Act, calls: int, server_seconds: Callable[[], float]) -> Timing:
    walls = []
    own, server = time.process_time(), server_seconds()
    for _ in range(calls):
        began = time.perf_counter()
        await act(0)
        walls.append(time.perf_counter() - began)
    own, server = time.process_time() - own, server_seconds() - server
    return Timing(statistics.median(walls) * 1000, own / calls * 1000, server / calls * 1000)


@dataclass(frozen=True, slots=True)
class Rate:
    """Calls a second by the clock, and this process's milliseconds of the processor for each."""

    calls: float
    own: float


async def rate(act: Act, callers: int, calls: int) -> Rate:
    """Of so many callers together."""
    left = iter(range(calls))

    async def call(number: int) -> None:
        for _ in left:
            await act(number)

    began, own = time.perf_counter(), time.process_time()
    await asyncio.gather(*(call(number) for number in range(callers)))
    took, own = time.perf_counter() - began, time.process_time() - own
    return Rate(calls / took, own / calls * 1000)


async def alternated(
    ways: Mapping[Name, Callable[[], Awaitable[T]]], rounds: int
) -> Mapping[Name, Sequence[T]]:
    """What each way gave in each round; all have their turn in it, in one order and then in the
    other. A round before the first is for nothing but to warm up."""
    found: dict[Name, list[T]] = {name: [] for name in ways}
    for past in range(rounds + 1):
        for name in list(ways)[:: 1 if past % 2 else -1]:
            given = await ways[name]()
            if past:
                found[name].append(given)
    return found


@dataclass(frozen=True, slots=True)
class Goal:
    bound: float
    at_most: bool

    def __str__(self) -> str:
        return f"{'≤' if self.at_most else '≥'} {self.bound:g}"

    def is_met(self, ratio: float) -> bool:
        return ratio <= self.bound if self.at_most else ratio >= self.bound


@dataclass(frozen=True, slots=True)
class Row:
    """One ratio: what was measured, round by round, over what it is held against."""

    database: str
    what: str
    unit: str
    these: Sequence[float]
    those: Sequence[float]
    goal: Goal | None = None

    def __str__(self) -> str:
        ratios = [this / that for this, that in zip(self.these, self.those, strict=True)]
        median = statistics.median(ratios)
        best = max if self.is_rate else min
        verdict = "" if self.goal is None or self.goal.is_met(median) else ", missed"
        cells = (
            self.database,
            self.what,
            f"{short(statistics.median(self.these))} : {short(statistics.median(self.those))}",
            self.unit,
            f"{short(median)} ({short(min(ratios))} - {short(max(ratios))})",
            short(best(self.these) / best(self.those)),
            f"{self.goal or ''}{verdict}",
        )
        return f"| {' | '.join(cells)} |"

    @property
    def is_rate(self) -> bool:
        return self.unit.endswith("/s")


HEAD = """\
| database | what : against what | medians | unit | ratio (least - most) | of the best | goal |
|---|---|---|---|---|---|---|"""
