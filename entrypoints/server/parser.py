"""Parse HTTP/1.1 with httptools, one request at a time, and refuse what proxies may read
differently."""

import string
from http import HTTPStatus
from typing import Literal, Protocol, TypedDict
from urllib.parse import unquote, urlsplit

import httptools

from entrypoints.server.errors import ProtocolError

Headers = list[tuple[bytes, bytes]]

CHUNKS = 10_000
CHUNK_BYTES = 64
"""The average size that chunks must have once there are more than CHUNKS, and so must the pieces
between empty lines in them: smaller ones cost more to read than to send. (A client may well send a
chunk for each token of a model.)"""

CHUNK_FRAME_BYTES = 20
"""The most bytes that frame a chunk: its size in up to 16 digits, and two line ends."""

EXTENSION_BYTES = 256
"""The most bytes of all chunk extensions of a body (RFC 9112 section 7.1.1)."""

METHOD_BYTES = 64

TRAILERS = 100
TRAILER_BYTES = 32 * 1024

_LINE_END = b"\r\n"
_EMPTY_LINE = b"\r\n\r\n"
_VERSIONS = {b"HTTP/1.0": "1.0", b"HTTP/1.1": "1.1"}
_TOKEN = frozenset((string.ascii_letters + string.digits + "!#$%&'*+-.^_`|~").encode())
"""The characters of a method (RFC 9110 section 5.6.2)."""


class RequestFields(TypedDict):
    """The fields of an ASGI scope that come from the request itself."""

    type: Literal["http"]
    http_version: str
    method: str
    path: str
    raw_path: bytes
    query_string: bytes
    headers: Headers


class Events(Protocol):
    """A parser reports a request once its head is complete, then its body in pieces and its end."""

    def on_request(self) -> None: ...

    def on_body(self, body: bytes) -> None: ...

    def on_message_complete(self) -> None: ...


class RequestParser:
    """The parser feeds httptools up to the next empty line, or the end of a body of known length.

    Nothing else ends a request, and httptools alone would read on into the next one.
    """

    def __init__(self, events: Events, head_limit: int) -> None:
        self._events = events
        self._head_limit = head_limit
        self._parser = httptools.HttpRequestParser(self)
        self.begin()

    def begin(self) -> None:
        """Expect another request."""
        self.method = self.target = b""
        self.version = ""
        self.headers: Headers = []
        self.is_begun = self.is_complete = self.keeps_alive = False
        self._head = self._tail = b""
        self._has_head = self._has_unknown_method = self._offers_upgrade = False
        self._to_come = 0  # of a body of known length, in bytes
        self._received = self._body_bytes = self._trailers = 0  # of one in chunks
        self._chunks = self._sections = 0
        self._is_in_chunk = False

    def close(self) -> None:
        """Free the memory of the request. Nothing more can be read."""
        self.begin()
        self._parser = httptools.HttpRequestParser(None)  # the other has references to this one

    @property
    def expects_continue(self) -> bool:
        """Whether the client waits for a 100 before it sends the body (RFC 9110 section 10.1.1)."""
        expected = [value.lower() for name, value in self.headers if name == b"expect"]
        return self.version == "1.1" and b"100-continue" in expected

    def asgi_fields(self) -> RequestFields:
        path, _, query = self.target.partition(b"?")
        return {
            "type": "http",
            "http_version": self.version,
            "method": self.method.decode("ascii"),
            "path": unquote(path.decode("ascii")),
            "raw_path": path,
            "query_string": query,
            "headers": self.headers,
        }

    @staticmethod
    def should_upgrade() -> bool:
        """Tell httptools, which calls this, that no other protocol is accepted."""
        return False

    def feed(self, data: bytes) -> bytes:
        """Read the request's data, and return what comes after it. Raises ProtocolError."""
        position = 0
        while position < len(data) and not self.is_complete:
            if self._to_come:
                position = self._read_body(data, position)
            elif self.is_begun:
                position = self._read_chunks(data, position)
            else:
                position = self._read_head(data, position)
        return data[position:]

    def _read_body(self, data: bytes, begin: int) -> int:
        """Read a piece of a body of known length. As the next two do, return where it ends."""
        end = min(len(data), begin + self._to_come)
        self._to_come -= end - begin
        self._parse(memoryview(data)[begin:end])
        if self.is_complete != (not self._to_come):
            raise _bad_request()
        return end

    def _read_chunks(self, data: bytes, begin: int) -> int:
        end, is_section = self._section(data, begin)
        self._sections += is_section
        self._received += end - begin
        self._parse(memoryview(data)[begin:end])
        framing = self._received - self._body_bytes
        allowed = EXTENSION_BYTES + CHUNK_FRAME_BYTES * self._chunks
        if self._is_in_chunk or self._trailers:
            allowed += TRAILER_BYTES
        if max(self._chunks, self._sections) > max(CHUNKS, self._body_bytes // CHUNK_BYTES):
            raise _bad_request("The body comes in chunks that are too small, or is of empty lines.")
        if framing > allowed or self._trailers > TRAILERS:
            raise _bad_request("The body has too much of chunk extensions or trailers.")
        return end

    def _read_head(self, data: bytes, begin: int) -> int:
        end, is_whole = self._section(data, begin)
        piece = data[begin:end]
        self._head += piece
        if self._head.startswith((b"\r", b"\n")):  # httptools passes over empty lines
            raise _bad_request()
        if len(self._head) > self._head_limit:
            status = HTTPStatus.REQUEST_HEADER_FIELDS_TOO_LARGE
            raise ProtocolError(status, "The head is too large.")
        if not self._has_unknown_method:
            self._parse(piece)
        if self._has_unknown_method:
            self._read_unknown_method(is_whole=is_whole)
        if self._has_head != is_whole:  # httptools finds the end somewhere else
            raise _bad_request()
        if is_whole:
            self._begin_request()
        return end

    def _section(self, data: bytes, begin: int) -> tuple[int, bool]:
        """Return the end of the next empty line and True, or the end of the data and False."""
        tail = self._tail
        seam = (tail + data[begin : begin + 3]).find(_EMPTY_LINE) if tail else -1
        found = data.find(_EMPTY_LINE, begin) if seam < 0 else begin - len(tail) + seam
        if seam < 0 and found < 0:
            self._tail = (tail + data[max(begin, len(data) - 3) :])[-3:]
            return len(data), False
        self._tail = b""
        return found + len(_EMPTY_LINE), True

    def _read_unknown_method(self, *, is_whole: bool) -> None:
        """Read a head with a method that httptools does not know, as if it were a GET.

        The service answers such methods, and none but CONNECT changes where a request ends.
        """
        method = self._head[: METHOD_BYTES + 1].partition(b" ")[0]
        if not method or not _TOKEN.issuperset(method) or len(method) > METHOD_BYTES:
            raise _bad_request()
        if is_whole:
            self._read_anew(b"GET" + self._head[len(method) :])

    def _begin_request(self) -> None:
        line = self._head.partition(_LINE_END)[0].split(b" ")
        self._head = b""
        if len(line) != 3 or line[2] not in _VERSIONS:  # noqa: PLR2004 - RFC 9112 section 3
            raise _bad_request("The service speaks HTTP/1.1.")
        self.method, self.version = line[0], _VERSIONS[line[2]]
        headers = dict(self.headers)
        self._check_framing(headers)
        self.target = _path(self.method, line[1], headers.get(b"host", b""))
        if self._offers_upgrade:
            self._decline_upgrade()
        if not self.is_complete:
            self._to_come = int(headers.get(b"content-length", 0))
        self.is_begun = True
        self.keeps_alive = self.keeps_alive and self.version == "1.1"
        self._events.on_request()
        if self.is_complete:
            self._events.on_message_complete()

    def _check_framing(self, headers: dict[bytes, bytes]) -> None:
        if b"host" not in headers and self.version == "1.1":
            raise _bad_request("A request has a Host (RFC 9112 section 3.2).")
        coding = headers.get(b"transfer-encoding")
        if coding is None:
            return
        if self.version == "1.0":
            raise _bad_request("Transfer-Encoding came with HTTP/1.1 (RFC 9112 section 6.1).")
        count = sum(name == b"transfer-encoding" for name, _ in self.headers)
        if coding.lower() != b"chunked" or count > 1:
            raise _bad_request("The one Transfer-Encoding that is taken is chunked.")

    def _decline_upgrade(self) -> None:
        """Read the head again without the offer to upgrade (RFC 9110 section 7.8): httptools would
        not read the body after one."""
        headers = [header for header in self.headers if header[0] != b"upgrade"]
        self._offers_upgrade = False
        lines = b"".join([b"%b: %b\r\n" % header for header in headers])
        self._read_anew(b"GET / HTTP/1.1\r\n%b\r\n" % lines)

    def _read_anew(self, head: bytes) -> None:
        self._parser = httptools.HttpRequestParser(self)
        self.headers = []
        self._has_head = self.is_complete = self._has_unknown_method = False
        self._parse(head)
        if not self._has_head or self._has_unknown_method:
            raise _bad_request()

    def _parse(self, piece: bytes | memoryview) -> None:
        try:
            self._parser.feed_data(piece)
        except httptools.HttpParserUpgrade:
            self._offers_upgrade = True
        except httptools.HttpParserInvalidMethodError:
            self._has_unknown_method = True
        except httptools.HttpParserError as error:
            raise _bad_request() from error

    # Called by httptools.

    def on_message_begin(self) -> None:
        if self._has_head:
            raise _bad_request()  # the request was over before

    def on_header(self, name: bytes, value: bytes) -> None:
        if self._has_head:
            self._trailers += 1
        else:
            self.headers.append((name.lower(), value.rstrip(b" \t")))

    def on_headers_complete(self) -> None:
        self._has_head = True
        self.keeps_alive = self._parser.should_keep_alive()

    def on_chunk_header(self) -> None:
        self._chunks += 1
        self._is_in_chunk = True

    def on_chunk_complete(self) -> None:
        self._is_in_chunk = False

    def on_body(self, body: bytes) -> None:
        self._body_bytes += len(body)
        self._events.on_body(body)

    def on_message_complete(self) -> None:
        self.is_complete = True
        if self.is_begun:
            self._events.on_message_complete()


def _path(method: bytes, target: bytes, host: bytes) -> bytes:
    """Return the path and query of a request's target (RFC 9112 section 3.2)."""
    if method == b"CONNECT":
        raise _bad_request("The service is no proxy.")
    if target.startswith(b"/") or (method, target) == (b"OPTIONS", b"*"):
        return target
    try:
        url = urlsplit(target.decode("ascii"))
    except ValueError:
        raise _bad_request() from None
    if url.scheme not in {"http", "https"} or not url.netloc or url.fragment:
        raise _bad_request("The target is neither a path nor a URL of the service.")
    if url.netloc.lower() != host.decode("latin-1").lower():
        raise _bad_request("The target and Host name different places.")
    path = url.path or "/"
    return (f"{path}?{url.query}" if url.query else path).encode()


def _bad_request(
    detail: str = "The message breaks the rules of HTTP (RFC 9112).",
) -> ProtocolError:
    return ProtocolError(HTTPStatus.BAD_REQUEST, detail)
