"""Requests are read one at a time, alike in whatever pieces they come."""

from collections.abc import Iterable, Mapping

import pytest
from hypothesis import given
from hypothesis import strategies as st

from entrypoints.server.errors import ProtocolError
from entrypoints.server.parser import RequestParser
from tests.smuggling import Smuggler

LIMIT = 1000
HOST = b"Host: chat.example\r\n"
GET = b"GET /sessions?limit=5 HTTP/1.1\r\n" + HOST
POST = b"POST /sessions HTTP/1.1\r\n" + HOST
CHUNKED = b"Transfer-Encoding: chunked\r\n"
OFFER = b"Connection: Upgrade, HTTP2-Settings\r\nUpgrade: h2c\r\n"

Request = tuple[str, dict[str, str], str]
"""Its method, target and version, its headers, and its body."""


class Reader:
    """Answers each request at once, and goes on to the next one."""

    def __init__(self) -> None:
        self.read: list[Request] = []
        self.parser = RequestParser(self, LIMIT)
        self._body = b""

    def take(self, data: bytes) -> None:
        while data:
            data = self.parser.feed(data)
            if self.parser.is_complete:
                self.parser.begin()

    def on_request(self) -> None:
        self._body = b""

    def on_body(self, body: bytes) -> None:
        self._body += body

    def on_message_complete(self) -> None:
        line = f"{self.parser.method.decode()} {self.parser.target.decode()} {self.parser.version}"
        headers = {name.decode(): value.decode() for name, value in self.parser.headers}
        self.read.append((line, headers, self._body.decode()))


def read(pieces: Iterable[bytes]) -> tuple[list[Request], str]:
    """What is read, and why no more is."""
    reader = Reader()
    try:
        for piece in pieces:
            reader.take(piece)
    except ProtocolError as error:
        return reader.read, error.detail
    return reader.read, ""


REQUESTS: Mapping[str, tuple[bytes, str, dict[str, str], str]] = {
    "no body": (GET + b"\r\n", "GET /sessions?limit=5 1.1", {}, ""),
    "white space": (GET + b"A:\t b  c \t\r\n\r\n", "GET /sessions?limit=5 1.1", {"a": "b  c"}, ""),
    "a length": (
        POST + b"Content-Length: 4\r\n\r\n\r\n\r\n",
        "POST /sessions 1.1",
        {"content-length": "4"},
        "\r\n\r\n",
    ),
    "chunks": (
        POST + CHUNKED + b'\r\n6;a="b"\r\n{\r\n\r\n}\r\n0\r\n\r\n',
        "POST /sessions 1.1",
        {"transfer-encoding": "chunked"},
        "{\r\n\r\n}",
    ),
    "trailers": (
        POST + CHUNKED + b"\r\n2\r\n{}\r\n0\r\nAuthorization: x\r\nHost: y\r\n\r\n",
        "POST /sessions 1.1",
        {"transfer-encoding": "chunked"},
        "{}",
    ),
    "an offer": (
        POST + OFFER + b"Content-Length: 2\r\n\r\n{}",
        "POST /sessions 1.1",
        {"connection": "Upgrade, HTTP2-Settings", "content-length": "2"},
        "{}",
    ),
    "an offer before chunks": (
        POST + OFFER + CHUNKED + b"\r\n2\r\n{}\r\n0\r\n\r\n",
        "POST /sessions 1.1",
        {"connection": "Upgrade, HTTP2-Settings", "transfer-encoding": "chunked"},
        "{}",
    ),
    "an unknown method": (b"FOO /x HTTP/1.1\r\n" + HOST + b"\r\n", "FOO /x 1.1", {}, ""),
    "an unknown method, an offer and a body": (
        b"get / HTTP/1.1\r\n" + HOST + OFFER + b"Content-Length: 1\r\n\r\n1",
        "get / 1.1",
        {"connection": "Upgrade, HTTP2-Settings", "content-length": "1"},
        "1",
    ),
    "a URL": (b"GET HTTP://Chat.example?a HTTP/1.1\r\n" + HOST + b"\r\n", "GET /?a 1.1", {}, ""),
}


@pytest.mark.parametrize(("sent", "line", "headers", "body"), REQUESTS.values(), ids=REQUESTS)
def test_a_request_is_read_alike_in_whatever_pieces_it_comes(
    sent: bytes, line: str, headers: dict[str, str], body: str
) -> None:
    """So are requests that come at once."""
    expected = [(line, {"host": "chat.example", **headers}, body)] * 2
    assert read([sent * 2]) == (expected, "")
    assert read([sent, sent]) == (expected, "")
    assert read(bytes([one]) for one in sent * 2) == (expected, "")


@pytest.mark.parametrize(
    ("sent", "keeps_alive"),
    [
        (GET, True),
        (GET + OFFER, True),
        (GET + b"Connection: keep-alive, close\r\n", False),
        (b"GET / HTTP/1.0\r\nConnection: keep-alive\r\n", False),
    ],
)
def test_a_request_says_whether_others_may_follow(sent: bytes, *, keeps_alive: bool) -> None:
    parser = Reader().parser
    parser.feed(sent + b"\r\n")
    assert parser.keeps_alive is keeps_alive


HEAD = b"POST / HTTP/1.1\r\n" + HOST
REFUSED = {
    "an unknown method in small letters with chunks in HTTP/1.0": b"foo / HTTP/1.0\r\n"
    + CHUNKED
    + b"\r\n",
    "a method of odd characters": b"F(O / HTTP/1.1\r\n" + HOST + b"\r\n",
    "a method that does not end": b"F" * 100,
    "another protocol": b"POST / RTSP/1.0\r\n" + HOST + b"\r\n",
    "a TLS handshake": b"\x16\x03\x01\x02\x00",
    "an empty line in front": b"\r\n" + GET + b"\r\n",
    "a tunnel": b"CONNECT chat.example:80 HTTP/1.1\r\n" + HOST + OFFER + b"\r\n",
    "a URL with a fragment": b"GET http://chat.example/#a HTTP/1.1\r\n" + HOST + b"\r\n",
    "a head that is too large": GET + b"A: " + b"a" * LIMIT,
    "long trailers": HEAD + CHUNKED + b"\r\n0\r\nA: " + b"a" * 40_000,
    "empty lines": HEAD + CHUNKED + b"\r\nc350\r\n" + b"\r\n\r\n" * 12_500,
    "long extensions of many chunks": HEAD
    + CHUNKED
    + b"\r\n"
    + b"1;a=%b\r\n \r\n" % (b"a" * 40) * 20,
}


@pytest.mark.parametrize("sent", REFUSED.values(), ids=REFUSED)
def test_what_nobody_should_send_is_refused_before_more_comes(sent: bytes) -> None:
    found, why = read([sent])
    assert not found
    assert why
    assert read(bytes([one]) for one in sent)[1] == why


SMUGGLER = Smuggler("chat.example", "Bearer x")
STREAMS = [
    *(request for request, *_ in REQUESTS.values()),
    *SMUGGLER.messages().values(),
    *SMUGGLER.bodies().values(),
]


@st.composite
def streams(draw: st.DrawFn) -> tuple[bytes, list[bytes]]:
    """Requests that follow each other, perhaps with a byte changed; and the same in pieces."""
    stream = bytearray(b"".join(draw(st.lists(st.sampled_from(STREAMS), min_size=1, max_size=3))))
    if draw(st.booleans()):
        at = draw(st.integers(0, len(stream) - 1))
        stream[at : at + 1] = draw(st.binary(max_size=2) | st.sampled_from([b"\r", b"\n", b"\r\n"]))
    ends = sorted(draw(st.lists(st.integers(0, len(stream)), max_size=4)))
    edges = zip([0, *ends], [*ends, len(stream)], strict=True)
    return bytes(stream), [bytes(stream[begin:end]) for begin, end in edges]


@given(streams())
def test_no_edge_between_pieces_moves_the_end_of_a_request(
    given: tuple[bytes, list[bytes]],
) -> None:
    whole, pieces = given
    assert read(pieces) == read([whole])
