"""Open a file as it was downloaded: plain, compressed, or an archive that has conversations."""

import gzip
import io
import re
import zipfile
import zlib
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any, BinaryIO

from application.errors import StartRefused

_GZIP = b"\x1f\x8b"
_ENCRYPTED = 1
_ZIP = b"PK\x03\x04"

_CONVERSATIONS = re.compile(r"(?:.*/)?conversations[^/]*\.json", re.IGNORECASE)
_LINES = re.compile(r".*\.(?:json|jsonl|ndjson)", re.IGNORECASE)


BEGIN_BYTES = 4096

Stream = io.BufferedReader | gzip.GzipFile | zipfile.ZipExtFile
"""What bytes are read from, and can be looked at before."""


def begin_of(stream: Stream) -> bytes:
    """The first bytes of a stream, which stay in it."""
    return stream.peek(BEGIN_BYTES)


@contextmanager
def opened(file: BinaryIO) -> Iterator[Iterator[Stream]]:
    """The streams of JSON that a file holds: itself, what is compressed in it or, in an archive,
    the files of conversations, or all of JSON where none is called so. Raises StartRefused."""
    stream: Any = file if isinstance(file, io.BufferedReader) else io.BufferedReader(file)
    begin = begin_of(stream)
    try:
        if begin.startswith(_ZIP):
            if not stream.seekable():
                raise StartRefused("an archive cannot be read from a pipe: give the file itself")
            with zipfile.ZipFile(stream) as archive:
                yield _members(archive)
        elif begin.startswith(_GZIP):
            with gzip.open(stream) as plain:
                yield iter([plain])
        else:
            yield iter([stream])
    except (zipfile.BadZipFile, EOFError, gzip.BadGzipFile, zlib.error) as error:
        raise StartRefused(f"the file is damaged: {error}") from error


def _members(archive: zipfile.ZipFile) -> Iterator[Stream]:
    if any(one.flag_bits & _ENCRYPTED for one in archive.infolist()):
        raise StartRefused("the archive is encrypted: unpack it first")
    names = sorted(archive.namelist())
    chosen = [name for name in names if _CONVERSATIONS.fullmatch(name)]
    chosen = chosen or [name for name in names if _LINES.fullmatch(name)]
    if not chosen:
        raise StartRefused("the archive has no conversations: no file in it is JSON")
    for name in chosen:
        with archive.open(name) as member:
            yield member  # type: ignore[misc]  # a ZipExtFile, as it is opened to be read
