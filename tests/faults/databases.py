"""The databases that the faults are tried on. A new one is one line here."""

import sqlite3
from abc import abstractmethod
from collections.abc import Callable
from contextlib import closing
from dataclasses import dataclass
from functools import cache
from itertools import count
from pathlib import Path
from typing import Protocol

from adapters.sql import SqlStorage
from adapters.sql.postgresql import PostgresqlDatabase, upgrade
from adapters.sql.sqlite import SqliteDatabase
from application.ports.storage import Storage
from tests.databases import finish, patient
from tests.postgresql import PostgresqlServer


class Database(Protocol):
    @property
    @abstractmethod
    def name(self) -> str: ...

    @property
    @abstractmethod
    def url(self) -> str: ...

    @property
    @abstractmethod
    def processes(self) -> int:
        """How many service processes a test that wants two may start."""

    @abstractmethod
    def seen(self, query: str) -> list[str]:
        """The one column of what another connection sees, opened now."""

    @abstractmethod
    def open_transactions(self) -> int:
        """How many were begun and neither committed nor undone."""

    @abstractmethod
    def storage(self) -> Storage: ...


@dataclass(frozen=True)
class Sqlite(Database):
    path: Path
    name = "sqlite"
    processes = 1

    @property
    def url(self) -> str:
        return f"sqlite:///{self.path}"

    def seen(self, query: str) -> list[str]:
        with closing(sqlite3.connect(self.path)) as connection:
            return [str(row[0]) for row in connection.execute(query)]

    def open_transactions(self) -> int:
        with closing(sqlite3.connect(self.path, timeout=0, isolation_level=None)) as connection:
            try:
                connection.execute("BEGIN IMMEDIATE")
            except sqlite3.OperationalError:
                return 1
        return 0

    def storage(self) -> Storage:
        return SqlStorage(SqliteDatabase(self.path))


@dataclass(frozen=True)
class Postgresql(Database):
    server: PostgresqlServer
    database: str
    name = "postgresql"
    processes = 2

    @property
    def url(self) -> str:
        return self.server.url(self.database)

    def seen(self, query: str) -> list[str]:
        return self.server.execute(query, self.database).splitlines()

    def open_transactions(self) -> int:
        # Of its clients; what PostgreSQL runs for itself has no state.
        query = "SELECT pid FROM pg_stat_activity WHERE datname = current_database()"
        return len(self.seen(f"{query} AND state LIKE 'idle in transaction%'"))

    def storage(self) -> Storage:
        return SqlStorage(PostgresqlDatabase(patient(self.url)))


@cache
def server() -> PostgresqlServer:
    """One whose commits are durable; tests kill it, and start it again."""
    return PostgresqlServer()


@cache
def template() -> str:
    """A database with the schema and nothing else."""
    finish(upgrade.migrate(patient(server().new_database("template"))))
    return "template"


_NUMBERS = count()


def sqlite(folder: Path) -> Sqlite:
    return Sqlite(folder / "chat.db")


def postgresql(_: Path) -> Postgresql:
    database = Postgresql(server(), f"faults{next(_NUMBERS)}")
    server().new_database(database.database, template())
    return database


DATABASES: dict[str, Callable[[Path], Database]] = {"sqlite": sqlite, "postgresql": postgresql}
"""Each makes a new, empty database of its own."""
