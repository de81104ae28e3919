"""h11 without what it lets pass and a reader in front may take for something else."""

import re

import h11
from h11._receivebuffer import ReceiveBuffer

_BARE_LINE_FEED = re.compile(rb"(?<!\r)\n")
_ABSOLUTE = re.compile(rb"https?://([^/?#@]+)([/?].*)?", re.IGNORECASE)
_END = b"\r\n\r\n"


HEAD_BYTES = 256 * 1024
"""What is taken of a head; one over the contract's limits is then refused as 431."""


CHUNKS = 250
CHUNK_BYTES = 64
"""Past so many chunks they must have as many bytes on average: smaller ones cost more to read than
to send."""

LINE_BYTES = 256
"""Of the line that begins a chunk."""

TRAILERS = 100


class NotHttp(h11.RemoteProtocolError):
    """The text says why, and repeats nothing of the message."""


class Parser(h11.Connection):
    """Lines end in CR LF and are not folded (RFC 9112 sections 2.2 and 5.2). A target in absolute
    form becomes the path that it names (section 3.2.2)."""

    def __init__(self, head_bytes: int) -> None:
        super().__init__(h11.SERVER, head_bytes)
        self._receive_buffer = _Lines()
        self.refusal = "The message breaks the rules of HTTP/1.1 (RFC 9112)."
        self.is_too_large = False
        self._chunks = self._chunked_bytes = 0

    @property
    def unread(self) -> int:
        """What has been received and is of no event yet, in bytes."""
        return len(self._receive_buffer)

    def forget(self) -> None:
        """Free what has been received. Nothing more is to be read."""
        self._receive_buffer = _Lines()

    def next_event(self) -> h11.Event | type[h11.NEED_DATA] | type[h11.PAUSED]:
        """Raises h11.RemoteProtocolError, which `refusal` explains."""
        reads_head = self.their_state is h11.IDLE
        try:
            return self._checked(super().next_event())
        except NotHttp as error:
            self.refusal = str(error)  # not the error, whose frames would keep what was received
            raise
        except h11.RemoteProtocolError as error:
            self.is_too_large = reads_head and error.error_status_hint == 431  # noqa: PLR2004
            raise

    def _checked(
        self, event: h11.Event | type[h11.NEED_DATA] | type[h11.PAUSED]
    ) -> h11.Event | type[h11.NEED_DATA] | type[h11.PAUSED]:
        match event:
            case h11.Request():
                self._chunks = self._chunked_bytes = 0
                return _unambiguous(event)
            case h11.Data():
                self._chunks += event.chunk_start
                self._chunked_bytes += len(event.data)
                if self._chunks > max(CHUNKS, self._chunked_bytes // CHUNK_BYTES):
                    raise NotHttp("The body comes in chunks that are too small.")
            case h11.EndOfMessage() if len(event.headers) > TRAILERS:
                raise NotHttp("The body has too many trailers.")
        return event


class _Lines(ReceiveBuffer):
    def maybe_extract_next_line(self) -> bytearray | None:
        """The line that begins a chunk."""
        line = super().maybe_extract_next_line()
        if len(self._data if line is None else line) > LINE_BYTES:
            raise h11.LocalProtocolError("a chunk's extensions are too long")
        if line is not None and (b"\r" in line[:-2] or b"\n" in line[:-2]):
            raise h11.LocalProtocolError("a line ends without CR LF")
        return line

    def maybe_extract_lines(self) -> list[bytearray] | None:
        if self._data.startswith(b"\r\n"):
            self._extract(2)
            return []
        begin = max(0, self._multiple_lines_search - len(_END))
        end = self._data.find(_END, begin)
        stop = len(self._data) if end < 0 else end
        if _BARE_LINE_FEED.search(self._data, begin, stop):
            raise h11.LocalProtocolError("a line ends without CR")
        if end < 0:
            self._multiple_lines_search = stop
            return None
        lines = self._extract(end + len(_END))[:end].split(b"\r\n")
        if any(line.startswith((b" ", b"\t")) for line in lines):
            raise h11.LocalProtocolError("a line is folded")
        return lines


def _unambiguous(request: h11.Request) -> h11.Request:
    headers = dict(request.headers)
    if not request.http_version.startswith(b"1."):
        raise NotHttp("The service speaks HTTP/1.1.")
    if request.http_version == b"1.0" and b"transfer-encoding" in headers:
        raise NotHttp("Transfer-Encoding came with HTTP/1.1 (RFC 9112 section 6.1).")
    if request.target.startswith(b"/") or (request.method, request.target) == (b"OPTIONS", b"*"):
        return request
    absolute = _ABSOLUTE.fullmatch(request.target)
    if not absolute or request.method == b"CONNECT":
        raise NotHttp("The target is neither a path nor a URL of the service.")
    authority, path = absolute.groups(b"")
    if authority.lower() != headers.get(b"host", b"").lower():
        raise NotHttp("The target and Host name different places.")
    return h11.Request(
        method=request.method,
        headers=request.headers,
        target=path if path.startswith(b"/") else b"/" + path,
        http_version=request.http_version,
    )
