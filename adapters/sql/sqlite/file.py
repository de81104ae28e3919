import fcntl
import os
import stat
import struct
from pathlib import Path

from application.errors import StorageRefused, Unavailable

MAGIC = b"SQLite format 3\0"
"""The first bytes of every SQLite file (https://sqlite.org/fileformat2.html section 1.3)."""

_HEADER = struct.Struct(">16xH6xII60xI")
"""The page size, the change counter, the pages, and the counter when those were counted."""

QUICK_BYTES = 64 * 1024 * 1024
"""Below this size a check of the whole file is quick enough for every start."""


class SqliteFile:
    """A database file that this process alone serves."""

    def __init__(self, path: Path) -> None:
        self.path = Path(os.path.realpath(path))
        self._lock: int | None = None
        self._identity = (0, 0)

    def claim(self) -> None:
        """Lock the file for this process, making it for its owner's eyes if it is not there.

        Raises StorageRefused. The lock goes with the process, however that ends.
        """
        try:
            self._take_lock()
            self._identity = self._identify()
        except OSError as error:
            self.release()
            raise StorageRefused(f"cannot open {self.path}: {error.strerror}") from error
        except StorageRefused:
            self.release()
            raise

    def is_suspect(self) -> bool:
        """Whether to check the whole file: the last stop was unclean, or the check is quick.

        A clean stop takes the write-ahead log away. Ask before the database is opened.
        """
        return self._has_log() or self.path.stat().st_size < QUICK_BYTES

    def is_cut_short(self) -> bool:
        """Whether the file ends before the last page that its header counts.

        A log may hold the pages that lack, so it says nothing beside one.
        """
        if self._has_log():
            return False
        with self.path.open("rb") as file:
            header = file.read(_HEADER.size)
        if len(header) < _HEADER.size:
            return False
        page_size, counter, pages, counted_at = _HEADER.unpack(header)
        size: int = (1 << 16 if page_size == 1 else page_size) * pages
        return bool(counter == counted_at) and self.path.stat().st_size < size

    def check_in_place(self) -> None:
        """Raise Unavailable if the path does not lead to the claimed file any more: what is
        written then is lost when the process ends."""
        try:
            status = self.path.stat()
        except OSError as error:
            raise Unavailable(f"{self.path}: {error.strerror}") from error
        if (status.st_dev, status.st_ino) != self._identity:
            raise Unavailable(f"{self.path} was replaced while it was open")

    def release(self) -> None:
        if self._lock is not None:
            os.close(self._lock)
            self._lock = None

    def _has_log(self) -> bool:
        log = Path(f"{self.path}-wal")
        return log.exists() and log.stat().st_size > 0

    def _identify(self) -> tuple[int, int]:
        flags = os.O_RDWR | os.O_CREAT | os.O_NONBLOCK | os.O_CLOEXEC
        file = os.open(self.path, flags, 0o600)
        try:
            status = os.fstat(file)
            if not stat.S_ISREG(status.st_mode):
                raise StorageRefused(f"{self.path} is no regular file")
            if status.st_nlink > 1:
                raise StorageRefused(f"{self.path} has a second name, which another could serve")
            if os.read(file, len(MAGIC)) not in (MAGIC, b""):
                raise StorageRefused(f"{self.path} is no SQLite database")
        finally:
            os.close(file)
        return status.st_dev, status.st_ino

    def _take_lock(self) -> None:
        flags = os.O_RDWR | os.O_CREAT | os.O_CLOEXEC
        self._lock = os.open(f"{self.path}-lock", flags, 0o600)
        try:
            fcntl.flock(self._lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            self.release()
            raise StorageRefused(
                f"{self.path} is served by another process: SQLite takes one, PostgreSQL many"
            ) from None
