"""Detect changes that another program makes to the open file, before a write is acknowledged.

Under a write-ahead log the file changes only in a checkpoint, which moves pages of the log into it,
and only the writer makes checkpoints. So a file that changes at any other time was overwritten by
another program. Each checkpoint writes another number into the header, so that an older copy of the
file is recognised too.
"""

import logging
import sqlite3
from collections.abc import Iterator
from contextlib import closing, contextmanager, suppress
from typing import NamedTuple, cast

from sqlalchemy import Connection, Transaction

from adapters.sql.observer import Observer
from adapters.sql.sqlite.errors import DRIVER_ERRORS, Damaged, check
from adapters.sql.sqlite.file import SqliteFile
from adapters.sql.sqlite.integrity import interrupt, is_whole
from adapters.sql.sqlite.state import LogState, MainState, OpenFiles
from application.errors import Unavailable

LOG_BYTES = 4 * 1024 * 1024
"""The length from which the log is moved into the file: a thousand pages, SQLite's own default."""

_STAMPS = 2**31


class _Known(NamedTuple):
    main: MainState
    modified: int
    log: LogState


class FileWatch:
    """The watch begins and ends the writer's transactions, and looks at the file around each.

    What another program does is Unavailable while it lasts. A file that was overwritten is not
    used any more.
    """

    def __init__(self, file: SqliteFile, connection: Connection, observer: Observer) -> None:
        """Watch the file. The connection is the writer's, and has begun the log."""
        self._file = file
        self._connection = connection
        self._driver = cast("sqlite3.Connection", connection.connection.driver_connection)
        self._observer = observer
        self._files = OpenFiles(file)
        self._known = _Known(*self._files.main(), self._files.log())
        self._is_folding = False
        self._verifying: sqlite3.Connection | None = None
        self._refused: str | None = None

    def refuse(self) -> None:
        """Raise Unavailable if the file must not be used any more."""
        if self._refused is not None:
            raise Unavailable(self._refused)

    def translate(self, error: Exception) -> None:
        """Raise Unavailable if a driver's error means that."""
        try:
            check(error)
        except Damaged as damage:
            raise self.condemn(f"{self._file.path} is damaged, {damage}") from error

    @contextmanager
    def translated(self) -> Iterator[None]:
        try:
            yield
        except DRIVER_ERRORS as error:
            self.translate(error)
            raise

    def check(self) -> None:
        """Raise Unavailable if the next write would be refused, or would check the file first.

        Any thread may call this.
        """
        self.refuse()
        known = self._known
        main, modified = self._files.main()
        log = self._files.log(known.log)
        if self._is_folding or known is not self._known:
            return  # the writer is changing the file, and compares by itself
        self._compare(known, main, log)
        if modified != known.modified:
            raise Unavailable(
                f"{self._file.path} was touched, and is checked before the next write"
            )

    def begin(self) -> Transaction:
        """Begin a transaction, which keeps other programs from writing. Raises Unavailable."""
        self.refuse()
        transaction = self._connection.begin()
        try:
            self._look(verify=True)
        except BaseException:
            transaction.rollback()
            self._rescue()
            raise
        return transaction

    def end(self) -> Unavailable | None:
        """Return why the transaction that has just ended may be lost, or None if it is safe."""
        try:
            self._look(verify=False)
        except Unavailable as error:
            return error
        return None

    def fold(self) -> None:
        """Move the log's pages into the file, if it is long."""
        if self._known.log.size > LOG_BYTES:
            self._checkpoint()

    def condemn(self, reason: str) -> Unavailable:
        """Refuse all further use of the file, until the next start has checked it."""
        if self._refused is None:
            self._refused = f"{reason}: restart the service, which checks it"
            self._observer.event("file_refused", logging.ERROR, reason=self._refused)
        return Unavailable(self._refused)

    def interrupt(self) -> None:
        """Interrupt a check of the whole file, from another thread."""
        if (verifying := self._verifying) is not None:
            interrupt(verifying)

    def close(self) -> bool:
        """Return whether the log may be moved into the file when the connections are closed."""
        try:
            self.check()
        except Unavailable:
            self._rescue()
            return False
        finally:
            self._files.close()
        return True

    def _look(self, *, verify: bool) -> None:
        known = self._known
        main, modified = self._files.main()
        self._compare(known, main)
        log = self._files.log(known.log)
        self._compare(known, main, log)
        if verify and modified != known.modified:
            self._verify()
        self._known = _Known(main, modified if verify else known.modified, log)

    def _compare(self, known: _Known, main: MainState, log: LogState | None = None) -> None:
        if main != known.main or (log is not None and not log.follows(known.log)):
            raise self._overwritten()

    def _verify(self) -> None:
        """Check the whole file after it was touched, since it may have been written somewhere.

        A connection of its own is used, which has no page in memory yet.
        """
        try:
            with self.translated(), closing(self._file.connect(read_only=True)) as connection:
                self._verifying = connection
                whole = is_whole(connection, self._file, self._observer)
        finally:
            self._verifying = None
        if not whole:
            raise self.condemn(f"{self._file.path} was damaged while it was open")

    def _rescue(self) -> None:
        """Move a log that was deleted into the file while this process still has it open."""
        with suppress(Unavailable):
            self.refuse()
            self._compare(self._known, self._files.main()[0])
            if not self._file.log.exists() and self._checkpoint():
                self.condemn(f"{self._file.log} was taken away while it was open")

    def _checkpoint(self) -> bool:
        """Move the log into the file, and return whether the whole log is in it now."""
        stamp, whole = (self._known.main.stamp + 1) % _STAMPS, False
        self._is_folding = True
        try:
            with self.translated():
                with self._connection.begin():
                    self._connection.exec_driver_sql(f"PRAGMA user_version={stamp}")
                _, pages, moved = self._driver.execute("PRAGMA wal_checkpoint(PASSIVE)").fetchone()
                whole = pages == moved
        except Unavailable:
            pass  # a disk that is full may have room after the next write
        finally:
            self._remember()
            self._is_folding = False
        if whole and self._known.main.stamp != stamp:
            self._overwritten()
        return whole

    def _remember(self) -> None:
        """Remember the file as the checkpoint left it."""
        with suppress(Unavailable):
            main, modified = self._files.main()
            self._known = _Known(main, modified, self._known.log)
            self._known = _Known(main, modified, self._files.log())

    def _overwritten(self) -> Unavailable:
        return self.condemn(
            f"another program wrote over {self._file.path} or its log while it was open"
        )
