"""What the storage's promises of speed come to on this machine: `make bench-storage`."""

import asyncio
import os
import platform
import sqlite3
import tempfile
from collections.abc import AsyncIterator, Sequence
from importlib.metadata import version
from pathlib import Path

import uvloop

from tests.bench.measure import HEAD, Row
from tests.bench.storage import appends, choices, pages
from tests.bench.storage.databases import filled_postgresql, filled_sqlite, postgresql


async def measured(folder: Path) -> AsyncIterator[Sequence[Row]]:
    async with filled_sqlite(folder / "filled.db") as filled:
        yield await pages.rows(filled)
    yield await appends.rows_of_sqlite(folder)
    yield await choices.rows(folder)
    with postgresql() as server:
        async with filled_postgresql(server) as filled:
            yield await pages.rows(filled)
        yield await appends.rows_of_postgresql(server)
        print(f"\nPostgreSQL {server.execute('SHOW server_version')}", end=", ")


async def main() -> None:
    print(HEAD, flush=True)
    with tempfile.TemporaryDirectory() as folder:
        async for rows in measured(Path(folder)):
            print(*rows, sep="\n", flush=True)
    libraries = ", ".join(f"{name} {version(name)}" for name in ("SQLAlchemy", "asyncpg", "uvloop"))
    print(f"SQLite {sqlite3.sqlite_version}, {libraries}, Python {platform.python_version()}, ")
    print(f"{os.cpu_count()} processors")


if __name__ == "__main__":
    with asyncio.Runner(loop_factory=uvloop.new_event_loop) as runner:
        runner.run(main())
