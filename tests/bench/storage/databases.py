"""The databases that are measured: both on disk, with every commit synced."""

import asyncio
from collections.abc import AsyncIterator, Callable, Iterator, Mapping
from contextlib import asynccontextmanager, contextmanager
from dataclasses import dataclass
from pathlib import Path

from adapters.sql import SqlStorage
from adapters.sql.database import Database
from adapters.sql.postgresql import PostgresqlDatabase, PostgresqlOptions
from adapters.sql.sqlite import SqliteDatabase
from tests.bench.storage import seeds
from tests.postgresql import PostgresqlServer


@dataclass(frozen=True, slots=True)
class Filled:
    """A database with much in it."""

    name: str
    database: Database
    storage: SqlStorage
    server_seconds: Callable[[], float]
    """The processor's time that a server has taken."""
    measures: Mapping[str, str]
    """What of a Timing to show, and its unit."""


@contextmanager
def postgresql() -> Iterator[PostgresqlServer]:
    """A server with its settings as they come."""
    server = PostgresqlServer()
    try:
        yield server
    finally:
        server.stop()
        server.remove()


@asynccontextmanager
async def opened(database: Database) -> AsyncIterator[SqlStorage]:
    storage = SqlStorage(database)
    await storage.migrate()
    await storage.open()
    try:
        yield storage
    finally:
        await storage.close()


@asynccontextmanager
async def filled_sqlite(path: Path) -> AsyncIterator[Filled]:
    database = SqliteDatabase(path)
    await database.migrate()
    seeds.fill_sqlite(path)
    async with opened(database) as storage:
        yield Filled("SQLite", database, storage, lambda: 0, {"own": "CPU ms"})


@asynccontextmanager
async def filled_postgresql(server: PostgresqlServer) -> AsyncIterator[Filled]:
    database = PostgresqlDatabase(PostgresqlOptions(url=server.new_database("filled")))
    await database.migrate()
    await asyncio.to_thread(seeds.fill_postgresql, server, "filled")
    async with opened(database) as storage:
        pids = server.execute("SELECT pid FROM pg_stat_activity WHERE datname = 'filled'").split()
        measures = {"wall": "ms", "server": "server's CPU ms"}
        yield Filled("PostgreSQL", database, storage, lambda: _seconds(pids), measures)


def _seconds(pids: list[str]) -> float:
    """By the scheduler's count, which has nanoseconds (Linux's sched-stats.rst)."""
    counts = (Path(f"/proc/{pid}/schedstat").read_text(encoding="ascii") for pid in pids)
    return sum(int(count.split()[0]) for count in counts) / 1e9
