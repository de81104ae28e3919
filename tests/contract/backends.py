"""Every storage that keeps the contract. A new one is one line here."""

from collections.abc import Callable
from pathlib import Path

from adapters.memory import MemoryStorage
from adapters.sql import SqlStorage
from adapters.sql.postgresql import PostgresqlDatabase, PostgresqlOptions
from adapters.sql.sqlite import SqliteDatabase
from application.ports.storage import Storage
from tests.databases import empty_database


def patient(url: str) -> PostgresqlOptions:
    """On a machine that is busy with other tests everything may take its time."""
    return PostgresqlOptions(
        url=url,
        pool_wait=30,
        answer_timeout=30,
        connect_timeout=30,
        statement_timeout=20,
        lock_timeout=20,
        idle_in_transaction_timeout=30,
    )


def postgresql(url: str) -> SqlStorage:
    return SqlStorage(PostgresqlDatabase(patient(url)))


BACKENDS: dict[str, Callable[[Path], Storage]] = {
    "memory": lambda _: MemoryStorage(),
    "sqlite": lambda folder: SqlStorage(SqliteDatabase(folder / "chat.db")),
    "postgresql": lambda _: postgresql(empty_database("plain")),
    "postgresql-partitioned": lambda _: postgresql(empty_database("partitioned")),
}
