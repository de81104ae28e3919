import fcntl
import os
import sqlite3
import stat
import struct
import sys
from pathlib import Path

from adapters.sql.sqlite.access import give, open_or_create, refusal, unusable
from adapters.sql.sqlite.mounts import is_mounted, network_of
from application.errors import StorageRefused

MAGIC = b"SQLite format 3\0"
"""The first bytes of every SQLite file (https://sqlite.org/fileformat2.html section 1.3)."""

_HEADER = struct.Struct(">16xH6xII60xI")
"""The page size, the change counter, the pages, and the counter when those were counted."""

QUICK_BYTES = 64 * 1024 * 1024
"""Below this size a check of the whole file is quick enough for every start."""


BUSY_SECONDS = 2.0
"""How long a write waits for another program's lock on the file."""


class SqliteFile:
    """A database file that this process alone serves."""

    def __init__(self, path: Path) -> None:
        self.path = Path(os.path.realpath(path))
        self.log = Path(f"{self.path}-wal")
        self.index = Path(f"{self.path}-shm")
        self._lock_file = Path(f"{self.path}-lock")
        self._held: list[int] = []
        self._made: list[Path] = []

    @property
    def descriptor(self) -> int:
        """The descriptor of the locked file. It is open until the file is unlocked: to close any
        descriptor of a file gives up the locks that SQLite has on it (https://sqlite.org/howtocorrupt.html
        section 2.2)."""
        return self._held[-1]

    def opened(self, path: Path) -> int:
        """A descriptor to read a file beside it, open until the file is unlocked for the same
        reason."""
        descriptor = os.open(path, os.O_RDONLY | os.O_CLOEXEC)
        self._held.insert(0, descriptor)
        return descriptor

    def lock(self) -> None:
        """Lock the file for this process, making it for its owner's eyes if it is not there.

        Raises StorageRefused. The lock goes with the process, however that ends.
        """
        try:
            self._refuse_mounts()
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
        """Unlock the file, and take away what `lock` has made."""
        for path in self._made:
            path.unlink(missing_ok=True)
        self.unlock()

    def inspect(self) -> bool:
        """Whether the file is there. Raises StorageRefused for what `lock` is refused for, but
        for another process that serves the file. It makes and locks nothing."""
        try:
            self._refuse_mounts()
            beside = (self.log, self.index, self._lock_file, self.path.parent)
            if found := unusable((self.path, *beside)):
                raise StorageRefused(found)
            if is_there := self.path.exists():
                self._refuse_unfit(self.path.stat())
        except OSError as error:
            raise StorageRefused(refusal(error, self.path)) from error
        return is_there

    def is_suspect(self) -> bool:
        """Whether to check the whole file: the last stop was unclean, or the check is quick.

        A clean stop takes the write-ahead log away. Ask before the database is opened.
        """
        return self.has_log() or self.size < QUICK_BYTES

    def is_cut_short(self) -> bool:
        """Whether the file ends before the last page that its header counts.

        A log may hold the pages that lack, so it says nothing beside one, unless the file is empty:
        SQLite makes a database's first page before its log.
        """
        if self.has_log():
            return self.size == 0
        header = os.pread(self.descriptor, _HEADER.size, 0)
        if len(header) < _HEADER.size:
            return False
        _, counter, pages, counted_at = _HEADER.unpack(header)
        return bool(counter == counted_at) and self.size < self.page_size * pages

    def has_log(self) -> bool:
        return self.log.exists() and self.log.stat().st_size > 0

    @property
    def page_size(self) -> int:
        """Of the locked file, which is not empty."""
        size = int.from_bytes(os.pread(self.descriptor, 2, 16))
        return 1 << 16 if size == 1 else size

    @property
    def size(self) -> int:
        return self.path.stat().st_size

    def connect(self, *, read_only: bool) -> sqlite3.Connection:
        """A connection to the file, which is there; also one whose name has a ? or a % in it."""
        mode = "ro" if read_only else "rw"
        return sqlite3.connect(
            f"{self.path.as_uri()}?mode={mode}",
            uri=True,
            timeout=BUSY_SECONDS,
            check_same_thread=False,
            isolation_level=None,
        )

    def unlock(self) -> None:
        """Unlock the file. Ask when no connection to it is open any more."""
        self._made.clear()
        while self._held:
            os.close(self._held.pop())

    def _refuse_mounts(self) -> None:
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
        """Lock the file itself, which may be renamed or have its lock file removed, and the lock
        file, which is all that earlier releases look at."""
        owner = (self.path if self.path.exists() else self.path.parent).stat()
        lock_file, is_made = open_or_create(self._lock_file, owner)
        self._hold_lock(lock_file)
        self._made += [self._lock_file] * is_made
        give(lock_file, owner)
        file, is_made = open_or_create(self.path, owner)
        if sys.platform == "linux":
            self._hold_lock(file)
        else:  # where flock() would keep SQLite's own locks out, and a file has no two mounts
            self._held.append(file)
        self._made += [self.path, self.log, self.index] * is_made

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
