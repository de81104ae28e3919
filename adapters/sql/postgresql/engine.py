import asyncio
from collections.abc import Generator
from contextlib import suppress
from functools import cache
from typing import Any, cast

import asyncpg
from sqlalchemy import (
    URL,
    ColumnElement,
    Connection,
    Engine,
    Select,
    Text,
    create_engine,
    event,
    func,
    literal,
    literal_column,
    pool,
    select,
)
from sqlalchemy.dialects import registry
from sqlalchemy.dialects.postgresql.asyncpg import PGDialect_asyncpg
from sqlalchemy.engine import AdaptedConnection, ExceptionContext
from sqlalchemy.engine.interfaces import DBAPIConnection
from sqlalchemy.exc import DisconnectionError

from adapters.sql.observer import labelled
from adapters.sql.postgresql.connect import Connector
from adapters.sql.postgresql.connection_failures import DRIVER_ERRORS
from adapters.sql.postgresql.errors import is_servers_end
from adapters.sql.postgresql.options import PostgresqlOptions
from adapters.sql.postgresql.session_settings import AT_LEAST_ON_DISK

CLOSE_TIMEOUT = 1.0

_CLOSING: set[asyncio.Task[None]] = set()


class Dialect(PGDialect_asyncpg):
    """The dialect is SQLAlchemy's, but sets up no codecs for JSON and addresses.

    No statement of ours needs them. They cost each new connection several round trips, and are
    prepared outside a transaction, which a pooler in transaction mode may send to two servers.
    """

    supports_statement_cache = True

    def on_connect(self) -> None:
        return None

    def do_terminate(self, dbapi_connection: DBAPIConnection) -> None:
        """Close the connection in the background, so that nobody waits for a server that is away.

        The driver cancels the running statement first, which may wait there for a standby.
        """
        adapted = cast("AdaptedConnection", dbapi_connection)
        ending = asyncio.create_task(_ended(adapted.driver_connection))
        _CLOSING.add(ending)
        ending.add_done_callback(_CLOSING.discard)


async def _ended(connection: asyncpg.Connection) -> None:
    with suppress(OSError, *DRIVER_ERRORS):
        await connection.close(timeout=CLOSE_TIMEOUT)


async def wait_until_closed() -> None:
    """Wait until no connection is being closed in the background: if the loop ended before that,
    a statement could go on running on the server."""
    if _CLOSING:
        await asyncio.wait(_CLOSING)


registry.register("postgresql.chat_sessions", __name__, Dialect.__name__)


def pooled_engine(options: PostgresqlOptions) -> Engine:
    """Return an engine with a pool, on which a statement outside a transaction is one by itself."""
    engine = _engine(
        options,
        poolclass=pool.AsyncAdaptedQueuePool,
        pool_size=options.pool_size,
        max_overflow=options.pool_overflow,
        pool_timeout=options.pool_wait,
        pool_recycle=options.pool_recycle,
        pool_pre_ping=options.pool_pre_ping,
        pool_use_lifo=True,
        isolation_level="READ COMMITTED" if options.transaction_pooler else "AUTOCOMMIT",
    )
    event.listen(engine, "checkout", _refuse_closed)
    return engine


def single_engine(options: PostgresqlOptions) -> Engine:
    return _engine(options, poolclass=pool.NullPool, isolation_level="READ COMMITTED")


def set_limits(connection: Connection, options: PostgresqlOptions) -> None:
    """Set the session's limits for this transaction alone, as a pooler needs it."""
    connection.execute(limits_statement(options))


@cache
def limits_statement(options: PostgresqlOptions) -> Select[Any]:
    values: dict[str, ColumnElement[str]] = {
        **{name: literal(value) for name, value in options.limits.items()},
        "synchronous_commit": literal_column(AT_LEAST_ON_DISK, Text),
    }
    limits = [func.set_config(name, value, literal(True)) for name, value in values.items()]  # noqa: FBT003 - "is local"
    return labelled("SET_LIMITS", select(*limits))


def _engine(options: PostgresqlOptions, **how: object) -> Engine:
    connect = Connector(options)
    engine = create_engine(
        URL.create("postgresql+chat_sessions"),
        connect_args={"async_creator_fn": lambda **_: _Connecting(connect)},
        hide_parameters=True,  # what people said has no place in an error's text
        **how,
    )
    event.listen(engine, "handle_error", _invalidate_pool)
    return engine


def _invalidate_pool(failure: ExceptionContext) -> None:
    """Replace every connection of the pool before its next use, once the server is away."""
    if is_servers_end(failure.original_exception):
        failure.is_disconnect = True


class _Connecting:
    """An awaitable connection, which is begun only once it is awaited."""

    def __init__(self, connect: Connector) -> None:
        self._connect = connect

    def __await__(self) -> Generator[Any, Any, asyncpg.Connection]:
        return self._connect().__await__()


def _refuse_closed(connection: AdaptedConnection, _record: object, _proxy: object) -> None:
    """Replace a connection that the server has closed, without a round trip to find out."""
    if connection.driver_connection.is_closed():
        raise DisconnectionError
