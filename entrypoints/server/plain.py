"""The shortcut for plain exchanges: a request that is plainly right and has come whole, and an
answer sent at once. h11's machine costs such an exchange as much as all else that is done for it.
"""

import re
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

import h11
from h11._headers import Headers

from entrypoints.server.parser import Parser

_LINE = re.compile(rb"(DELETE|GET|PATCH|POST) (/[!-~]*+) HTTP/1\.1\r\n")
_FIELDS = re.compile(rb"(?:[A-Za-z0-9-]++: [!-~]++(?: ++[!-~]++)*+\r\n)++\r\n")
_FIELD = re.compile(rb"([^:]++): ([^\r]++)\r\n")
_LENGTH = re.compile(rb"[0-9]{1,9}")

_OPEN = frozenset({b"expect", b"transfer-encoding", b"upgrade"})
"""What leaves more to be told than a request and its answer."""

_END = h11.EndOfMessage()


class QuickParser(Parser):
    """The parser, with h11's machine left out of it while an exchange is a plain one. Once it is
    not, h11 is told what it missed. h11 takes a plain request alike; a test holds this to it."""

    def __init__(self, head_bytes: int) -> None:
        super().__init__(head_bytes)
        self._is_new = True  # nothing of a next request has been looked at
        self._plain: h11.Request | None = None
        self._coming: list[h11.Event] = []
        self._is_answered = False

    @property
    def is_plain(self) -> bool:
        """Whether the exchange is, and awaits its answer."""
        return self._plain is not None and not self._is_answered

    def answer_plainly(self) -> None:
        """The answer has been sent, which says where it ends, and the connection goes on."""
        self._is_answered = True

    @property
    def our_state(self) -> Any:  # noqa: ANN401 - as h11 has it
        if self._plain is None:
            return super().our_state
        return h11.DONE if self._is_answered else h11.SEND_RESPONSE

    @property
    def their_state(self) -> Any:  # noqa: ANN401 - as h11 has it
        return super().their_state if self._plain is None else h11.DONE

    def next_event(self) -> Any:  # noqa: ANN401 - as h11 has it
        """Raises h11.RemoteProtocolError, which `refusal` explains."""
        if self._is_new:
            if not self._receive_buffer:
                return h11.NEED_DATA
            self._is_new = False
            self._look()
        if self._coming:
            return self._coming.pop(0)
        if self._plain is not None:
            return h11.PAUSED if self._receive_buffer else h11.NEED_DATA
        return super().next_event()

    def send(self, event: h11.Event) -> Any:  # noqa: ANN401 - as h11 has it
        if self._is_answered:
            raise h11.LocalProtocolError("the answer has been sent")
        request, self._plain = self._plain, None
        if request is not None:
            self._process_event(h11.CLIENT, request)
            self._process_event(h11.CLIENT, _END)
        return super().send(event)

    def start_next_cycle(self) -> None:
        if not self._is_answered:
            super().start_next_cycle()
        self._plain, self._is_answered, self._is_new = None, False, True

    def _look(self) -> None:
        found = plain_request(self._receive_buffer._data)  # noqa: SLF001 - the parser's own
        if found is not None:
            self._receive_buffer._extract(found.size)  # noqa: SLF001 - the parser's own
            self._plain = found.head
            self._coming = [found.head, h11.Data(data=found.body), _END]
            if not found.body:
                del self._coming[1]


class _Fields(Headers):
    """h11's, gone through in C: it asks its own for each by number."""

    def __iter__(self) -> Iterator[tuple[bytes, bytes]]:
        return iter([(name, value) for _, name, value in self._full_items])


@dataclass(frozen=True, slots=True)
class PlainRequest:
    head: h11.Request
    body: bytes
    size: int
    """Of both together, in bytes as they came."""


def plain_request(received: bytearray) -> PlainRequest | None:
    """The request at the beginning of what was received, where it is a plain one."""
    line = _LINE.match(received)
    fields = line and _FIELDS.match(received, line.end())
    if not line or not fields:
        return None
    listed = [
        (name, name.lower(), value)
        for name, value in _FIELD.findall(received, line.end(), fields.end())
    ]
    given = {name: value for _, name, value in listed}
    length = given.get(b"content-length", b"0")
    if (
        len(given) < len(listed)
        or b"host" not in given
        or not _OPEN.isdisjoint(given)
        or given.get(b"connection", b"keep-alive").lower() != b"keep-alive"
        or not _LENGTH.fullmatch(length)
    ):
        return None
    begin, end = fields.end(), fields.end() + int(length)
    if len(received) < end:
        return None
    method, target = line.groups()
    head = h11.Request(
        method=method, headers=_Fields(listed), target=target, http_version=b"1.1", _parsed=True
    )
    return PlainRequest(head, bytes(received[begin:end]), end)
