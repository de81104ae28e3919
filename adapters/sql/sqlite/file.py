import fcntl
import os
import sqlite3
import stat
import struct
import sys
from contextlib import closing
from pathlib import Path

from adapters.sql.sqlite.access import give, open_or_create, refusal, unusable
from adapters.sql.sqlite.mounts import is_mounted, network_of
from application.errors import StorageRefused

MAGIC = b"SQLite format 3\0"
"""The first bytes of every SQLite file (https://sqlite.org/fileformat2.html section 1.3)."""

_HEADER = struct.Struct(">16xH6xII60xI")
"""The page size, the change counter, the number of pages, and the counter when that was written."""

QUICK_BYTES = 64 * 1024 * 1024
"""The size below which the whole file is checked at every start."""


BUSY_SECONDS = 2.0
"""How long a write waits for another program's lock on the file."""


class SqliteFile:
    """A database file is served by this process alone, which locks it."""

    def __init__(self, path: Path) -> None:
        self.path = Path(os.path.realpath(path))
        self.log = Path(f"{self.path}-wal")
        self.index = Path(f"{self.path}-shm")
        self._journal = Path(f"{self.path}-journal")
        self._lock_file = Path(f"{self.path}-lock")
        self._held: list[int] = []
        self._made: list[Path] = []

    @property
    def descriptor(self) -> int:
        """The descriptor of the locked file, which stays open until the file is unlocked.

        Closing any descriptor of a file gives up the locks that SQLite has on it
        (https://sqlite.org/howtocorrupt.html section 2.2).
        """
        return self._held[-1]

    def opened(self, path: Path) -> int:
        """Open a file beside it to read, until the file is unlocked, for the same reason."""
        descriptor = os.open(path, os.O_RDONLY | os.O_CLOEXEC)
        self._held.insert(0, descriptor)
        return descriptor

    def lock(self) -> None:
        """Lock the file for this process, and create it with mode 0600 if it does not exist.

        The lock ends with the process, however that ends. Raises StorageRefused.
        """
        try:
            self._refuse_place()
            self._take_locks()
            self._refuse_unfit(os.fstat(self.descriptor))
            self._refuse_another_format()
        except OSError as error:
            self.withdraw()
            raise StorageRefused(refusal(error, self.path)) from error
        except StorageRefused:
            self.withdraw()
            raise

    def withdraw(self) -> None:
        """Unlock the file, and delete the files that `lock` has created."""
        for path in self._made:
            path.unlink(missing_ok=True)
        self.unlock()

    def inspect(self) -> bool:
        """Whether the file exists. Nothing is created or locked.

        Raises StorageRefused where `lock` would, unless that is because another process serves it.
        """
        try:
            self._refuse_place()
            beside = (self.log, self.index, self._lock_file, self.path.parent)
            if found := unusable((self.path, *beside)):
                raise StorageRefused(found)
            self._refuse_log_alone()
            if is_there := self.path.exists():
                self._refuse_unfit(self.path.stat())
        except OSError as error:
            raise StorageRefused(refusal(error, self.path)) from error
        return is_there

    def is_suspect(self) -> bool:
        """Whether to check the whole file, since the last stop was unclean or the check is quick.

        A clean stop removes the write-ahead log. Ask before the database is opened.
        """
        return self.has_log() or self.size < QUICK_BYTES

    def is_cut_short(self) -> bool:
        """Whether the file ends before the last page that its header counts.

        Missing pages may be in a log.
        """
        if self.has_log():
            return False
        header = os.pread(self.descriptor, _HEADER.size, 0)
        if len(header) < _HEADER.size:
            return False
        _, counter, pages, counted_at = _HEADER.unpack(header)
        return bool(counter == counted_at) and self.size < self.page_size * pages

    def undo_half_made(self) -> None:
        """Empty a file that a start was making when it was cut off: SQLite writes the first page
        with a journal beside it, which a connection that only reads cannot roll back."""
        if self._journal.exists() and not self.has_log() and self.size <= self.page_size:
            with closing(self.connect(read_only=False)) as connection:
                connection.execute("PRAGMA schema_version").fetchone()

    def has_log(self) -> bool:
        try:
            return self.log.stat().st_size > 0
        except FileNotFoundError:
            return False

    @property
    def page_size(self) -> int:
        """The page size of the locked file; 0 if that is empty."""
        size = int.from_bytes(os.pread(self.descriptor, 2, 16))
        return 1 << 16 if size == 1 else size

    @property
    def size(self) -> int:
        return self.path.stat().st_size

    def connect(self, *, read_only: bool) -> sqlite3.Connection:
        """Connect to the file, which must exist. Its name may have a ? or a % in it."""
        mode = "ro" if read_only else "rw"
        return sqlite3.connect(
            f"{self.path.as_uri()}?mode={mode}",
            uri=True,
            timeout=BUSY_SECONDS,
            check_same_thread=False,
            isolation_level=None,
        )

    def unlock(self) -> None:
        """Unlock the file, once no connection to it is open any more."""
        self._made.clear()
        while self._held:
            os.close(self._held.pop())

    def _refuse_log_alone(self) -> None:
        """Refuse a log whose file is gone or empty. SQLite writes a file's first page before its
        log, and deletes the log of an empty one when it opens that, even to read only."""
        if self.has_log() and not (self.path.exists() and self.size):
            what = "damaged, as it is empty" if self.path.exists() else "gone"
            raise StorageRefused(
                f"{self.path} is {what}, and what was written last is in {self.log.name} beside "
                "it: put the file back, or restore a backup, with no log beside it"
            )

    def _refuse_place(self) -> None:
        if self.path.is_dir():
            raise StorageRefused(f"{self.path} is a folder: name a file in it")
        for path in (self.path, self.log, self.index, self._lock_file):
            if is_mounted(path):
                raise StorageRefused(
                    f"{path} is mounted by itself, and what is written goes to files beside it: "
                    f"mount the folder {self.path.parent} in place of the file"
                )
        network = network_of(self.path.parent)
        if network is not None:
            raise StorageRefused(
                f"{self.path} is on a network file system ({network}), where SQLite loses data: "
                "put it on a local disk, or use PostgreSQL"
            )

    def _take_locks(self) -> None:
        """Lock the file and its lock file.

        The lock file can be removed, or the file renamed; earlier releases check the lock file
        alone.
        """
        owner = (self.path if self.path.exists() else self.path.parent).stat()
        lock_file, is_made = open_or_create(self._lock_file, owner)
        self._hold_lock(lock_file)
        self._made += [self._lock_file] * is_made
        give(lock_file, owner)
        self._refuse_log_alone()
        new = [path for path in (self.path, self.log, self.index) if not path.exists()]
        file, is_made = open_or_create(self.path, owner)
        if sys.platform == "linux":
            self._hold_lock(file)
        else:  # where flock() would keep SQLite's own locks out, and a file has no two mounts
            self._held.append(file)
        self._made += new * is_made

    def _hold_lock(self, file: int) -> None:
        self._held.append(file)
        try:
            fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            raise StorageRefused(
                f"{self.path} is served by another process: SQLite takes one, PostgreSQL many"
            ) from None

    def _refuse_unfit(self, status: os.stat_result) -> None:
        if not stat.S_ISREG(status.st_mode):
            raise StorageRefused(f"{self.path} is no regular file")
        if status.st_nlink > 1:
            raise StorageRefused(f"{self.path} has a second name, which another could serve")

    def _refuse_another_format(self) -> None:
        if os.pread(self.descriptor, len(MAGIC), 0) not in (MAGIC, b""):
            raise StorageRefused(f"{self.path} is no SQLite database")
