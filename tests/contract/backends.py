"""Every storage that keeps the contract. A new one is one line here."""

from collections.abc import Callable
from pathlib import Path

from adapters.memory import MemoryStorage
from adapters.sql import SqlStorage
from adapters.sql.postgresql import PostgresqlDatabase
from adapters.sql.sqlite import SqliteDatabase
from application.ports.storage import Storage
from tests.databases import database_file, empty_database, patient


def postgresql(url: str) -> SqlStorage:
    return SqlStorage(PostgresqlDatabase(patient(url)))


BACKENDS: dict[str, Callable[[Path], Storage]] = {
    "memory": lambda _: MemoryStorage(),
    "sqlite": lambda folder: SqlStorage(SqliteDatabase(database_file(folder))),
    "postgresql": lambda _: postgresql(empty_database("plain")),
    "postgresql-partitioned": lambda _: postgresql(empty_database("partitioned")),
}
