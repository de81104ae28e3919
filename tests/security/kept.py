"""Storages, and all that is in them: two looks are equal only if nothing was written between."""

import sqlite3
from abc import ABC, abstractmethod
from collections.abc import AsyncIterator, Callable
from contextlib import AbstractAsyncContextManager, asynccontextmanager, closing
from dataclasses import dataclass
from pathlib import Path

import asyncpg

from adapters.memory import MemoryStorage
from adapters.sql import SqlStorage
from adapters.sql.postgresql import PostgresqlDatabase
from adapters.sql.sqlite import SqliteDatabase
from application.ports.storage import Storage
from tests.databases import database_file, empty_database, patient

_TABLES = (
    "SELECT relname FROM pg_class WHERE relkind = 'r' AND relnamespace = 'public'::regnamespace"
)
_ROWS = "SELECT '{0}', xmin::text, ctid::text, t::text FROM {0} t"
"""With the transaction that wrote each row, and where: a change that changes nothing is one too."""


@dataclass(frozen=True)
class Kept(ABC):
    name: str
    storage: Storage

    @abstractmethod
    async def contents(self) -> str:
        """Every byte of every row."""


@dataclass(frozen=True)
class InMemory(Kept):
    storage: MemoryStorage

    async def contents(self) -> str:
        return repr(self.storage._data)  # noqa: SLF001 - all of it, whatever the ports show


@dataclass(frozen=True)
class InSqlite(Kept):
    connection: sqlite3.Connection

    async def contents(self) -> str:
        return "\n".join(self.connection.iterdump())


@dataclass(frozen=True)
class InPostgresql(Kept):
    connection: asyncpg.Connection

    async def contents(self) -> str:
        tables = sorted(row[0] for row in await self.connection.fetch(_TABLES))
        rows = await self.connection.fetch(" UNION ALL ".join(map(_ROWS.format, tables)))
        return "\n".join(sorted(map(repr, rows)))


@asynccontextmanager
async def memory(_: Path) -> AsyncIterator[Kept]:
    yield InMemory("memory", MemoryStorage())


@asynccontextmanager
async def sqlite(folder: Path) -> AsyncIterator[Kept]:
    path = database_file(folder)
    with closing(sqlite3.connect(path)) as connection:
        yield InSqlite("sqlite", SqlStorage(SqliteDatabase(path)), connection)


@asynccontextmanager
async def postgresql(_: Path) -> AsyncIterator[Kept]:
    url = empty_database("plain")
    connection = await asyncpg.connect(url)
    try:
        storage = SqlStorage(PostgresqlDatabase(patient(url)))
        yield InPostgresql("postgresql", storage, connection)
    finally:
        await connection.close()


KEPT: dict[str, Callable[[Path], AbstractAsyncContextManager[Kept]]] = {
    kind.__name__: kind for kind in (memory, sqlite, postgresql)
}
"""Each makes a new, empty one."""
