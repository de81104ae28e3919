"""What two choices for SQLite gain: writes that share a commit, and reads in the event loop."""

import asyncio
from collections.abc import Awaitable, Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from uuid import uuid4

import pytest
from sqlalchemy import Executable

from adapters.sql import SqlStorage
from adapters.sql.database import Rows, Values
from adapters.sql.sqlite import SqliteDatabase, writer
from domain.page import MessagePageRequest
from tests.bench.measure import Act, Row, alternated, rate
from tests.bench.storage.bare import SAID, WRITER, by_repository, started
from tests.bench.storage.databases import opened
from tests.clock import START

CROWDS = (16, 64)
APPENDS = 256
READERS = (1, 16)
READS = 96
MESSAGES = 50
ROUNDS = 21


class EitherDatabase(SqliteDatabase):
    """Reads in the event loop, or on a thread that does nothing else."""

    def __init__(self, path: Path, thread: ThreadPoolExecutor) -> None:
        super().__init__(path)
        self.on_thread = False
        self._thread = thread

    async def read(self, statement: Executable, parameters: Values) -> Rows:
        if not self.on_thread:
            return await super().read(statement, parameters)
        reading = self._connections().reading
        return await asyncio.get_running_loop().run_in_executor(
            self._thread, reading.rows, statement, parameters
        )


async def rows(folder: Path) -> Sequence[Row]:
    with ThreadPoolExecutor(1) as thread:
        database = EitherDatabase(folder / "choices.db", thread)
        async with opened(database) as storage:
            return [*await _of_grouping(storage), *await _of_reading(database, storage)]


async def _of_grouping(storage: SqlStorage) -> Sequence[Row]:
    def way(group_max: int, callers: int) -> Callable[[], Awaitable[float]]:
        async def taken() -> float:
            with pytest.MonkeyPatch.context() as patch:
                patch.setattr(writer, "GROUP_MAX", group_max)
                return (await rate(await start(), callers, APPENDS)).calls

        return taken

    start = by_repository(storage)
    together, rows = writer.GROUP_MAX, []
    for callers in CROWDS:
        ways = {"together": way(together, callers), "alone": way(1, callers)}
        found = await alternated(ways, ROUNDS)
        what = f"{callers} callers append to one session: {together} to a commit : 1"
        rows.append(Row("SQLite", what, "messages/s", found["together"], found["alone"]))
    return rows


async def _of_reading(database: EitherDatabase, storage: SqlStorage) -> Sequence[Row]:
    session_id = await started(storage)
    for _ in range(MESSAGES):
        await storage.messages.append(WRITER, session_id, {uuid4(): SAID}, START)
    request = MessagePageRequest(limit=MESSAGES)
    reads: dict[str, Act] = {
        "a session": lambda _: storage.sessions.get(WRITER, session_id),
        f"a page of {MESSAGES} messages": lambda _: storage.messages.page(
            WRITER, session_id, request
        ),
    }

    def way(read: Act, callers: int, *, on_thread: bool) -> Callable[[], Awaitable[float]]:
        async def taken() -> float:
            database.on_thread = on_thread
            return (await rate(read, callers, READS)).calls

        return taken

    rows = []
    for what, read in reads.items():
        for callers in READERS:
            ways = {
                "loop": way(read, callers, on_thread=False),
                "thread": way(read, callers, on_thread=True),
            }
            found = await alternated(ways, ROUNDS)
            who = f"{callers} callers read" if callers > 1 else "1 caller reads"
            title = f"{who} {what}: in the event loop : on a thread"
            rows.append(Row("SQLite", title, "reads/s", found["loop"], found["thread"]))
    return rows
