"""Read the state of the file and its log from their headers, without reading them whole."""

import os
import struct
from typing import NamedTuple

from adapters.sql.sqlite.file import SqliteFile
from application.errors import Unavailable

_SALTS = 2**32

_INDEX = struct.Struct("=14xHI12x8s")
"""The page size, the number of the log's last frame and the log's salts, in the byte order of the
machine (https://sqlite.org/walformat.html section 2.1)."""

_LOG_HEADER, _FRAME_HEADER = 32, 24
"""The headers' sizes in bytes (https://sqlite.org/fileformat2.html sections 4.1 and 4.2)."""


class MainState(NamedTuple):
    size: int
    header: bytes
    """The first 100 bytes (https://sqlite.org/fileformat2.html section 1.3)."""

    @property
    def stamp(self) -> int:
        """PRAGMA user_version, the 32-bit number at offset 60."""
        return int.from_bytes(self.header[60:64])


class LogEnd(NamedTuple):
    """The end of the log's last commit, according to the log's index."""

    salts: bytes
    frame: int
    """The number of the last frame, or 0 in an empty log."""
    at: int
    """The frame's offset in the log."""
    header: bytes
    """The frame's header, which contains a checksum of all frames up to it."""


class LogState(NamedTuple):
    size: int
    header: bytes
    """The first 32 bytes (https://sqlite.org/fileformat2.html section 4.1)."""
    end: LogEnd
    known: bytes
    """The frame header that is now where the log ended before."""

    def follows(self, before: "LogState") -> bool:
        """Whether this is the earlier log with more in it, or one that SQLite has begun since."""
        if self.header == before.header:
            return self.size >= before.size and self._goes_on(before.end)
        return not before.header or self.salt == (before.salt + 1) % _SALTS

    def _goes_on(self, end: LogEnd) -> bool:
        """Whether the earlier commits are still there, in the log and in its index."""
        if self.end.salts != end.salts:
            return True  # SQLite is about to begin another log
        return self.end.frame >= end.frame and (not end.frame or self.known == end.header)

    @property
    def salt(self) -> int:
        """The 32-bit number at offset 16, which each new log raises by one."""
        return int.from_bytes(self.header[16:20])


class OpenFiles:
    """The open file, its log, which must have begun, and the log's index."""

    def __init__(self, file: SqliteFile) -> None:
        self._main = file.descriptor
        self._log = os.open(file.log, os.O_RDONLY | os.O_CLOEXEC)
        self._index = file.opened(file.index)
        # As texts: this is looked up twice a commit, and pathlib takes longer than the system.
        self._paths = str(file.path), str(file.log), str(file.index)
        self._identities = {path: _identity(os.stat(path)) for path in self._paths}  # noqa: PTH116

    def main(self) -> tuple[MainState, int]:
        """Return the file's state, and when it was last written or touched, in nanoseconds.

        This and `log` raise Unavailable if a path no longer leads to the file that was opened:
        what is written then is lost when the process ends.
        """
        status = self._status(self._paths[0])
        return MainState(status.st_size, os.pread(self._main, 100, 0)), status.st_mtime_ns

    def log(self, before: LogState | None = None) -> LogState:
        """Return the log's state, with the frame header that is now at an earlier state's end."""
        self._status(self._paths[2])
        status = self._status(self._paths[1])
        end = self._end()
        known = end.header if before is None else self._frame(before.end.at)
        return LogState(status.st_size, os.pread(self._log, _LOG_HEADER, 0), end, known)

    def close(self) -> None:
        os.close(self._log)

    def _end(self) -> LogEnd:
        header = os.pread(self._index, _INDEX.size, 0)
        if len(header) < _INDEX.size:
            raise Unavailable(f"{self._paths[2]} was cut off while it was open")
        page, frame, salts = _INDEX.unpack(header)
        length = _FRAME_HEADER + (1 << 16 if page == 1 else page)
        at = _LOG_HEADER + max(0, frame - 1) * length
        return LogEnd(salts, frame, at, self._frame(at) if frame else b"")

    def _frame(self, at: int) -> bytes:
        return os.pread(self._log, _FRAME_HEADER, at)

    def _status(self, path: str) -> os.stat_result:
        try:
            status = os.stat(path)  # noqa: PTH116 - likewise
        except OSError as error:
            raise Unavailable(
                f"{path} was taken away while it was open: {error.strerror}"
            ) from error
        if _identity(status) != self._identities[path]:
            raise Unavailable(f"{path} was replaced while it was open")
        return status


def _identity(status: os.stat_result) -> tuple[int, int]:
    return status.st_dev, status.st_ino
