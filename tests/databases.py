"""Databases with a current schema: files, and some on the one PostgreSQL server of a run."""

import asyncio
from collections.abc import Callable, Coroutine
from concurrent.futures import ThreadPoolExecutor
from functools import cache, partial
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

from sqlalchemy import Connection, Index, MetaData, text
from sqlalchemy.util import greenlet_spawn

from adapters.sql.postgresql import PostgresqlOptions, upgrade
from adapters.sql.postgresql.engine import single_engine
from adapters.sql.schema import PARTIAL_INDEXES, REVISION, WORD_INDEXES, metadata
from adapters.sql.sqlite import SqliteDatabase
from tests.postgresql import FAST, PostgresqlServer

PARTITIONS = {"partitioned": 8, "in four parts": 4}


@cache
def server() -> PostgresqlServer:
    return PostgresqlServer(FAST)


def patient(url: str) -> PostgresqlOptions:
    """On a machine that is busy with other tests everything may take its time."""
    return PostgresqlOptions(
        url=url,
        pool_wait=30,
        answer_timeout=70,
        connect_timeout=30,
        statement_timeout=60,
        lock_timeout=20,
        idle_in_transaction_timeout=30,
    )


@cache
def migrated_database(schema: str) -> str:
    """The URL of a database with a current schema, `plain` or one of PARTITIONS: made once."""
    url = server().new_database(schema)
    options = patient(url)
    if schema == "plain":
        making = upgrade.migrate(options)
    else:
        making = in_transaction(options, partial(make_partitioned, PARTITIONS[schema]))
    finish(making)
    return url


def empty_database(schema: str) -> str:
    """The same, with nothing in it: whoever had it before is done with it."""
    url = migrated_database(schema)
    server().execute("DELETE FROM owners", schema)
    return url


@cache
def _migrated_file() -> bytes:
    """Return a SQLite database with a current schema and nothing in it: made once."""
    with TemporaryDirectory() as folder:
        path = Path(folder) / "chat.db"
        finish(SqliteDatabase(path).migrate())
        return path.read_bytes()


def database_file(folder: Path, name: str = "chat.db") -> Path:
    """Return the folder's SQLite database, which has a current schema: a tenth of what it takes to
    migrate."""
    path = folder / name
    if not path.exists():
        path.touch(0o600)
        path.write_bytes(_migrated_file())
    return path


def finish(work: Coroutine[Any, Any, None]) -> None:
    """Run it to its end, where a loop may run already."""
    with ThreadPoolExecutor(1) as elsewhere:
        elsewhere.submit(asyncio.run, work).result()


async def in_transaction(options: PostgresqlOptions, work: Callable[[Connection], None]) -> None:
    engine = single_engine(options)

    def transaction() -> None:
        with engine.begin() as connection:
            work(connection)

    await greenlet_spawn(transaction)
    await greenlet_spawn(engine.dispose)


def declared_schema(dialect: str) -> MetaData:
    """The tables as the statements see them, with all of their indexes on that database."""
    declared = MetaData(naming_convention=metadata.naming_convention)
    for table in metadata.sorted_tables:
        table.to_metadata(declared)
    for index in PARTIAL_INDEXES:
        table = declared.tables[index.table.name]
        Index(
            index.name,
            *[table.c[name] for name in index.columns],
            unique=index.unique,
            postgresql_where=index.condition,
            sqlite_where=index.condition,
        )
    for name, table in WORD_INDEXES.items() if dialect == "postgresql" else ():
        Index(
            name,
            declared.tables[table.name].c.words,
            postgresql_using="gin",
            postgresql_with={"gin_pending_list_limit": 256},
        )
    return declared


def make_partitioned(parts: int, connection: Connection) -> None:
    """The declared schema with every table hash-partitioned by its owner."""
    partitioned = declared_schema("postgresql")
    for table in partitioned.tables.values():
        table.dialect_options["postgresql"]["partition_by"] = "HASH (owner)"
    partitioned.create_all(connection)
    for name in partitioned.tables:
        for part in range(parts):
            connection.execute(
                text(
                    f"CREATE TABLE {name}_{part} PARTITION OF {name} "
                    f"FOR VALUES WITH (MODULUS {parts}, REMAINDER {part})"
                )
            )
    connection.execute(text("CREATE TABLE alembic_version (version_num VARCHAR(32) PRIMARY KEY)"))
    connection.execute(text("INSERT INTO alembic_version VALUES (:now)"), {"now": REVISION})
