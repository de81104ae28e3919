"""The schema of a PostgreSQL database: which one it has, and bringing it up to date."""

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import replace
from typing import TypeVar

from sqlalchemy import Connection, func, inspect, select
from sqlalchemy.exc import DBAPIError
from sqlalchemy.util import greenlet_spawn

from adapters.sql.postgresql.engine import set_limits, single_engine
from adapters.sql.postgresql.errors import connecting, translated
from adapters.sql.postgresql.options import PostgresqlOptions
from adapters.sql.schema import REVISION, is_complete
from adapters.sql.statements import GET_REVISION
from application.errors import StorageRefused, Unavailable

_LOCK = 0x63686174
"""The advisory lock of those who migrate: "chat"."""

T = TypeVar("T")


async def is_current(options: PostgresqlOptions) -> bool:
    """Whether the schema is this release's. Raises StorageRefused."""
    return await _once(options, lambda found: _revision(found) == REVISION and is_complete(found))


async def migrate(options: PostgresqlOptions) -> None:
    """In one transaction, one process at a time. Raises StorageRefused."""
    await _once(options, _migrate)


async def _once(options: PostgresqlOptions, work: Callable[[Connection], T]) -> T:
    unhurried = replace(options, statement_timeout=0, lock_timeout=0, idle_in_transaction_timeout=0)
    engine = single_engine(unhurried)

    def transaction() -> T:
        with connecting():
            connection = engine.connect()
        with connection, translated(), connection.begin():
            set_limits(connection, unhurried)  # a pooler passes the role's own on
            return work(connection)

    try:
        with refusing():
            return await greenlet_spawn(transaction)
    finally:
        await greenlet_spawn(engine.dispose)


@contextmanager
def refusing() -> Iterator[None]:
    """Raise StorageRefused for whatever the database or the way to it has against us."""
    try:
        yield
    except Unavailable as error:
        raise StorageRefused(f"cannot use the database: {error}") from error
    except DBAPIError as error:
        reason = str(error.orig).partition("\n")[0]
        raise StorageRefused(f"cannot use the database: {reason}") from error


def _revision(connection: Connection) -> str | None:
    if not inspect(connection).has_table("alembic_version"):
        return None
    found = connection.execute(GET_REVISION).scalars().all()
    if len(found) != 1:
        raise StorageRefused("the database does not say which schema it has")
    return str(found[0])


def _migrate(connection: Connection) -> None:
    from adapters.sql import migrations  # noqa: PLC0415 - Alembic is slow to import

    connection.execute(select(func.pg_advisory_xact_lock(_LOCK)))
    found = _revision(connection)
    if found is not None and not migrations.knows(found):
        raise StorageRefused(f"the database has a schema of another release: {found}")
    migrations.upgrade(connection)
    if not is_complete(connection):
        raise StorageRefused(f"the database lacks a part of the schema {REVISION}")


def refuse_another(connection: Connection) -> None:
    """Raise StorageRefused unless the schema is this release's."""
    found = _revision(connection)
    if found != REVISION:
        has = f"has the schema {found}" if found else "has no schema"
        raise StorageRefused(
            f"the database {has}, and this release needs {REVISION}: run chat-sessions migrate"
        )
    if not is_complete(connection):
        raise StorageRefused(f"the database lacks a part of the schema {REVISION}")
