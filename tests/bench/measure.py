"""Taking turns, so that what slows the machine slows all that is compared; and the ratios."""

import statistics
from collections.abc import Awaitable, Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import TypeVar

T = TypeVar("T")
Name = TypeVar("Name")


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


HEAD = """\
| database | what : against what | medians | unit | ratio (least - most) | of the best | goal |
|---|---|---|---|---|---|---|"""


@dataclass(frozen=True, slots=True)
class Row:
    """One ratio: what was measured, round by round, over what it is held against."""

    database: str
    what: str
    these: Sequence[float]
    those: Sequence[float]
    goal: Goal | None = None
    unit: str = "CPU ms"

    def __str__(self) -> str:
        ratios = [this / that for this, that in zip(self.these, self.those, strict=True)]
        median = statistics.median(ratios)
        verdict = "" if self.goal is None or self.goal.is_met(median) else ", missed"
        cells = (
            self.database,
            self.what,
            f"{short(statistics.median(self.these))} : {short(statistics.median(self.those))}",
            self.unit,
            f"{short(median)} ({short(min(ratios))} - {short(max(ratios))})",
            short(min(self.these) / min(self.those)),
            f"{self.goal or ''}{verdict}",
        )
        return f"| {' | '.join(cells)} |"


def table(head: Sequence[str], rows: Iterable[Sequence[str]]) -> str:
    """In Markdown."""
    lines = [head, ["---"] * len(head), *rows]
    return "\n".join(f"| {' | '.join(cells)} |" for cells in lines)


def short(value: float) -> str:
    return f"{value:,.0f}" if value >= 100 else f"{value:.3g}" if value >= 10 else f"{value:.2f}"
