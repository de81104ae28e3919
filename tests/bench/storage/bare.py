"""An append by the driver alone: what the repository's is held against."""

import sqlite3
from collections.abc import AsyncIterator, Awaitable, Callable, Iterator
from contextlib import asynccontextmanager, closing, contextmanager
from pathlib import Path
from uuid import UUID, uuid4

import asyncpg

from adapters.sql import SqlStorage
from adapters.sql.postgresql.engine import Dialect
from adapters.sql.postgresql.writes import APPEND
from adapters.sql.schema import microseconds
from domain.message import NewMessage, Role
from domain.owner import Owner
from domain.session import NewSession, Session
from tests.bench.measure import Act
from tests.clock import START

WRITER = Owner("https://issuer.example", "writer")
SAID = NewMessage(Role.USER, "It is all about the same length. " * 9)
NOW = microseconds(START)

PRAGMAS = ("journal_mode=WAL", "synchronous=FULL", "foreign_keys=ON")
START_SESSION = "INSERT INTO sessions VALUES (?, ?, NULL, '{}', ?, ?, 0)"
RESERVE_ORDERS = """\
UPDATE sessions SET message_count = message_count + 1, last_updated = max(?, last_updated + 1)
WHERE owner = ? AND id = ? RETURNING message_count, last_updated"""
ADD_MESSAGE = "INSERT INTO messages VALUES (?, ?, ?, ?, ?, ?, ?, ?)"

Start = Callable[[], Awaitable[Act]]
"""Begins a session, and gives what appends to it."""


async def started(storage: SqlStorage) -> UUID:
    session = Session.started(uuid4(), WRITER, START, NewSession())
    await storage.sessions.add(session, ())
    return session.id


def by_repository(storage: SqlStorage, size: int = 1) -> Start:
    async def start() -> Act:
        session_id = await started(storage)
        return lambda _: storage.messages.append(
            WRITER, session_id, {uuid4(): SAID for _ in range(size)}, START
        )

    return start


@asynccontextmanager
async def by_asyncpg(url: str, storage: SqlStorage, connections: int) -> AsyncIterator[Start]:
    """The repository's own statement; each caller has a connection."""
    compiled = APPEND.compile(dialect=Dialect())  # type: ignore[attr-defined, no-untyped-call]
    sql, names = str(compiled), compiled.positiontup
    pool = [await asyncpg.connect(url) for _ in range(connections)]

    async def start() -> Act:
        same = {
            **compiled.params,
            "owner_": WRITER.key,
            "session_": await started(storage),
            "how_many": 1,
            "now_": NOW,
            "roles": [SAID.role],
            "contents": [SAID.content],
            "metadatas": [SAID.metadata.json],
        }

        async def append(caller: int) -> None:
            values = {**same, "ids": [uuid4()]}
            await pool[caller].fetchrow(sql, *(values[name] for name in names))

        return append

    yield start
    for connection in pool:
        await connection.close()


@contextmanager
def by_sqlite3(path: Path) -> Iterator[Start]:
    """On the thread that calls. The file is another than the repository's, since one connection
    alone may write to a file."""
    with closing(sqlite3.connect(path, isolation_level=None)) as connection:
        for pragma in PRAGMAS:
            connection.execute(f"PRAGMA {pragma}")
        owner = WRITER.key.bytes

        async def start() -> Act:
            session = uuid4().bytes
            connection.execute(START_SESSION, (owner, session, NOW, NOW))

            async def append(_: int) -> None:
                connection.execute("BEGIN IMMEDIATE")
                raised = connection.execute(RESERVE_ORDERS, (NOW, owner, session))
                order, time = raised.fetchone()
                said = (SAID.role, SAID.content, SAID.metadata.json)
                row = (owner, session, order, uuid4().bytes, *said, time)
                connection.execute(ADD_MESSAGE, row)
                connection.execute("COMMIT")

            return append

        yield start
