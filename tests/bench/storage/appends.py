"""What an append costs through the repository by the side of the bare driver, and a batch by the
side of single messages."""

from collections.abc import Awaitable, Callable, Mapping, Sequence
from pathlib import Path

from adapters.sql import SqlStorage
from adapters.sql.postgresql import PostgresqlDatabase, PostgresqlOptions
from adapters.sql.sqlite import SqliteDatabase
from domain.message import BATCH_MAX
from tests.bench.measure import Goal, Rate, Row, alternated, rate
from tests.bench.storage.bare import Start, by_asyncpg, by_repository, by_sqlite3, started
from tests.bench.storage.databases import opened
from tests.postgresql import PostgresqlServer

CALLERS = 16
CALLS = 160
CALLS_OF_ONE = 60
BATCHES = 10
ROUNDS = 31

NEAR_BARE = Goal(0.7, at_most=False)
CHEAPER = Goal(13, at_most=False)


async def rows_of_sqlite(folder: Path) -> Sequence[Row]:
    path = folder / "bare.db"
    async with opened(SqliteDatabase(path)) as storage:
        await started(storage)
    async with opened(SqliteDatabase(folder / "appends.db")) as storage:
        with by_sqlite3(path) as bare:
            return await _rows("SQLite", storage, bare)


async def rows_of_postgresql(server: PostgresqlServer) -> Sequence[Row]:
    url = server.new_database("appends")
    options = PostgresqlOptions(url=url, pool_size=CALLERS, pool_overflow=0)
    async with (
        opened(PostgresqlDatabase(options)) as storage,
        by_asyncpg(url, storage, CALLERS) as bare,
    ):
        return await _rows("PostgreSQL", storage, bare)


async def _rates(
    starts: Mapping[str, Start], callers: int, calls: Mapping[str, int]
) -> Mapping[str, Sequence[Rate]]:
    """Round by round, each time to a new session."""

    def way(name: str) -> Callable[[], Awaitable[Rate]]:
        async def taken() -> Rate:
            return await rate(await starts[name](), callers, calls[name])

        return taken

    return await alternated({name: way(name) for name in starts}, ROUNDS)


async def _rows(database: str, storage: SqlStorage, bare: Start) -> Sequence[Row]:
    ours = by_repository(storage)
    rows = []
    for callers, calls in ((CALLERS, CALLS), (1, CALLS_OF_ONE)):
        found = await _rates({"ours": ours, "bare": bare}, callers, {"ours": calls, "bare": calls})
        who = f"{callers} callers append" if callers > 1 else "1 caller appends"
        what = f"{who} to one session: repository : bare driver"
        for measure, unit, goal in (("calls", "messages/s", NEAR_BARE), ("own", "CPU ms", None)):
            these, those = ([getattr(one, measure) for one in side] for side in found.values())
            rows.append(Row(database, what, unit, these, those, goal))
    batches = {"batches": by_repository(storage, BATCH_MAX), "singles": ours}
    found = await _rates(batches, 1, {"batches": BATCHES, "singles": CALLS_OF_ONE})
    in_batches = [one.calls * BATCH_MAX for one in found["batches"]]
    singly = [one.calls for one in found["singles"]]
    what = f"1 caller appends: batches of {BATCH_MAX} : one by one"
    return [*rows, Row(database, what, "messages/s", in_batches, singly, CHEAPER)]
