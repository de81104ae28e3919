"""Run statements on SQLite, with one service process, one writer, and every commit on disk.

In write-ahead mode readers see the last commit and never wait. `synchronous=FULL` makes a commit
survive a power cut. Only the writer may checkpoint, since versions before 3.51.3 can corrupt the
file when two connections do (https://sqlite.org/wal.html, "The WAL-Reset Bug").
"""

import asyncio
import json
import time
from collections.abc import Callable, Collection, Mapping, Sequence
from contextlib import suppress
from datetime import datetime
from pathlib import Path
from typing import TypeVar
from uuid import UUID

from sqlalchemy import Connection, Executable
from sqlalchemy.exc import DBAPIError

from adapters.sql.database import Database, Named, Row, Rows, Values
from adapters.sql.observer import NULL_OBSERVER, Observer
from adapters.sql.schema import REVISION
from adapters.sql.sqlite import search, writes
from adapters.sql.sqlite.connections import Connections, close, connect_reader
from adapters.sql.sqlite.driver import driver_of
from adapters.sql.sqlite.errors import DRIVER_ERRORS
from adapters.sql.sqlite.file import SqliteFile
from adapters.sql.sqlite.opening import Opening
from adapters.sql.sqlite.revision import (
    recognized_revision,
    refuse_incomplete,
    refuse_newer,
)
from adapters.sql.sqlite.versions import VERSION_OF_SESSION
from adapters.sql.statements import GET_REVISION
from application.errors import StorageRefused, Unavailable

INTERRUPT_SECONDS = 0.02
"""The pause between two attempts to interrupt an opening: a statement may begin in between."""

T = TypeVar("T")


class SqliteDatabase(Database):
    """Reads run in the event loop, on their own connection, and writes on a thread."""

    def __init__(self, path: Path, observer: Observer = NULL_OBSERVER) -> None:
        self._file = SqliteFile(path)
        self._observer = observer
        self._open: Connections | None = None
        self._next_merge = 0.0

    @property
    def is_shared(self) -> bool:
        return False

    async def is_current(self) -> bool:
        if not self._file.inspect():
            return False
        try:
            connection = connect_reader(self._file, NULL_OBSERVER)
            try:
                return self._has_current_schema(connection)
            finally:
                close(connection)
        except DRIVER_ERRORS as error:
            reason = getattr(error, "orig", error)
            raise StorageRefused(f"cannot use {self._file.path}: {reason}") from error

    def _has_current_schema(self, connection: Connection) -> bool:
        revision = recognized_revision(self._file, driver_of(connection))
        if revision != REVISION:
            refuse_newer(self._file, revision)
            return False
        refuse_incomplete(self._file, connection)
        return True

    async def migrate(self) -> None:
        await self.open()
        await self.close()

    async def open(self) -> None:
        """Lock, check and migrate the file on a thread, since a large file takes long. If this is
        cancelled, the file is left as it was."""
        if self._open is not None:
            return
        opening = Opening(self._file, self._observer)
        running = asyncio.ensure_future(asyncio.to_thread(opening.run))
        try:
            self._open = await asyncio.shield(running)
        except asyncio.CancelledError:
            while not running.done():
                opening.interrupt()
                with suppress(asyncio.CancelledError):  # whoever is in a hurry still waits for this
                    await asyncio.wait([running], timeout=INTERRUPT_SECONDS)
            if running.exception() is None:
                self._open = running.result()
                await self.close()
            raise

    async def read(self, statement: Executable, parameters: Values) -> Rows:
        connections = self._connections()
        connections.watch.refuse()
        try:
            return connections.reading.rows(statement, parameters)
        except DRIVER_ERRORS as error:
            connections.watch.translate(error)
            raise

    async def found(
        self, prefix: str, keys: Mapping[str, bool], parameters: Values, *, with_text: bool
    ) -> Rows:
        asked = {**parameters, "match_": search.query_text(prefix, keys)}
        return await self.read(search.indexed_texts(with_text=with_text), asked)

    def told(self, prefix: str, keys: Mapping[str, bool], alternative: str) -> str:  # noqa: ARG002 - which rows are without
        return json.dumps([alternative, list(keys.items())])

    async def forget_removed(self, limit: int) -> int:
        newest = (await self.read(search.NEWEST_REMOVAL, {}))[0][0]
        if newest:
            return await self.write(
                lambda connection: search.forget_removed(connection, limit, newest)
            )
        if time.monotonic() < self._next_merge or not await self.read(search.MERGE_DUE, {}):
            return 0
        if await self.write(search.merge):
            self._next_merge = time.monotonic() + search.MERGE_INTERVAL
        return 1

    async def empty_index(self) -> None:
        await self.write(search.empty)

    async def write(self, work: Callable[[Connection], T]) -> T:
        return await self._connections().writer.write(work)

    async def add(
        self, owner: Values, session: Values, messages: Sequence[Values], receipt: Values | None
    ) -> bool:
        return await self.write(
            lambda connection: writes.add(connection, owner, session, messages, receipt)
        )

    async def append(
        self, head: Values, messages: Rows, receipt: Values | None
    ) -> Sequence[int] | None:
        return await self.write(
            lambda connection: writes.append(connection, head, messages, receipt)
        )

    async def replace(
        self, named: Named, values: Values, expected: Collection[datetime] | None
    ) -> Rows:
        return await self.write(
            lambda connection: writes.replace(connection, named, values, expected)
        )

    async def remove(self, session: Values) -> bool:
        return await self.write(lambda connection: writes.remove(connection, session))

    async def versions(self, sessions: Collection[tuple[UUID, UUID]]) -> Rows:
        found: list[Row] = []
        for owner, id_ in sessions:
            asked = {"owner_": owner, "session_": id_}
            found += await self.read(VERSION_OF_SESSION, asked)
        return found

    async def check(self) -> None:
        """Raise Unavailable unless the locked file is there, untouched, and its schema is ours."""
        connections = self._connections()
        try:
            connections.watch.check()
        except Unavailable:
            connections.writer.look()
            raise
        try:
            found = connections.reader.execute(GET_REVISION).scalar()
        except DBAPIError as error:
            connections.watch.translate(error)
            raise Unavailable(f"{self._file.path}: {error.orig}") from error
        if found != REVISION:
            raise Unavailable(f"{self._file.path} has the schema {found}")

    async def close(self) -> None:
        """Finish the waiting writes, move the log into the file, and unlock it."""
        if self._open is not None:
            connections, self._open = self._open, None
            connections.close()
        self._file.unlock()

    def _connections(self) -> Connections:
        if self._open is None:
            raise Unavailable("the database is not open")
        return self._open
