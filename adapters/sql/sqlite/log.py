"""Find commits in a write-ahead log that SQLite will not recover (https://sqlite.org/walformat.html).

SQLite reads a log up to the first frame whose checksum fails, and silently drops every commit after
it. After a power cut that is right: a commit is synced before the next one is written, so only the
last one can be incomplete.
"""

import struct
import sys
from pathlib import Path

_HEADER_BYTES = 32
_FRAME = struct.Struct(">4xI8s8s")
"""The database's pages after a commit, or else 0; the log's salts; the checksum up to here."""

_WORDS = "<" if sys.byteorder == "little" else ">"
"""The byte order of checksums, which is the machine's own. In a log from a machine of the other
order no commit is found."""

_MOST = 1
"""How many whole commits a power cut may leave after a frame that fails."""


def loses_commits(log: Path, frame: int, page_size: int) -> bool:
    """Whether more commits than a power cut explains follow the last frame that SQLite recovered.

    Commits of an earlier log have other salts. Commits that the disk refused, and that were partly
    overwritten by shorter ones, do not continue those ones' checksums.
    """
    with log.open("rb") as file:
        header = file.read(_HEADER_BYTES).ljust(_HEADER_BYTES, b"\0")
        is_whole = _checksum(header[:-8], bytes(8)) == header[-8:]
        salts = header[16:24] if is_whole else None
        length = _FRAME.size + page_size
        file.seek(_HEADER_BYTES + frame * length)
        before, commits = b"", 0
        while len(found := file.read(length)) == length:
            pages, its_salts, checksum = _FRAME.unpack_from(found)
            goes_on = (
                before
                and salts in (None, its_salts)
                and _checksum(found[:8] + found[_FRAME.size :], before) == checksum
            )
            commits = commits + (pages > 0) if goes_on else 0
            if commits > _MOST:
                return True
            before = checksum
    return False


def _checksum(data: bytes, before: bytes) -> bytes:
    """Return the checksum of the data, continued from that of the data before it (section 4.4)."""
    first, second = struct.unpack(">2I", before)
    words = iter(struct.unpack(f"{_WORDS}{len(data) // 4}I", data))
    for odd, even in zip(words, words, strict=True):
        first = (first + odd + second) & 0xFFFFFFFF
        second = (second + even + first) & 0xFFFFFFFF
    return struct.pack(">2I", first, second)
