"""What each kind of request costs: ours by the side of the bare work and of what is typical."""

import statistics
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from tests.bench import seeds
from tests.bench.kinds import KINDS, LIST, POLL, Kind, page_path, session_path
from tests.bench.measure import Goal, Row
from tests.bench.people import READERS, People
from tests.bench.stage import BARE, OURS, RAW, TYPICAL
from tests.bench.table import short
from tests.bench.turns import Turn, Way, percentile, turns

UNIT = "CPU ms"

NEAR_BARE = Goal(1.7, at_most=True)
NEAR_BARE_WRITE = Goal(2, at_most=True)
CHEAP_POLL = Goal(0.4, at_most=True)

Sides = Mapping[str, People]


@dataclass(frozen=True, slots=True)
class Found:
    """What all sides took for one kind of request, round by round."""

    kind: Kind
    turns: Mapping[str, Sequence[Turn]]

    def rows(self) -> Iterator[Row]:
        for name, bare in (("PostgreSQL", BARE), ("SQLite", RAW)):
            yield self.row(name, f"ours on {name}", bare, self._goal(name))
        for name, bare in zip(TYPICAL, (BARE, RAW), strict=True):
            if name in self.turns:
                yield self.row(name.removeprefix("typical "), name, bare, None, of=name)

    def row(self, name: str, title: str, against: str, goal: Goal | None, of: str = "") -> Row:
        return Row(
            name,
            f"{self.kind.name}, {title} : {against}",
            UNIT,
            [turn.own for turn in self.turns[of or name]],
            [turn.own for turn in self.turns[against]],
            goal,
        )

    def _goal(self, name: str) -> Goal | None:
        if name == "SQLite":
            return NEAR_BARE if self.kind is KINDS["page"] else None
        return NEAR_BARE_WRITE if self.kind.writes else NEAR_BARE

    def cells(self) -> Iterator[Sequence[str]]:
        """A line for each side: what it took of the processor, and its client by the clock."""
        for name, taken in self.turns.items():
            own = [turn.own for turn in taken]
            walls = [wall for turn in taken for wall in turn.walls]
            yield (
                self.kind.name,
                f"ours, {name}" if name in OURS else name,
                f"{short(statistics.median(own))} ({short(min(own))} - {short(max(own))})",
                short(statistics.median(turn.server for turn in taken)) if taken[0].server else "",
                short(percentile(walls, 50)),
                short(percentile(walls, 99)),
            )


SIDES_HEAD = ("request", "side", "CPU ms", "PostgreSQL's CPU ms", "p50 ms", "p99 ms")


async def compared(kind: Kind, sides: Sides, rounds: int) -> Found:
    """On SQLite the typical way's writes are left out: asked by several at once, it fails."""
    ways = {
        name: Way(people.service, kind.requests(people), kind.status, kind.count)
        for name, people in sides.items()
        if not (kind.writes and name == TYPICAL[1])
    }
    return Found(kind, await turns(ways, rounds))


async def polled(sides: Sides, rounds: int) -> tuple[Found, Sequence[Row]]:
    """A poll that finds nothing new by the side of the page."""
    page = KINDS["page"]
    ways = {
        name + of: Way(sides[name].service, kind.requests(sides[name]), kind.status, kind.count)
        for name in OURS
        for of, kind in (("", POLL), (" page", page))
    }
    found = Found(POLL, await turns(ways, rounds))
    rows = [found.row(name, "ours", f"{name} page", CHEAP_POLL) for name in OURS]
    return found, rows


def check_alike(sides: Sides) -> None:
    """That all sides on one kind of database answer alike: else their costs are not comparable."""
    for names in (("PostgreSQL", BARE, TYPICAL[0]), ("SQLite", RAW, TYPICAL[1])):
        answers = {name: _answers(sides[name]) for name in names}
        for name in names[1:]:
            if answers[name] != answers[names[0]]:
                raise RuntimeError(f"{name} answers otherwise than ours")


def _answers(people: People) -> list[Any]:
    """But for the cursors, which are ours alone to be typical of."""
    who = seeds.person(READERS[0])
    paths = {who: (page_path(people, who), session_path(people, who)), seeds.LISTER: (LIST,)}
    answers = [people.answer(who, path).json() for who, some in paths.items() for path in some]
    for answer in answers:
        for cursor in ("next_cursor", "previous_cursor"):
            answer.get("pagination", {}).pop(cursor, None)
    return answers
