"""What can be told of the file and its log without reading them whole."""

import os
from typing import NamedTuple

from adapters.sql.sqlite.file import SqliteFile
from application.errors import Unavailable

_SALTS = 2**32


class MainState(NamedTuple):
    size: int
    header: bytes
    """The first 100 bytes (https://sqlite.org/fileformat2.html section 1.3)."""

    @property
    def stamp(self) -> int:
        """PRAGMA user_version, the 32-bit number at offset 60."""
        return int.from_bytes(self.header[60:64])


class LogState(NamedTuple):
    size: int
    header: bytes
    """The first 32 bytes (https://sqlite.org/fileformat2.html section 4.1)."""

    def follows(self, before: "LogState") -> bool:
        """Whether it is the log from before, with more in it, or begun anew since."""
        if self.header == before.header:
            return self.size >= before.size
        return not before.header or self.salt == (before.salt + 1) % _SALTS

    @property
    def salt(self) -> int:
        """The 32-bit number at offset 16, which is raised by one when the log is begun anew."""
        return int.from_bytes(self.header[16:20])


class OpenFiles:
    """The file, its log and its index as they were when they were opened; the log is begun."""

    def __init__(self, file: SqliteFile) -> None:
        self._main = file.descriptor
        self._log = os.open(file.log, os.O_RDONLY | os.O_CLOEXEC)
        # As texts: this is looked up twice a commit, and pathlib takes longer than the system.
        self._paths = str(file.path), str(file.log), str(file.index)
        self._identities = {path: _identity(os.stat(path)) for path in self._paths}  # noqa: PTH116

    def main(self) -> tuple[MainState, int]:
        """The file's state, and when it was last written or touched, in nanoseconds.

        This and `log` raise Unavailable if a path does not lead to the file that was opened any
        more: what is written then is lost when the process ends.
        """
        status = self._status(self._paths[0])
        return MainState(status.st_size, os.pread(self._main, 100, 0)), status.st_mtime_ns

    def log(self) -> LogState:
        self._status(self._paths[2])
        status = self._status(self._paths[1])
        return LogState(status.st_size, os.pread(self._log, 32, 0))

    def close(self) -> None:
        os.close(self._log)

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
