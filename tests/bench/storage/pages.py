"""What a page costs by how deep it lies and by how much there is."""

from collections.abc import Awaitable, Callable, Sequence
from dataclasses import dataclass, replace
from uuid import UUID

from sqlalchemy import select

from adapters.sql.schema import messages
from domain.owner import Owner
from domain.page import Cursor, MessagePageRequest, SessionPageRequest, Side, SortOrder
from tests.bench.measure import Act, Goal, Row, Timing, alternated, timed
from tests.bench.storage import seeds
from tests.bench.storage.databases import Filled

LIMIT = 50
STEPS = 10
DEPTH = 90_000

ROUNDS = 15
CALLS = 40
SLOW_ROUNDS = 7

ALIKE = Goal(1.2, at_most=True)
ALIKE_WITH_TOTAL = Goal(1.1, at_most=True)

LAST = MessagePageRequest(limit=LIMIT, offset=seeds.MESSAGES - LIMIT)
FIRST = MessagePageRequest(limit=LIMIT, offset=0)
FIRST_SESSIONS = SessionPageRequest(limit=LIMIT)


@dataclass(frozen=True, slots=True)
class Pair:
    what: str
    this: Act
    that: Act
    goal: Goal | None = None
    rounds: int = ROUNDS
    calls: int = CALLS


async def rows(filled: Filled) -> Sequence[Row]:
    pairs = [*_of_messages(filled), *await _of_sessions(filled)]
    return [row for pair in pairs for row in await _compared(filled, pair)]


def _of_messages(filled: Filled) -> Sequence[Pair]:
    def page(request: MessagePageRequest, session_id: UUID = seeds.LONG) -> Act:
        return lambda _: filled.storage.messages.page(seeds.TALKER, session_id, request)

    def newest(request: MessagePageRequest) -> Act:
        return page(replace(request, sort_order=SortOrder.DESC))

    total = f"{seeds.MESSAGES:,} messages"
    return [
        Pair(f"last page of {total} : the first", page(LAST), page(FIRST), ALIKE),
        Pair(f"last page of {total} : the first, newest first", newest(LAST), newest(FIRST), ALIKE),
        Pair(
            f"first page of {total}, with the total : of {seeds.FEW_MESSAGES}",
            page(FIRST),
            page(FIRST, seeds.SHORT),
            ALIKE_WITH_TOTAL,
        ),
        Pair(
            f"last page of {total} by SQL's `OFFSET` : the first",
            _by_sql_offset(filled, LAST.start),
            page(FIRST),
            rounds=SLOW_ROUNDS,
            calls=2,
        ),
    ]


def _by_sql_offset(filled: Filled, offset: int) -> Act:
    """What one writes without thinking."""
    statement = (
        select(messages)
        .where(messages.c.owner == seeds.TALKER.key, messages.c.session_id == seeds.LONG)
        .order_by(messages.c.message_order)
        .limit(LIMIT)
        .offset(offset)
    )
    return lambda _: filled.database.read(statement, {})


async def _of_sessions(filled: Filled) -> Sequence[Pair]:
    repository = filled.storage.sessions

    def first(owner: Owner) -> Act:
        return lambda _: repository.page(owner, FIRST_SESSIONS)

    def by_cursor(cursor: Cursor | None) -> Act:
        async def walk(_: int) -> None:
            request = replace(FIRST_SESSIONS, cursor=cursor)
            for _step in range(STEPS):
                page = await repository.page(seeds.MANY, request)
                request = replace(request, cursor=request.cursors(page)[1])

        return walk

    async def by_offset(_: int) -> None:
        for step in range(STEPS):
            request = replace(FIRST_SESSIONS, offset=DEPTH + step * LIMIT)
            await repository.page(seeds.MANY, request)

    before = replace(FIRST_SESSIONS, offset=DEPTH - LIMIT)
    deep = before.cursors(await repository.page(seeds.MANY, before))[1]
    start = Cursor(sort_by=before.sort_by, sort_order=before.sort_order, side=Side.AFTER, key=None)
    steps = f"{STEPS} pages after {DEPTH:,} of {seeds.SESSIONS:,} sessions"
    return [
        Pair(
            f"first page of {seeds.SESSIONS:,} sessions : of {seeds.FEW_SESSIONS}",
            first(seeds.MANY),
            first(seeds.FEW),
            ALIKE,
        ),
        Pair(
            f"{steps} : the first {STEPS}, by cursor",
            by_cursor(deep),
            by_cursor(start),
            ALIKE,
            calls=CALLS // STEPS,
        ),
        Pair(
            f"{steps} by offset : the first {STEPS} by cursor",
            by_offset,
            by_cursor(start),
            rounds=SLOW_ROUNDS,
            calls=1,
        ),
    ]


async def _compared(filled: Filled, pair: Pair) -> Sequence[Row]:
    def way(act: Act) -> Callable[[], Awaitable[Timing]]:
        return lambda: timed(act, pair.calls, filled.server_seconds)

    found = await alternated({"this": way(pair.this), "that": way(pair.that)}, pair.rounds)
    return [
        Row(
            filled.name,
            pair.what,
            unit,
            [getattr(timing, measure) for timing in found["this"]],
            [getattr(timing, measure) for timing in found["that"]],
            pair.goal,
        )
        for measure, unit in filled.measures.items()
    ]
