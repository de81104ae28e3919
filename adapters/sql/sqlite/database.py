"""SQLite as a database to trust: one service process, one writer, every commit on disk.

In write-ahead mode readers see the last commit and never wait. `synchronous=FULL` makes a commit
survive a power cut. Only the writer may checkpoint, since versions before 3.51.3 can corrupt the
file when two connections do (https://sqlite.org/wal.html, "The WAL-Reset Bug").
"""

import sqlite3
from collections.abc import Callable, Collection, Sequence
from contextlib import closing
from datetime import datetime
from pathlib import Path
from typing import TypeVar

from sqlalchemy import URL, Connection, Executable, create_engine, event
from sqlalchemy.exc import DBAPIError
from sqlalchemy.pool import StaticPool

from adapters.sql.database import Database, Rows, Values
from adapters.sql.observer import NOBODY, Observer, observe
from adapters.sql.schema import REVISION, is_complete
from adapters.sql.sqlite import writes
from adapters.sql.sqlite.driver import Driver
from adapters.sql.sqlite.errors import DRIVER_ERRORS, check
from adapters.sql.sqlite.file import SqliteFile
from adapters.sql.sqlite.writer import Writer
from adapters.sql.statements import GET_REVISION
from application.errors import StorageRefused, Unavailable

BUSY_SECONDS = 2.0
"""How long a write waits for another program's lock on the file."""

APPLICATION_ID = 0x63686174
"""Marks the file as ours ("chat"; https://sqlite.org/pragma.html#pragma_application_id)."""

_WRITER_PRAGMAS = (
    "journal_mode=WAL",
    "synchronous=FULL",
    "foreign_keys=ON",
    "cell_size_check=ON",
    "trusted_schema=OFF",
)
_READER_PRAGMAS = ("query_only=ON", "wal_autocheckpoint=0", "trusted_schema=OFF")

_DAMAGED = "{} is damaged: restore it from a backup"

T = TypeVar("T")


class SqliteDatabase(Database):
    """Reads run at once in the event loop, on a connection of their own; writes on one thread."""

    def __init__(self, path: Path, observer: Observer = NOBODY) -> None:
        self._file = SqliteFile(path)
        self._observer = observer
        self._open: _Connections | None = None

    async def is_current(self) -> bool:
        try:
            return self._file.path.exists() and self._recognized_revision() == REVISION
        except sqlite3.Error as error:
            raise StorageRefused(f"cannot use {self._file.path}: {error}") from error

    async def migrate(self) -> None:
        await self.open()
        await self.close()

    async def open(self) -> None:
        """Lock, check and migrate the file."""
        if self._open is not None:
            return
        self._file.claim()
        try:
            self._prepare(suspect=self._file.is_suspect())
        except (DBAPIError, sqlite3.Error) as error:
            await self.close()
            reason = getattr(error, "orig", error)
            raise StorageRefused(f"cannot use {self._file.path}: {reason}") from error
        except BaseException:
            await self.close()
            raise

    async def read(self, statement: Executable, parameters: Values) -> Rows:
        try:
            return self._connections().reading.rows(statement, parameters)
        except DRIVER_ERRORS as error:
            check(error)
            raise

    async def write(self, work: Callable[[Connection], T]) -> T:
        return await self._connections().writer.write(work)

    async def add(
        self, owner: Values, session: Values, messages: Sequence[Values], receipt: Values | None
    ) -> bool:
        return await self.write(
            lambda connection: writes.add(connection, owner, session, messages, receipt)
        )

    async def append(
        self, head: Values, messages: Sequence[Values], receipt: Values | None
    ) -> Sequence[int] | None:
        return await self.write(
            lambda connection: writes.append(connection, head, messages, receipt)
        )

    async def remove(self, session: Values, expected: Collection[datetime] | None) -> bool:
        return await self.write(lambda connection: writes.remove(connection, session, expected))

    async def check(self) -> None:
        """Raise Unavailable unless the claimed file is there and its schema is ours."""
        self._file.check_in_place()
        try:
            found = self._connections().reader.execute(GET_REVISION).scalar()
        except DBAPIError as error:
            raise Unavailable(f"{self._file.path}: {error.orig}") from error
        if found != REVISION:
            raise Unavailable(f"{self._file.path} has the schema {found}")

    async def close(self) -> None:
        """Finish the writes that wait, fold the log into the file, and unlock it."""
        if self._open is not None:
            connections, self._open = self._open, None
            connections.close()
        self._file.release()

    def _connections(self) -> "_Connections":
        if self._open is None:
            raise Unavailable("the database is not open")
        return self._open

    def _prepare(self, *, suspect: bool) -> None:
        if self._file.is_cut_short():
            raise StorageRefused(_DAMAGED.format(self._file.path))
        revision = self._recognized_revision()
        self._open = _Connections(self._file, self._observer)
        connection = self._open.writing
        with connection.begin():
            pragma = connection.exec_driver_sql
            if pragma("PRAGMA journal_mode").scalar() != "wal":
                raise StorageRefused(f"{self._file.path} is on a file system without shared memory")
            if suspect and pragma("PRAGMA integrity_check(1)").scalar() != "ok":
                raise StorageRefused(_DAMAGED.format(self._file.path))
            if revision != REVISION:
                self._migrate(connection, revision)
            if not is_complete(connection):
                raise StorageRefused(f"{self._file.path} lacks a part of the schema {REVISION}")
            # Written at every start: what cannot be written is refused here, not at a request.
            pragma(f"PRAGMA application_id={APPLICATION_ID}")

    def _recognized_revision(self) -> str | None:
        """The schema's revision, or None for a new file; nothing is written to one not ours."""
        read_only = f"{self._file.path.as_uri()}?mode=ro"
        with closing(sqlite3.connect(read_only, uri=True)) as connection:
            program = connection.execute("PRAGMA application_id").fetchone()[0]
            tables = connection.execute("SELECT count(*) FROM sqlite_schema").fetchone()[0]
            if not tables and program in {0, APPLICATION_ID}:
                return None
            if program != APPLICATION_ID:
                raise StorageRefused(f"{self._file.path} is another program's database")
            found = [row[0] for row in connection.execute(str(GET_REVISION))]
        if len(found) != 1:
            raise StorageRefused(f"{self._file.path} does not say which schema it has")
        return str(found[0])

    def _migrate(self, connection: Connection, revision: str | None) -> None:
        # Alembic takes a fifth of a second to import, so only a start that needs it pays.
        from adapters.sql import migrations  # noqa: PLC0415

        if revision is not None and not migrations.knows(revision):
            raise StorageRefused(
                f"{self._file.path} has a schema of a newer release; this one knows {REVISION}"
            )
        migrations.upgrade(connection)


class _Connections:
    def __init__(self, file: SqliteFile, observer: Observer) -> None:
        self.writing = _connect(file.path, observer, _WRITER_PRAGMAS, begin="BEGIN IMMEDIATE")
        self.reader = _connect(file.path, observer, _READER_PRAGMAS, begin=None)
        self.reading = Driver(self.reader, observer)
        self.writer = Writer(self.writing, file.check_in_place, observer)

    def close(self) -> None:
        self.writer.close()
        for connection in (self.reader, self.writing):
            connection.close()
            connection.engine.dispose()


def _connect(
    path: Path, observer: Observer, pragmas: Sequence[str], *, begin: str | None
) -> Connection:
    engine = create_engine(
        URL.create("sqlite", database=str(path)),
        poolclass=StaticPool,
        hide_parameters=True,  # what people said has no place in an error's text
        connect_args={
            "check_same_thread": False,
            "isolation_level": None,
            "timeout": BUSY_SECONDS,
        },
    )
    observe(engine, observer)
    connection = engine.connect()
    for pragma in pragmas:
        connection.exec_driver_sql(f"PRAGMA {pragma}")
    connection.rollback()
    if begin is not None:
        event.listen(engine, "begin", lambda begun: begun.exec_driver_sql(begin))
    return connection
