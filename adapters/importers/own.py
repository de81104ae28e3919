"""Our own export: lines of JSON, as `GET /export` gives them."""

from collections.abc import Iterator

from adapters.importers.files import Stream
from application.line_reader import FORMAT, LineReader
from domain.transfer import Part

LINE_MAX = 32 * 1024 * 1024
"""Bytes of one line, at most: more than the largest message takes."""


def is_own(begin: bytes) -> bool:
    """Whether a file that begins so is one."""
    first = begin.partition(b"\n")[0]
    return FORMAT.encode() in first or b'"type":"session"' in first.replace(b" ", b"")


def lines(stream: Stream) -> Iterator[list[Part]]:
    """Yield what each line means."""
    reader = LineReader()
    while line := stream.readline(LINE_MAX + 1):
        if len(line) <= LINE_MAX:
            yield reader.read(line)
            continue
        yield reader.too_long(LINE_MAX)
        while line and not line.endswith(b"\n"):
            line = stream.readline(LINE_MAX)
