"""Run statements on PostgreSQL: every wait is bounded, and a lost connection is replaced.

No request depends on a session's state, so any connection of the pool serves it. A single
statement runs without a transaction around it. Work that reads before it writes runs in a
transaction at READ COMMITTED with the row locked.
"""

import asyncio
import logging
import random
from collections.abc import Awaitable, Callable, Collection, Iterator, Mapping, Sequence
from contextlib import contextmanager, suppress
from datetime import datetime
from functools import partial
from time import perf_counter
from typing import Any, TypeVar
from uuid import UUID

from asyncpg import UniqueViolationError
from sqlalchemy import Connection, Engine, Executable, PoolProxiedConnection
from sqlalchemy.util import greenlet_spawn

from adapters.sql.database import Database, Named, Rows, Values
from adapters.sql.entities import parameters
from adapters.sql.observer import COMMIT, NULL_OBSERVER, Connections, Observer, observe
from adapters.sql.postgresql import pool, search, upgrade, writes
from adapters.sql.postgresql.driver import Driver
from adapters.sql.postgresql.engine import pooled_engine, set_limits
from adapters.sql.postgresql.errors import (
    FAULTS,
    ConnectionLost,
    NotReached,
    Undone,
    check,
    is_lost,
    is_servers_end,
)
from adapters.sql.postgresql.options import PostgresqlOptions
from adapters.sql.postgresql.requirements import READY
from adapters.sql.postgresql.startup import retry_until_reachable
from adapters.sql.postgresql.versions import VERSIONS
from adapters.sql.schema import REVISION
from application.errors import Unavailable

START_TIMEOUT = 30.0
"""Seconds that the checks at the start may take, in place of `answer_timeout`."""

TRIES = 4
"""Attempts at work that was rolled back or never sent, or that may be repeated."""

PAUSE_SECONDS = 0.05
"""The pause before the second attempt. It doubles with each further one, and up to half of it is
taken off at random."""

CLOSE_TIMEOUT = 1.0
"""Seconds that closing waits for running work and connections: a stop has ten seconds in all."""

_TIMED_OUT = "the database does not answer in time"

T = TypeVar("T")


class PostgresqlDatabase(Database):
    def __init__(self, options: PostgresqlOptions, observer: Observer = NULL_OBSERVER) -> None:
        self._options = options
        self._observer = observer
        self._driver = Driver(options, observer)
        self._engine: Engine | None = None
        self._running: set[asyncio.Task[Any]] = set()
        observer.pool(
            "postgresql-standby" if options.read_only else "postgresql", self._connections
        )

    @property
    def is_shared(self) -> bool:
        return True

    async def is_current(self) -> bool:
        return await upgrade.is_current(self._options)

    async def migrate(self) -> None:
        await upgrade.migrate(self._options)

    async def open(self) -> None:
        if self._engine is not None:
            return
        self._engine = pooled_engine(self._options)
        observe(self._engine, self._observer)
        if self._options.read_only:
            return
        try:
            with upgrade.refusing():
                look = partial(greenlet_spawn, self._check_server)
                started = partial(self._run, look, repeatable=True, within=START_TIMEOUT)
                await retry_until_reachable(self._options, started)
        except BaseException:
            await self.close()
            raise

    async def read(self, statement: Executable, parameters: Values) -> Rows:
        """Run a read in the caller's task: if that is cancelled, the connection is closed."""
        latest = asyncio.get_running_loop().time() + self._options.answer_timeout
        work = partial(self._rows, statement, parameters)
        try:
            async with asyncio.timeout_at(latest):
                return await self._with_retries(work, latest, repeatable=True)
        except TimeoutError:
            raise Unavailable(_TIMED_OUT) from None

    async def found(
        self, prefix: str, keys: Mapping[str, bool], parameters: Values, *, with_text: bool
    ) -> Rows:
        asked = {**parameters, "keys_": search.query_text(prefix, keys)}
        return await self.read(search.indexed_texts(with_text=with_text), asked)

    def told(self, prefix: str, keys: Mapping[str, bool], alternative: str) -> str:
        return f"{search.query_text(prefix, keys)} | '{prefix}{alternative}'"

    async def empty_index(self) -> None:
        pass

    async def write(self, work: Callable[[Connection], T]) -> T:
        def transaction(latest: float) -> T:
            with self._transaction(latest, isolation_level="READ COMMITTED") as connection:
                result = work(connection)
                began = perf_counter()
            self._observer.statement(COMMIT, perf_counter() - began, None)
            return result

        return await self._run(partial(greenlet_spawn, transaction), repeatable=False)

    async def add(
        self, owner: Values, session: Values, messages: Sequence[Values], receipt: Values | None
    ) -> bool:
        values = {
            **parameters({**(receipt or {}), **owner, **session}),
            **writes.placed_batch(messages),
            "session_": session["id"],
        }
        statement = writes.ADD_ONCE if receipt else writes.ADD
        is_unique = session["external_id"] is not None
        rows = await self._store(statement, values, once=receipt is not None, unique=is_unique)
        return bool(rows)

    async def append(
        self, head: Values, messages: Rows, receipt: Values | None
    ) -> Sequence[int] | None:
        values = {**parameters(receipt or {}), **head, **writes.new_batch(messages)}
        statement = writes.APPEND_ONCE if receipt else writes.APPEND
        rows = await self._store(statement, values, once=receipt is not None)
        return rows[0] if rows else None

    async def replace(
        self, named: Named, values: Values, expected: Collection[datetime] | None
    ) -> Rows:
        statement = writes.replace(named, expected=expected is not None)
        return await self._store(statement, {**values, "expected_": list(expected or ())})

    async def remove(self, session: Values) -> bool:
        return bool(await self._store(writes.REMOVE, session))

    async def versions(self, sessions: Collection[tuple[UUID, UUID]]) -> Rows:
        owners, ids = zip(*sessions, strict=True)
        return await self.read(VERSIONS, {"owners": list(owners), "ids": list(ids)})

    async def check(self) -> None:
        """Raise Unavailable unless the database answers and its tables can be read whole.

        The schema must be this release's or a later one: a newer release may have migrated it
        meanwhile, and a migration removes nothing.
        """
        rows = await self.read(READY, {})
        found = [revision for revision, _ in rows]
        if len(found) != 1 or found[0] < REVISION:
            raise Unavailable(f"the database has the schema {', '.join(found) or 'of nothing'}")
        if complaints := rows[0][1]:
            raise Unavailable(f"in the database {', '.join(complaints)}")

    async def close(self) -> None:
        """Wait for running work to end, and close every connection."""
        with suppress(TimeoutError):  # a connection that leads nowhere takes long to close
            async with asyncio.timeout(CLOSE_TIMEOUT):
                while self._running:
                    await asyncio.wait(self._running)
                if self._engine is not None:
                    await greenlet_spawn(self._engine.dispose)
        self._engine = None

    async def _store(
        self, statement: Executable, values: Values, *, once: bool = False, unique: bool = False
    ) -> Rows:
        """Run a statement that writes and return its rows, or none if what it claims is taken: the
        key of what is to happen once, or what must be unique."""
        try:
            return await self._run(partial(self._rows, statement, values), repeatable=once)
        except UniqueViolationError:
            if once or unique:
                return ()
            raise

    async def _run(
        self,
        work: Callable[[float], Awaitable[T]],
        *,
        repeatable: bool,
        within: float | None = None,
    ) -> T:
        """Return what `work` returns. It is called with the loop's time by which it must start."""
        timeout = self._options.answer_timeout if within is None else within
        latest = asyncio.get_running_loop().time() + timeout
        task = asyncio.create_task(self._with_retries(work, latest, repeatable=repeatable))
        self._running.add(task)
        task.add_done_callback(self._discard)
        try:
            async with asyncio.timeout_at(latest):
                return await asyncio.shield(task)
        except TimeoutError:
            raise Unavailable(_TIMED_OUT) from None

    def _discard(self, task: asyncio.Task[Any]) -> None:
        self._running.discard(task)
        if not task.cancelled():
            task.exception()  # nobody may be left to hear of it

    async def _with_retries(
        self, work: Callable[[float], Awaitable[T]], latest: float, *, repeatable: bool
    ) -> T:
        safe = (Undone, NotReached, ConnectionLost) if repeatable else (Undone, NotReached)
        for past in range(TRIES):
            try:
                try:
                    return await work(latest)
                except FAULTS as error:
                    check(error)
                    raise
            except safe:
                if past + 1 == TRIES or asyncio.get_running_loop().time() > latest:
                    raise
                await asyncio.sleep(PAUSE_SECONDS * 2**past * random.uniform(0.5, 1))  # noqa: S311 - not a secret
        raise AssertionError

    async def _rows(self, statement: Executable, parameters: Values, latest: float) -> Rows:
        connect = partial(self._raw_connection, latest)
        pooled = await pool.check_out(self._engine, connect)
        connection: Any = pooled.driver_connection
        try:
            return await self._driver.rows(connection, statement, parameters)
        except BaseException as error:
            if is_servers_end(error):
                pool.replace_older(self._engine, pooled)
            elif is_lost(error):
                pooled.invalidate()
            elif connection.is_closed():
                raise ConnectionLost(type(error).__name__) from error
            raise
        finally:
            await pool.check_in(self._engine, pooled)

    def _check_server(self, latest: float) -> None:
        with self._transaction(latest) as connection:
            found = upgrade.refuse_another(connection)
        if not found.survives_a_crash:
            reason = "fsync or full_page_writes is off: a crash may lose everything"
            self._observer.event("warning", logging.WARNING, reason=reason)

    @contextmanager
    def _transaction(self, latest: float, **options: str) -> Iterator[Connection]:
        connection = self._connected(latest)
        try:
            with connection.execution_options(**options).begin():
                if self._options.transaction_pooler:
                    set_limits(connection, self._options)
                yield connection
        except BaseException as error:
            if is_lost(error):
                connection.invalidate()
            raise
        finally:
            connection.close()

    def _connections(self) -> Connections:
        most = self._options.pool_size + self._options.pool_overflow
        return pool.usage(self._engine, most)

    def _connected(self, latest: float) -> Connection:
        return pool.connected(self._engine, lambda engine: engine.connect(), latest)

    def _raw_connection(self, latest: float) -> PoolProxiedConnection:
        return pool.connected(self._engine, lambda engine: engine.raw_connection(), latest)
