"""What a page costs by how deep it lies, and by how much there is."""

from collections.abc import Iterator, Sequence

from tests.bench import seeds
from tests.bench.kinds import LIMIT
from tests.bench.measure import Goal, Row
from tests.bench.people import People
from tests.bench.stage import OURS, POSTGRESQL, SQLITE, TYPICAL, Side, Stage
from tests.bench.turns import Turn, Way, turns

CONNECTIONS = 2
COUNT = 100
SLOW_COUNT = 8
"""Requests in a turn of the typical service, which takes some hundred times as long."""

ALIKE = Goal(1.1, at_most=True)
ALIKE_BY_SIZE = Goal(1.05, at_most=True)
ABOUT_ALIKE = Goal(1.2, at_most=True)
UNIT = "CPU ms, with the database's"

SIDES: Sequence[tuple[Side, str]] = (
    ((OURS, POSTGRESQL), "offset"),
    ((OURS, POSTGRESQL), "after"),
    ((OURS, SQLITE), "offset"),
    ((TYPICAL, POSTGRESQL), "offset"),
)


async def rows(made: Stage, rounds: int) -> Sequence[Row]:
    """The last page of the longest session beside its first and beside that of one from which
    messages were removed, and the first messages of a long session beside those of a short one."""
    long, last = made.sizes.long, made.sizes.long - LIMIT
    worn = long + seeds.REMOVED
    much = max(size for size in seeds.talks(made.sizes) if size < long)
    for side in {side for side, _ in SIDES if side[0] == OURS}:
        _remove(made.sides[side], worn)
    ways = {
        (at, *side, kind): way(made.sides[side], size, query, _count(side))
        for side, at in SIDES
        for kind, size, query in (
            ("deep", long, f"limit={LIMIT}&{at}={last}"),
            ("first", long, f"limit={LIMIT}&{at}=0"),
            *(
                [("worn", worn, f"limit={LIMIT}&{at}={last if at == 'offset' else worn - LIMIT}")]
                if side[0] == OURS
                else []
            ),
            *(
                (("much", much, f"limit={seeds.FEW}"), ("few", seeds.FEW, f"limit={seeds.FEW}"))
                if at == "offset"
                else ()
            ),
        )
    }
    found = await turns(ways, rounds)

    def compared(what: str, this: str, that: str, goal: Goal) -> Iterator[Row]:
        for (name, database), at in SIDES:
            if (at, name, database, this) in found:
                these, those = (
                    [_both(turn) for turn in found[at, name, database, kind]]
                    for kind in (this, that)
                )
                aimed = goal if name == OURS else None
                yield Row(database, f"{what}, {name}, {at}", these, those, aimed, UNIT)

    return [
        *compared(f"last page of {long:,} messages : the first", "deep", "first", ALIKE),
        *compared(
            f"last page of {long:,} messages, {seeds.REMOVED} more removed : none",
            "worn",
            "deep",
            ABOUT_ALIKE,
        ),
        *compared(
            f"page of {seeds.FEW} at {much:,} messages : at {seeds.FEW}",
            "much",
            "few",
            ALIKE_BY_SIZE,
        ),
    ]


def way(people: People, size: int, query: str, count: int = COUNT) -> Way:
    path = f"/sessions/{seeds.talk(size)}/messages?{query}"
    requests = [people.get(seeds.TALKER, path)] * CONNECTIONS
    return Way(people.service, requests, 200, count, CONNECTIONS)


def _remove(people: People, size: int) -> None:
    """All over the session, but for its end."""
    path = f"/sessions/{seeds.talk(size)}/messages"
    for number in range(seeds.REMOVED):
        people.remove(seeds.TALKER, f"{path}/{1 + number * (size // seeds.REMOVED)}")


def _count(side: Side) -> int:
    return SLOW_COUNT if side[0] == TYPICAL else COUNT


def _both(turn: Turn) -> float:
    return turn.own + turn.server
