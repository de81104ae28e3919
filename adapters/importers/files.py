"""Open a file as it was downloaded: plain, compressed, or an archive that has conversations."""

import gzip
import io
import re
import zipfile
from collections.abc import Iterator
from contextlib import contextmanager
from typing import BinaryIO

from application.errors import StartRefused

_GZIP = b"\x1f\x8b"
_ZIP = b"PK\x03\x04"

_CONVERSATIONS = re.compile(r"(?:.*/)?conversations[^/]*\.json", re.IGNORECASE)
_LINES = re.compile(r".*\.(?:json|jsonl|ndjson)", re.IGNORECASE)


@contextmanager
def opened(file: BinaryIO) -> Iterator[Iterator[BinaryIO]]:
    """The streams of JSON that a file holds: itself, what is compressed in it or, in an archive,
    the files of conversations, or all of JSON where none is called so. Raises StartRefused."""
    stream = file if isinstance(file, io.BufferedReader) else io.BufferedReader(file)  # type: ignore[type-var]
    begin = stream.peek(len(_ZIP))
    try:
        if begin.startswith(_ZIP):
            if not stream.seekable():
                raise StartRefused("an archive cannot be read from a pipe: give the file itself")
            with zipfile.ZipFile(stream) as archive:
                yield _members(archive)
        elif begin.startswith(_GZIP):
            with gzip.open(stream) as plain:
                yield iter([plain])  # type: ignore[list-item]  # it reads bytes
        else:
            yield iter([stream])
    except (zipfile.BadZipFile, EOFError, gzip.BadGzipFile) as error:
        raise StartRefused(f"the file is damaged: {error}") from error


def _members(archive: zipfile.ZipFile) -> Iterator[BinaryIO]:
    names = sorted(archive.namelist())
    chosen = [name for name in names if _CONVERSATIONS.fullmatch(name)]
    chosen = chosen or [name for name in names if _LINES.fullmatch(name)]
    if not chosen:
        raise StartRefused("the archive has no conversations: no file in it is JSON")
    for name in chosen:
        with archive.open(name) as member:
            yield member  # type: ignore[misc]  # it reads bytes
