"""What a page costs by how deep it lies, and by how much there is."""

import statistics
from collections.abc import Iterator, Mapping, Sequence

from tests.bench import seeds
from tests.bench.kinds import LIMIT
from tests.bench.measure import Goal, Row
from tests.bench.people import People
from tests.bench.plot import Axis, Points, chart
from tests.bench.stage import TYPICAL, Stage
from tests.bench.turns import Turn, Way, turns

CONNECTIONS = 2
COUNT = 100
SLOW_COUNT = 8
"""Requests in a turn of the typical service, which takes some hundred times as long."""

ALIKE = Goal(1.1, at_most=True)
ALIKE_BY_SIZE = Goal(1.05, at_most=True)

COST = Axis("milliseconds of the processor, service and database")

Found = Mapping[tuple[str, int], Sequence[Turn]]


async def by_depth(made: Stage, rounds: int) -> tuple[Sequence[Row], str]:
    """The talker's longest session; ours by offset, which is a range, and by `after`."""
    last = made.sizes.long - LIMIT
    depths = [0, *(10**power for power in range(2, 6) if 10**power < last), last]
    ways = {
        (title, depth): way(made.sides[side], made.sizes.long, f"limit={LIMIT}&{at}={depth}")
        for title, side, at in (
            ("offset on PostgreSQL, a range", "PostgreSQL", "offset"),
            ("after on PostgreSQL, a cursor", "PostgreSQL", "after"),
            ("offset on SQLite, a range", "SQLite", "offset"),
            ("typical on PostgreSQL, OFFSET and count(*)", TYPICAL[0], "offset"),
        )
        for depth in depths
    }
    found = await turns(ways, rounds)
    svg = chart(
        f"A page of {LIMIT} by its depth",
        Axis("messages before the page, and one"),
        COST,
        _series(found, shift=1),
    )
    title = f"last page of {made.sizes.long:,} messages : the first"
    return list(_rows(found, title, last, 0, ALIKE)), svg


async def by_size(made: Stage, rounds: int) -> tuple[Sequence[Row], str]:
    """The first ten messages of sessions that have ten and more."""
    ways = {
        (title, size): way(made.sides[side], size, f"limit={seeds.FEW}")
        for title, side in (
            ("PostgreSQL", "PostgreSQL"),
            ("SQLite", "SQLite"),
            ("typical on PostgreSQL, with count(*)", TYPICAL[0]),
        )
        for size in seeds.talks(made.sizes)
    }
    found = await turns(ways, rounds)
    svg = chart(
        f"A page of {seeds.FEW} by the size of the session",
        Axis("messages in the session"),
        COST,
        _series(found),
    )
    much = max(size for size in seeds.talks(made.sizes) if size < made.sizes.long)
    title = f"page of {seeds.FEW} at {much:,} messages : at {seeds.FEW}"
    return list(_rows(found, title, much, seeds.FEW, ALIKE_BY_SIZE)), svg


def way(people: People, size: int, query: str) -> Way:
    path = f"/sessions/{seeds.talk(size)}/messages?{query}"
    requests = [people.get(seeds.TALKER, path)] * CONNECTIONS
    count = SLOW_COUNT if people.service.name in TYPICAL else COUNT
    return Way(people.service, requests, 200, count, CONNECTIONS)


def _rows(found: Found, what: str, this: int, that: int, goal: Goal) -> Iterator[Row]:
    for title in dict.fromkeys(title for title, _ in found):
        these, those = found[title, this], found[title, that]
        typical = title.startswith("typical")
        database = "SQLite" if "SQLite" in title else "PostgreSQL"
        yield Row(
            database,
            f"{what}, {title}",
            "CPU ms, with the database's",
            list(map(_both, these)),
            list(map(_both, those)),
            None if typical else goal,
        )


def _both(turn: Turn) -> float:
    return turn.own + turn.server


def _series(found: Found, shift: int = 0) -> dict[str, Points]:
    series: dict[str, list[tuple[float, float]]] = {}
    for (title, number), taken in found.items():
        cost = statistics.median(map(_both, taken))
        series.setdefault(title, []).append((number + shift, cost))
    return dict(series)
