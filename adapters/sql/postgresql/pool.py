"""What is asked of SQLAlchemy's pool directly, since the driver runs the statements."""

import asyncio
from collections.abc import Callable
from contextlib import suppress
from typing import Any, TypeVar

from sqlalchemy import Connection, Engine, PoolProxiedConnection
from sqlalchemy.exc import MissingGreenlet
from sqlalchemy.util import greenlet_spawn

from adapters.sql.observer import Connections
from adapters.sql.postgresql.errors import UNREACHED, unreached
from application.errors import Unavailable

C = TypeVar("C", Connection, PoolProxiedConnection)


def usage(engine: Engine | None, most: int) -> Connections:
    """How many of its connections the pool has lent, and how many it has ready."""
    pool: Any = engine and engine.pool
    return (
        Connections(pool.checkedout(), pool.checkedin(), most) if pool else Connections(0, 0, most)
    )


def connected(engine: Engine | None, connect: Callable[[Engine], C], latest: float) -> C:
    """Connect by the loop's time given. Raises Unavailable, or what could not be reached."""
    if engine is None:
        raise Unavailable("the database is not open")
    try:
        connection = connect(engine)
    except UNREACHED as error:
        raise unreached(error) from error
    if asyncio.get_running_loop().time() > latest:
        connection.close()
        raise Unavailable("there was no connection in time")
    return connection


async def check_out(
    engine: Engine | None, connect: Callable[[], PoolProxiedConnection]
) -> PoolProxiedConnection:
    """Connect, at once where the pool has a connection ready."""
    pool: Any = engine and engine.pool
    if pool is not None and pool.checkedin():
        with suppress(MissingGreenlet):  # that one is old or closed, and another takes time
            return connect()
    return await greenlet_spawn(connect)


async def check_in(engine: Engine | None, pooled: PoolProxiedConnection) -> None:
    """Give a connection back to the pool, or close it where the pool has enough."""
    pool: Any = engine and engine.pool
    if pool is not None and pool.overflow() <= 0:
        pooled.close()  # it is kept, and that waits for nothing
    else:
        await greenlet_spawn(pooled.close)


def replace_older(engine: Engine | None, pooled: PoolProxiedConnection) -> None:
    """Replace this connection, and each one of the pool that is as old, before its next use:
    their server is away."""
    pool: Any = engine and engine.pool
    if pool is None:
        pooled.invalidate()
    else:
        pool._invalidate(pooled)  # noqa: SLF001 - what SQLAlchemy does on a disconnect; no call is public
