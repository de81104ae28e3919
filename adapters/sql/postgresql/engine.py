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
from adapters.sql.postgresql.errors import is_servers_end
from adapters.sql.postgresql.failures import DRIVER_ERRORS
from adapters.sql.postgresql.options import PostgresqlOptions
from adapters.sql.postgresql.session import AT_LEAST_ON_DISK

CLOSE_TIMEOUT = 1.0

_ENDING: set[asyncio.Task[None]] = set()


class Dialect(PGDialect_asyncpg):
    """SQLAlchemy's, without the codecs for JSON and addresses that it fits each connection with.

    No statement of ours needs them. They cost several round trips, and are prepared statements
    outside a transaction, which a pooler in transaction mode may send to two servers.
    """

    supports_statement_cache = True

    def on_connect(self) -> None:
        return None

    def do_terminate(self, dbapi_connection: DBAPIConnection) -> None:
        """In the background: whoever wants another need not wait for a server that is away. The
        driver has the statement cancelled before, or it would wait on there for its standby."""
        adapted = cast("AdaptedConnection", dbapi_connection)
        ending = asyncio.create_task(_ended(adapted.driver_connection))
        _ENDING.add(ending)
        ending.add_done_callback(_ENDING.discard)


async def _ended(connection: asyncpg.Connection) -> None:
    with suppress(OSError, *DRIVER_ERRORS):
        await connection.close(timeout=CLOSE_TIMEOUT)


async def all_ended() -> None:
    """Return once no connection is being ended in the background: a loop that closes before that
    leaves a statement running on the server."""
    if _ENDING:
        await asyncio.wait(_ENDING)


registry.register("postgresql.chat_sessions", __name__, Dialect.__name__)


def pooled_engine(options: PostgresqlOptions) -> Engine:
    """An engine whose statements are transactions of their own, if no transaction is begun."""
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
    """Put the transaction under the limits that a session would have."""
    connection.execute(limiting(options))


@cache
def limiting(options: PostgresqlOptions) -> Select[Any]:
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
    event.listen(engine, "handle_error", _leave_the_server)
    return engine


def _leave_the_server(failure: ExceptionContext) -> None:
    """What ended one connection ended the others of the pool, too: each is replaced before use."""
    if is_servers_end(failure.original_exception):
        failure.is_disconnect = True


class _Connecting:
    """Begins once it is awaited."""

    def __init__(self, connect: Connector) -> None:
        self._connect = connect

    def __await__(self) -> Generator[Any, Any, asyncpg.Connection]:
        return self._connect().__await__()


def _refuse_closed(connection: AdaptedConnection, _record: object, _proxy: object) -> None:
    """A connection that the server has closed is replaced, with no question to the server."""
    if connection.driver_connection.is_closed():
        raise DisconnectionError
