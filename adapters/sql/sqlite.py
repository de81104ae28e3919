"""SQLite as a database to trust: one service process, one writer, every commit on disk.

In write-ahead mode readers see the last commit and never wait. `synchronous=FULL` makes a commit
survive a power cut. Only the writer may checkpoint, since versions before 3.51.3 can corrupt the
file when two connections do (https://sqlite.org/wal.html, "The WAL-Reset Bug").
"""

import asyncio
import sqlite3
import time
from collections.abc import Callable, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import closing
from pathlib import Path
from typing import Any, TypeVar

from sqlalchemy import URL, Connection, Row, Select, create_engine, event, text
from sqlalchemy.exc import DBAPIError
from sqlalchemy.pool import StaticPool

from adapters.sql.database import Database
from adapters.sql.errors import translated
from adapters.sql.messages import SqlMessageRepository
from adapters.sql.schema import REVISION, is_complete
from adapters.sql.sessions import SqlSessionRepository
from adapters.sql.sqlite_file import SqliteFile
from application.errors import StorageRefused, Unavailable
from application.ports.messages import MessageRepository
from application.ports.sessions import SessionRepository
from application.ports.storage import Storage

BUSY_SECONDS = 2.0
"""How long a write waits for another program's lock on the file."""

QUEUE_SECONDS = 2.5
"""How long a write waits for its turn: with the lock, less than five seconds in all."""

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

_REVISION = text("SELECT version_num FROM alembic_version")

T = TypeVar("T")


class SqliteDatabase(Database):
    """Reads run at once, on a connection of their own; writes one by one, on a thread."""

    def __init__(self, path: Path) -> None:
        self._file = SqliteFile(path)
        self._open: _Connections | None = None

    def open(self) -> None:
        """Lock, check and migrate the file. Raises StorageRefused."""
        if self._open is not None:
            return
        self._file.claim()
        try:
            self._prepare(suspect=self._file.is_suspect())
        except (DBAPIError, sqlite3.Error) as error:
            self.close()
            reason = getattr(error, "orig", error)
            raise StorageRefused(f"cannot use {self._file.path}: {reason}") from error
        except BaseException:
            self.close()
            raise

    async def read(
        self, statement: Select[Any], parameters: Mapping[str, object]
    ) -> Sequence[Row[Any]]:
        with translated():
            return self._connections().reader.execute(statement, parameters).all()

    async def write(self, work: Callable[[Connection], T]) -> T:
        thread = self._connections().thread
        latest = time.monotonic() + QUEUE_SECONDS
        try:
            written = asyncio.get_running_loop().run_in_executor(thread, self._commit, work, latest)
        except RuntimeError as error:
            raise Unavailable("the database is being closed") from error
        return await asyncio.shield(written)

    def check(self) -> None:
        """Raise Unavailable unless the claimed file is there and its schema is ours."""
        self._file.check_in_place()
        try:
            found = self._connections().reader.execute(_REVISION).scalar()
        except DBAPIError as error:
            raise Unavailable(f"{self._file.path}: {error.orig}") from error
        if found != REVISION:
            raise Unavailable(f"{self._file.path} has the schema {found}")

    def close(self) -> None:
        """Finish the writes that wait, fold the log into the file, and unlock it."""
        if self._open is not None:
            self._open.thread.shutdown()
            connections, self._open = self._open, None
            connections.close()
        self._file.release()

    def _connections(self) -> "_Connections":
        if self._open is None:
            raise Unavailable("the database is not open")
        return self._open

    def _commit(self, work: Callable[[Connection], T], latest: float) -> T:
        if time.monotonic() > latest:
            raise Unavailable("too many writes wait for their turn")
        self._file.check_in_place()
        writer = self._connections().writer
        with translated(), writer.begin():
            return work(writer)

    def _prepare(self, *, suspect: bool) -> None:
        revision = self._recognized_revision()
        self._open = _Connections(self._file.path)
        with self._open.writer.begin():
            connection = self._open.writer
            pragma = connection.exec_driver_sql
            if pragma("PRAGMA journal_mode").scalar() != "wal":
                raise StorageRefused(f"{self._file.path} is on a file system without shared memory")
            if suspect and pragma("PRAGMA quick_check(1)").scalar() != "ok":
                raise StorageRefused(f"{self._file.path} is damaged: restore it from a backup")
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
            found = [row[0] for row in connection.execute(str(_REVISION))]
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
    def __init__(self, path: Path) -> None:
        self.thread = ThreadPoolExecutor(1, thread_name_prefix="sqlite-writer")
        self.writer = _connect(path, _WRITER_PRAGMAS, begin="BEGIN IMMEDIATE")
        self.reader = _connect(path, _READER_PRAGMAS, begin=None)

    def close(self) -> None:
        for connection in (self.reader, self.writer):
            connection.close()
            connection.engine.dispose()


class SqliteStorage(Storage):
    """A file, its migrations run at open."""

    def __init__(self, path: Path) -> None:
        self._database = SqliteDatabase(path)
        self._sessions = SqlSessionRepository(self._database)
        self._messages = SqlMessageRepository(self._database)

    @property
    def sessions(self) -> SessionRepository:
        return self._sessions

    @property
    def messages(self) -> MessageRepository:
        return self._messages

    async def open(self) -> None:
        self._database.open()

    async def check(self) -> None:
        self._database.check()

    async def close(self) -> None:
        self._database.close()


def _connect(path: Path, pragmas: Sequence[str], *, begin: str | None) -> Connection:
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
    connection = engine.connect()
    for pragma in pragmas:
        connection.exec_driver_sql(f"PRAGMA {pragma}")
    connection.rollback()
    if begin is not None:
        event.listen(engine, "begin", lambda begun: begun.exec_driver_sql(begin))
    return connection
