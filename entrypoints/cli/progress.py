"""What is seen of an export or an import while it runs, and after it."""

import io
import os
import sys
from collections import Counter
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, BinaryIO

from domain.transfer import Imported, LeftOut, Losses, Outcome

if TYPE_CHECKING:
    from rich.progress import Progress

REFUSALS_SHOWN = 20


@dataclass(slots=True)
class Summary:
    """What has become of all conversations."""

    dry_run: bool
    kind: str | None = None
    sessions: Counter[Outcome] = field(default_factory=Counter)
    messages: Counter[Outcome] = field(default_factory=Counter)
    losses: Losses = field(default_factory=Losses)
    refusals: list[str] = field(default_factory=list)

    @property
    def refused(self) -> int:
        return self.sessions[Outcome.REFUSED]

    def add(self, imported: Imported) -> None:
        self.sessions[imported.outcome] += 1
        self.messages[imported.outcome] += imported.messages
        for lost in imported.left_out:
            if imported.outcome is not Outcome.REFUSED:
                self.losses.add(LeftOut(lost.reason, lost.count))
            elif len(self.refusals) < REFUSALS_SHOWN:
                self.refusals.append(_refusal(imported, lost))

    def lines(self) -> Iterator[str]:
        """Yield what the operator reads at the end, in lines."""
        if self.kind is None:
            return
        would = "would be " if self.dry_run else ""
        created, kept = Outcome.CREATED, Outcome.KEPT
        yield f"read as {self.kind}"
        yield f"{would}created: {_sessions(self.sessions[created], self.messages[created])}"
        added = self.messages[kept]
        more = f", to which {_messages(added)} {would}added" if added else ""
        yield f"kept as they are: {_sessions(self.sessions[kept])}{more}"
        yield f"refused: {_sessions(self.refused)}"
        for refusal in self.refusals:
            yield f"  {refusal}"
        if self.refused > len(self.refusals):
            yield f"  and {self.refused - len(self.refusals)} more"
        for lost in self.losses.by_reason.values():
            yield f"left out: {lost.count} x {lost.reason}"


def _refusal(imported: Imported, lost: LeftOut) -> str:
    place = "" if lost.line is None else f"line {lost.line}: "
    named = "" if imported.external_id is None else f"{imported.external_id}: "
    return f"{named}{place}{lost.reason}"


def _sessions(count: int, messages: int | None = None) -> str:
    counted = f"{count} session{'' if count == 1 else 's'}"
    return counted if messages is None else f"{counted} with {_messages(messages)}"


def _messages(count: int) -> str:
    return f"{count} message{'' if count == 1 else 's'}"


class _Watched(io.RawIOBase):
    """A file that tells how far it has been read."""

    def __init__(self, file: BinaryIO, advance: Callable[[int], None]) -> None:
        self._file = file
        self._advance = advance

    def readable(self) -> bool:
        return True

    def seekable(self) -> bool:
        return self._file.seekable()

    def seek(self, offset: int, whence: int = io.SEEK_SET, /) -> int:
        return self._file.seek(offset, whence)

    def tell(self) -> int:
        return self._file.tell()

    def readinto(self, buffer: bytearray, /) -> int:  # type: ignore[override]
        data = self._file.read(len(buffer))
        buffer[: len(data)] = data
        self._advance(len(data))
        return len(data)


@contextmanager
def shown_import(file: BinaryIO) -> Iterator[BinaryIO]:
    """Show on a terminal how much of the file has been read."""
    if not sys.stderr.isatty():
        yield file
        return
    size = os.fstat(file.fileno()).st_size or None
    with _bar() as bar:
        task = bar.add_task("import", total=size)
        yield _Watched(file, lambda read: bar.advance(task, read))  # type: ignore[misc]


@contextmanager
def shown_export() -> Iterator[Callable[[bytes], None]]:
    """Show on a terminal how much has been written, unless that is where it is written."""
    if not sys.stderr.isatty() or sys.stdout.isatty():
        yield lambda _: None
        return
    with _bar() as bar:
        task = bar.add_task("export", total=None)
        yield lambda piece: bar.advance(task, len(piece))


def _bar() -> "Progress":
    from rich.console import Console
    from rich.progress import BarColumn, DownloadColumn, Progress, TextColumn, TimeElapsedColumn

    columns = (TextColumn("{task.description}"), BarColumn(), DownloadColumn(), TimeElapsedColumn())
    return Progress(*columns, console=Console(stderr=True), transient=True)
