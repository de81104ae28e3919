import sqlite3
from contextlib import ExitStack

from sqlalchemy import Connection

from adapters.sql.observer import NULL_OBSERVER, Observer
from adapters.sql.schema import REVISION
from adapters.sql.sqlite.access import unusable
from adapters.sql.sqlite.connections import (
    Connections,
    close,
    connect_reader,
    connect_writer,
)
from adapters.sql.sqlite.driver import driver_of
from adapters.sql.sqlite.errors import DRIVER_ERRORS, is_damage
from adapters.sql.sqlite.file import SqliteFile
from adapters.sql.sqlite.integrity import counts_agree, interrupt, is_whole
from adapters.sql.sqlite.log import loses_commits
from adapters.sql.sqlite.revision import (
    APPLICATION_ID,
    recognized_revision,
    refuse_incomplete,
    refuse_newer,
)
from adapters.sql.sqlite.state import OpenFiles
from application.errors import StorageRefused, Unavailable


class Opening:
    """An opening locks, checks and migrates a file, on a thread that another may interrupt."""

    def __init__(self, file: SqliteFile, observer: Observer) -> None:
        self._file = file
        self._observer = observer
        self._running: sqlite3.Connection | None = None
        self._had_log = False

    def run(self) -> Connections:
        """Open the file. Raises StorageRefused.

        If it raises, the file is unlocked, its log untouched, and no new file left behind.
        """
        self._file.lock()
        try:
            return self._open()
        except BaseException as error:
            self._file.withdraw()
            if isinstance(error, (*DRIVER_ERRORS, Unavailable)):
                raise StorageRefused(self._refusal(error)) from error
            raise

    def interrupt(self) -> None:
        """Interrupt the statement that is running."""
        if (running := self._running) is not None:
            interrupt(running)

    def _open(self) -> Connections:
        self._file.undo_half_made()
        self._had_log, is_suspect = self._file.has_log(), self._file.is_suspect()
        if self._file.is_cut_short():
            raise StorageRefused(self._damaged())
        with ExitStack() as undoing:
            reader = connect_reader(self._file, self._observer)
            undoing.callback(close, reader)
            revision = recognized_revision(self._file, driver_of(reader))
            writing = connect_writer(self._file, self._observer)
            undoing.callback(close, writing)
            # A reader holds its lock from its first read of the log on: the writer, if it is closed
            # first, is then not the last, and folds nothing.
            driver_of(reader).execute("PRAGMA schema_version").fetchone()
            self._running = driver_of(writing)
            try:
                with writing.begin():
                    self._prepare(writing, revision, is_suspect=is_suspect)
            finally:
                self._running = None
            opened = Connections(self._file, self._observer, reader, writing)
            undoing.pop_all()
        return opened

    def _prepare(self, connection: Connection, revision: str | None, *, is_suspect: bool) -> None:
        path, pragma = self._file.path, connection.exec_driver_sql
        if pragma("PRAGMA journal_mode").scalar() != "wal":
            raise StorageRefused(_NO_SHARED_MEMORY.format(path))
        if self._had_log:
            self._refuse_lost_commits()
        if is_suspect and not self._is_whole(driver_of(connection), revision):
            raise StorageRefused(self._damaged())
        if revision != REVISION:
            self._migrate(connection, revision)
        refuse_incomplete(self._file, connection)
        # Written at every start: what cannot be written is refused here, not at a request.
        pragma(f"PRAGMA application_id={APPLICATION_ID}")

    def _refuse_lost_commits(self) -> None:
        files = OpenFiles(self._file)
        frame = files.log().end.frame
        files.close()
        if loses_commits(self._file.log, frame, self._file.page_size):
            raise StorageRefused(
                f"{self._file.log} is damaged in its midst, and what was acknowledged after that "
                "would be lost: restore a backup, with no log beside it"
            )

    def _is_whole(self, connection: sqlite3.Connection, revision: str | None) -> bool:
        """Whether the file is undamaged. The check is reported if the last stop was unclean.

        After an unclean stop the counts are checked too: if a backup of the file was restored
        beside the old log, the log belongs to another state.
        """
        observer = self._observer if self._had_log else NULL_OBSERVER
        if not is_whole(connection, self._file, observer):
            return False
        return not (self._had_log and revision == REVISION) or counts_agree(connection)

    def _migrate(self, connection: Connection, revision: str | None) -> None:
        from adapters.sql import migrations  # noqa: PLC0415 - Alembic is slow to import

        refuse_newer(self._file, revision)
        migrations.upgrade(connection)

    def _damaged(self) -> str:
        if not self._had_log:
            return f"{self._file.path} is damaged: restore it from a backup"
        return (
            f"{self._file.path} is damaged, or {self._file.log.name} is the log of another file: "
            "restore a backup, with no log beside it"
        )

    def _refusal(self, error: BaseException) -> str:
        reason = getattr(error, "orig", error)
        if is_damage(reason):
            return self._damaged()
        if getattr(reason, "sqlite_errorcode", None) == sqlite3.SQLITE_IOERR_SHMMAP:
            return _NO_SHARED_MEMORY.format(self._file.path)
        file = self._file
        found = unusable((file.path, file.log, file.index, file.path.parent))
        return f"cannot use {file.path}: {reason}" if found is None else found


_NO_SHARED_MEMORY = "{} is on a file system without shared memory: put it on a local disk"
