"""What each kind of request costs: ours by the side of the bare work, of what is typical, and of
another checkout."""

import statistics
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from tests.bench import seeds
from tests.bench.kinds import KINDS, LIST, NATIVE, Kind, page_path, session_path
from tests.bench.measure import Goal, Row, short
from tests.bench.people import READERS, People
from tests.bench.stage import BARE, BASELINE, DATABASES, OURS, SQLITE, TYPICAL, Side
from tests.bench.turns import Turn, Way, percentile, turns

AS_BEFORE = {name: Goal(1.05, at_most=True) for name in ("page", "list", "append")}
ABOUT_AS_BEFORE = Goal(1.3, at_most=True)
"""Of all but pages and lists."""

CHEAP_POLL = Goal(0.4, at_most=True)
AS_AN_APPEND = Goal(1.5, at_most=True)
AS_NATIVELY = Goal(1.3, at_most=True)
BODIES = {("bodies", BARE): Goal(1.7, at_most=True)}

PAGE, POLL, PUT, APPEND = "page", "poll", "put", "append"
OWN = "by its own API"
COMPARED = (
    (OURS, BASELINE),
    (OURS, BARE),
    (TYPICAL, BARE),
    (OURS, f"{OURS}, {PAGE}"),
    (OURS, f"{OURS}, {APPEND}"),
    (OURS, f"{OURS}, {OWN}"),
)

SIDES_HEAD = ("request", "side", "CPU ms", "PostgreSQL's CPU ms", "p50 ms", "p99 ms")


@dataclass(frozen=True, slots=True)
class Found:
    """What all sides took for one kind of request, round by round."""

    name: str
    turns: Mapping[Side, Sequence[Turn]]

    @property
    def kind(self) -> Kind:
        return KINDS[self.name]

    def rows(self) -> Iterator[Row]:
        for this, that in COMPARED:
            for database in DATABASES:
                sides = (this, database), (that, database)
                if all(side in self.turns for side in sides):
                    these, those = ([turn.own for turn in self.turns[side]] for side in sides)
                    what = f"{self.kind.name}, {this} : {that}"
                    yield Row(database, what, these, those, self._goal(that))

    def _goal(self, that: str) -> Goal | None:
        if that == BASELINE:
            return AS_BEFORE.get(self.name, ABOUT_AS_BEFORE)
        if that.endswith(APPEND):
            return AS_AN_APPEND
        if that.endswith(OWN):
            return AS_NATIVELY
        return CHEAP_POLL if that.endswith(PAGE) else BODIES.get((self.name, that))

    def cells(self) -> Iterator[Sequence[str]]:
        """A line for each side: what it took of the processor, and its client by the clock."""
        for (name, database), taken in self.turns.items():
            own = [turn.own for turn in taken]
            walls = [wall for turn in taken for wall in turn.walls]
            yield (
                self.kind.name,
                f"{name}, {database}",
                f"{short(statistics.median(own))} ({short(min(own))} - {short(max(own))})",
                short(statistics.median(turn.server for turn in taken)) if taken[0].server else "",
                short(percentile(walls, 50)),
                short(percentile(walls, 99)),
            )


async def compared(name: str, sides: Mapping[Side, People], rounds: int) -> Found:
    return Found(name, await turns(dict(_ways(name, sides)), rounds))


def _ways(name: str, sides: Mapping[Side, People]) -> Iterator[tuple[Side, Way]]:
    """On SQLite the typical service's writes are left out: asked by several at once, it fails.
    ETags are ours alone, so what a poll is held against is a page."""
    for side, people in sides.items():
        if name in {POLL, PUT, *NATIVE} and side[0] in {BARE, TYPICAL}:
            continue
        if KINDS[name].ours_alone and side[0] in {BASELINE, TYPICAL}:
            continue
        if KINDS[name].writes and side == (TYPICAL, SQLITE):
            continue
        yield side, _way(KINDS[name], people)
        if name == POLL and side[0] == OURS:
            yield (f"{OURS}, {PAGE}", side[1]), _way(KINDS[PAGE], people)
        if name == PUT and side[0] == OURS:
            yield (f"{OURS}, {APPEND}", side[1]), _way(KINDS[APPEND], people)
        if name in NATIVE and side[0] == OURS:
            yield (f"{OURS}, {OWN}", side[1]), _way(NATIVE[name], people)


def _way(kind: Kind, people: People) -> Way:
    return Way(people.service, kind.requests(people), kind.status, kind.count)


def check_alike(sides: Mapping[Side, People]) -> None:
    """That all sides on one kind of database answer alike: else their costs are not comparable."""
    for (name, database), people in sides.items():
        if _answers(people) != _answers(sides[OURS, database]):
            raise RuntimeError(f"{name} on {database} answers otherwise than ours")


def _answers(people: People) -> list[Any]:
    """But for what ours alone has, and the ids, which each database has of its own."""
    who = seeds.person(READERS[0])
    paths = {who: (page_path(people, who), session_path(people, who)), seeds.LISTER: (LIST,)}
    answers = [people.answer(who, path).json() for who, some in paths.items() for path in some]
    return [_comparable(answer) for answer in answers]


NEW = {"external_id", "archived", "pinned", "name", "format", "body", "edited_at"}
"""What a release before lacks."""


def _comparable(value: Any) -> Any:
    if isinstance(value, list):
        return list(map(_comparable, value))
    if isinstance(value, dict):
        left_out = {"id", "session_id", "next_cursor", "previous_cursor", *NEW}
        return {name: _comparable(member) for name, member in value.items() if name not in left_out}
    return value
