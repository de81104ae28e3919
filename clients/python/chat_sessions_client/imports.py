"""An export in pieces that fit into a request, each of whole sessions. No I/O is done here."""

import json
import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from io import BytesIO
from typing import Any

from chat_sessions_client.shapes import ImportedSession, LeftOut

Line = bytes | str | Mapping[str, Any]
"""A line of an import: as it came out of an export, or as the object that it is."""

REQUEST_BYTES = 64 * 2**20
"""What an import may have, unless the operator has set another limit."""

_PIECE_BYTES = 2**22

_MARK = re.compile(rb'"session"|"discarded"|\\u00[67]')
"""What a line has that begins a session or takes it back; JSON may escape each of the letters."""


@dataclass(slots=True)
class _Session:
    """The lines of a session, and what else comes before the next one begins."""

    before: int
    lines: list[bytes] = field(default_factory=list)
    count: int = 0
    size: int = 0
    begins_at: int | None = None
    external_id: str | None = None
    is_taken_back: bool = False

    def add(self, line: bytes, largest: int) -> None:
        """Of what has more bytes than that nothing is kept."""
        self.count += 1
        self.size += len(line)
        if self.size <= largest:
            self.lines.append(line)
        else:
            self.lines = []

    def begin(self, session: Mapping[str, Any]) -> None:
        self.begins_at = self.before + self.count + 1
        name = session.get("external_id") or session.get("id")
        self.external_id = name if isinstance(name, str) else None

    def refused(self) -> Iterator[ImportedSession]:
        """What is told of it, unless the export itself has taken it back."""
        if not self.is_taken_back:
            reason = f"it has {self.size} bytes, which is more than a request may have"
            yield ImportedSession(
                external_id=self.external_id,
                session_id=None,
                status="refused",
                messages=0,
                left_out=[LeftOut(reason=reason, line=self.begins_at or self.before + 1)],
            )


@dataclass(frozen=True, slots=True)
class Piece:
    """What one request brings."""

    sessions: list[_Session]

    @property
    def content(self) -> bytes:
        """It is empty where a session is too large for any request."""
        return b"".join(line for session in self.sessions for line in session.lines)

    @property
    def is_named(self) -> bool:
        """Whether each session has an id, without which a repeat would store it again."""
        return all(one.begins_at is None or one.external_id for one in self.sessions)

    def halves(self) -> "list[Piece]":
        """Two smaller ones; none where it is one session, which is never cut."""
        middle = len(self.sessions) // 2
        return [Piece(self.sessions[:middle]), Piece(self.sessions[middle:])] if middle else []

    def refused(self) -> Iterator[ImportedSession]:
        for session in self.sessions:
            yield from session.refused()

    def placed(self, told: ImportedSession) -> ImportedSession:
        """The same, with lines that are counted from the first of all pieces."""
        for part in told["left_out"]:
            if "line" in part:
                part["line"] += self.sessions[0].before
        return told


class Pieces:
    """Makes pieces of lines. It holds no more than a request may have, and a piece."""

    def __init__(self, request_bytes: int) -> None:
        self._largest = request_bytes
        self._session = _Session(before=0)
        self._waiting: list[_Session] = []

    def feed(self, given: Line) -> Iterator[Piece]:
        """The pieces that are whole now."""
        for line in BytesIO(line_bytes(given)):
            members = _members(line) if _MARK.search(line) else {}
            if members.get("type") == "session":
                if self._session.begins_at is not None:
                    yield from self._end_session()
                self._session.begin(members)
            elif members.get("type") == "discarded":
                self._session.is_taken_back = True
            self._session.add(line, self._largest)

    def finish(self) -> Iterator[Piece]:
        """The pieces that are left."""
        if self._session.count:
            yield from self._end_session()
        if self._waiting:
            yield Piece(self._waiting)

    def _end_session(self) -> Iterator[Piece]:
        ended = self._session
        self._session = _Session(before=ended.before + ended.count)
        size = sum(session.size for session in self._waiting)
        if self._waiting and size + ended.size > min(_PIECE_BYTES, self._largest):
            yield Piece(self._waiting)
            self._waiting = []
        self._waiting.append(ended)


def line_bytes(line: Line) -> bytes:
    if isinstance(line, Mapping):
        line = json.dumps(line, allow_nan=False, separators=(",", ":"))
    data = line.encode() if isinstance(line, str) else line
    return data if data.endswith(b"\n") else data + b"\n"


def _members(line: bytes) -> Mapping[str, Any]:
    """Those of the object that a line is; none where it is something else."""
    try:
        members = json.loads(line)
    except (ValueError, RecursionError):
        return {}
    return members if isinstance(members, dict) else {}
