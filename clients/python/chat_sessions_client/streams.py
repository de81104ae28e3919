"""What is read from streams, piece by piece: lines of JSON and server-sent events. No I/O is done
here."""

import json
from typing import Any, cast

from chat_sessions_client.errors import IncompleteExport, UnexpectedAnswer
from chat_sessions_client.shapes import Event


class LineReader:
    """Cuts pieces of bytes into lines."""

    def __init__(self) -> None:
        self._rest: list[bytes] = []

    def feed(self, piece: bytes) -> list[bytes]:
        """The lines that are whole with this piece, each with its end."""
        *lines, rest = piece.split(b"\n")
        if lines:
            lines[0] = b"".join([*self._rest, lines[0]])
            self._rest = []
        if rest:
            self._rest.append(rest)
        return [line + b"\n" for line in lines]

    def rest(self) -> bytes:
        """What came after the last line's end."""
        return b"".join(self._rest)


class ExportReader(LineReader):
    """The lines of an export, of which the footer is the last."""

    _last = b""

    def feed(self, piece: bytes) -> list[bytes]:
        lines = super().feed(piece)
        self._last = lines[-1] if lines else self._last
        return lines

    def finish(self) -> None:
        """Raises IncompleteExport if the footer has not come."""
        if self.rest() or not self._last.startswith(b'{"type":"footer"'):
            raise IncompleteExport("the export ended before its footer; ask for it again")


class EventReader:
    """The events of a session, through any number of connections.

    `position` is what the next one sends as Last-Event-ID, `pause` how many seconds before it the
    service asked for.
    """

    def __init__(self, position: int | None) -> None:
        self.position = position
        self.pause = 1.0
        self._lines = LineReader()
        self._fields: dict[str, str] = {}

    def reconnect(self) -> None:
        """Forget what the last connection did not send to its end."""
        self._lines = LineReader()
        self._fields = {}

    def feed(self, piece: bytes) -> list[Event]:
        """The events that are whole with this piece; none that was given before."""
        found = []
        for line in self._lines.feed(piece):
            text = line.decode(errors="replace").rstrip("\r\n")
            if text:
                self._read_field(text)
            elif (event := self._end_block()) is not None:
                found.append(event)
        return found

    def _read_field(self, line: str) -> None:
        name, _, value = line.partition(":")
        value = value.removeprefix(" ")
        if name == "data" and "data" in self._fields:
            value = f"{self._fields['data']}\n{value}"
        self._fields[name] = value

    def _end_block(self) -> Event | None:
        fields, self._fields = self._fields, {}
        if fields.get("retry", "").isdecimal():
            self.pause = int(fields["retry"]) / 1000
        id_ = int(fields["id"]) if fields.get("id", "").isdecimal() else None
        is_old = "event" in fields and not self._is_new(id_)
        self.position = self.position if id_ is None or is_old else id_
        if "data" not in fields or is_old:
            return None
        data = json_line(fields["data"])
        return cast("Event", {"event": fields.get("event", ""), "id": id_, "data": data})

    def _is_new(self, id_: int | None) -> bool:
        return id_ is None or self.position is None or id_ > self.position


def json_line(line: bytes | str) -> Any:  # noqa: ANN401 - the caller says what it is
    try:
        return json.loads(line)
    except (ValueError, RecursionError):
        raise UnexpectedAnswer("a line of the answer is no JSON") from None
