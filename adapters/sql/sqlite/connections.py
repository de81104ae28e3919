from collections.abc import Sequence
from functools import partial

from sqlalchemy import Connection, create_engine, event
from sqlalchemy.pool import StaticPool

from adapters.sql.functions import HAS_KEYS, HAS_MEMBER, has_keys, has_member
from adapters.sql.observer import Observer, observe
from adapters.sql.sqlite.driver import Driver, driver_of
from adapters.sql.sqlite.file import SqliteFile
from adapters.sql.sqlite.watch import LOG_BYTES, FileWatch
from adapters.sql.sqlite.writer import Writer

_WRITER_PRAGMAS = (
    "journal_mode=WAL",
    "synchronous=FULL",
    "foreign_keys=ON",
    "cell_size_check=ON",
    "trusted_schema=OFF",
    "secure_delete=ON",
    "wal_autocheckpoint=0",
    f"journal_size_limit={LOG_BYTES}",
)
_READER_PRAGMAS = ("query_only=ON", "wal_autocheckpoint=0", "trusted_schema=OFF")


class Connections:
    """A file is served by two connections: a reader, and a writer that watches the file."""

    def __init__(
        self, file: SqliteFile, observer: Observer, reader: Connection, writing: Connection
    ) -> None:
        self.reader = reader
        self.writing = writing
        self.reading = Driver(reader, observer)
        self.watch = FileWatch(file, writing, observer)
        self.writer = Writer(writing, self.watch, observer)

    def close(self) -> None:
        """Finish the waiting writes, and move the log into the file unless that may damage it: the
        last connection to be closed does so, if it may write."""
        self.writer.close()
        last_two = (self.reader, self.writing)
        for connection in last_two if self.watch.close() else reversed(last_two):
            close(connection)


def connect_reader(file: SqliteFile, observer: Observer) -> Connection:
    """Return a connection that cannot write, and so moves no log into the file when it closes."""
    connection = _connect(file, observer, _READER_PRAGMAS, read_only=True)
    for name, arguments, function in ((HAS_MEMBER, 3, has_member), (HAS_KEYS, 2, has_keys)):
        driver_of(connection).create_function(name, arguments, function, deterministic=True)
    return connection


def connect_writer(file: SqliteFile, observer: Observer) -> Connection:
    """Return a connection whose transactions hold the file's write lock from their beginning on."""
    connection = _connect(file, observer, _WRITER_PRAGMAS, read_only=False)
    event.listen(connection.engine, "begin", lambda begun: begun.exec_driver_sql("BEGIN IMMEDIATE"))
    return connection


def close(connection: Connection) -> None:
    connection.close()
    connection.engine.dispose()


def _connect(
    file: SqliteFile, observer: Observer, pragmas: Sequence[str], *, read_only: bool
) -> Connection:
    engine = create_engine(
        "sqlite://",
        poolclass=StaticPool,
        hide_parameters=True,  # what people said has no place in an error's text
        creator=partial(file.connect, read_only=read_only),
    )
    observe(engine, observer)
    connection = engine.connect()
    try:
        for pragma in pragmas:
            connection.exec_driver_sql(f"PRAGMA {pragma}")
    except BaseException:
        close(connection)
        raise
    connection.rollback()
    return connection
