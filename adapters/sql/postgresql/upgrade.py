"""Find out which schema a PostgreSQL database has, and migrate it."""

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import replace
from functools import partial
from typing import TypeVar

from sqlalchemy import Connection, func, select
from sqlalchemy.exc import DBAPIError
from sqlalchemy.util import greenlet_spawn

from adapters.sql.postgresql.engine import set_limits, single_engine, wait_until_closed
from adapters.sql.postgresql.errors import NotReached, connecting, translated
from adapters.sql.postgresql.options import PostgresqlOptions
from adapters.sql.postgresql.requirements import Found, look, refuse_forbidden
from adapters.sql.postgresql.startup import retry_until_reachable
from adapters.sql.schema import REVISION
from adapters.sql.statements import GET_REVISION
from application.errors import StorageRefused, Unavailable

_LOCK = 0x63686174
"""The number of the advisory lock that a migration holds: "chat"."""

T = TypeVar("T")


async def is_current(options: PostgresqlOptions, *, to_serve: bool = False) -> bool:
    """Whether the schema is this release's. Raises StorageRefused where `migrate` would, and
    `to_serve` also where a start would."""
    return await _once(
        options, partial(_is_current, reads_only=options.read_only, to_serve=to_serve)
    )


async def migrate(options: PostgresqlOptions) -> None:
    """Migrate in one transaction, one process at a time, however long it takes. Raises
    StorageRefused."""
    unhurried = replace(options, statement_timeout=0, lock_timeout=0, idle_in_transaction_timeout=0)
    await _once(unhurried, _migrate)


async def _once(options: PostgresqlOptions, work: Callable[[Connection], T]) -> T:
    engine = single_engine(options)

    def transaction() -> T:
        with connecting():
            connection = engine.connect()
        with connection, translated(), connection.begin():
            set_limits(connection, options)  # a pooler passes the role's own on
            return work(connection)

    try:
        with refusing():
            return await retry_until_reachable(options, lambda: greenlet_spawn(transaction))
    finally:
        await greenlet_spawn(engine.dispose)
        await wait_until_closed()


@contextmanager
def refusing() -> Iterator[None]:
    """Raise StorageRefused in place of any error of the database or of connecting to it."""
    try:
        yield
    except NotReached as error:
        raise StorageRefused(str(error)) from error
    except Unavailable as error:
        raise StorageRefused(f"cannot use the database: {error}") from error
    except DBAPIError as error:
        reason = str(error.orig).partition("\n")[0]
        raise StorageRefused(f"cannot use the database: {reason}") from error


def _revision(connection: Connection, found: Found) -> str | None:
    if not found.has_revision:
        return None
    revisions = connection.execute(GET_REVISION).scalars().all()
    if len(revisions) != 1:
        raise StorageRefused("the database does not say which schema it has")
    return str(revisions[0])


def _is_current(connection: Connection, *, reads_only: bool, to_serve: bool) -> bool:
    found = look(connection, reads_only=reads_only)
    revision = _revision(connection, found)
    if revision != REVISION:
        _refuse_foreign(found, revision)
        return False
    _refuse_incomplete(found)
    if to_serve and not reads_only:
        refuse_forbidden(found)
    return True


def _migrate(connection: Connection) -> None:
    from adapters.sql import migrations  # noqa: PLC0415 - Alembic is slow to import

    connection.execute(select(func.pg_advisory_xact_lock(_LOCK)))
    found = look(connection)
    _refuse_foreign(found, _revision(connection, found))
    migrations.upgrade(connection)
    _refuse_incomplete(look(connection))


def _refuse_foreign(found: Found, revision: str | None) -> None:
    """Raise StorageRefused for the tables of a newer release, or of another program."""
    from adapters.sql import migrations  # noqa: PLC0415 - likewise

    if revision is not None and not migrations.knows(revision):
        raise StorageRefused(
            f"the database has a schema of another release: {revision} in {found.schema} (if it is "
            "another application's, name a schema of your own in search_path)"
        )
    if revision is None and found.tables:
        raise StorageRefused(
            f"the schema {found.schema} of the database {found.database} has tables that are not "
            f"this service's: {', '.join(found.tables)}: name a schema of its own in search_path"
        )


def refuse_another(connection: Connection) -> Found:
    """Check the server. Raises StorageRefused unless it fits and has this release's schema."""
    found = look(connection)
    revision = _revision(connection, found)
    if revision != REVISION:
        has = f"has the schema {revision}" if revision else f"has no tables in {found.schema}"
        aside = f", only in {found.elsewhere}" if found.elsewhere else ""
        raise StorageRefused(
            f"the database {found.database} {has}{aside}, and this release needs the schema "
            f"{REVISION}: run chat-sessions migrate"
        )
    _refuse_incomplete(found)
    refuse_forbidden(found)
    return found


def _refuse_incomplete(found: Found) -> None:
    if found.lacking:
        raise StorageRefused(
            f"the database {found.database} lacks a part of the schema {REVISION} in "
            f"{found.schema}: {', '.join(found.lacking)}"
        )
