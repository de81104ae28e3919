"""What the shortcut for plain exchanges takes for one, the parser takes alike, and the answer that
a client gets is the same either way."""

import asyncio
import socket
from collections import Counter
from collections.abc import AsyncIterator, Mapping, Sequence
from contextlib import asynccontextmanager
from typing import Any

import h11
import pytest
from hypothesis import event, example, given
from hypothesis import strategies as st
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from entrypoints.server import Server
from entrypoints.server.parser import HEAD_BYTES, Parser
from entrypoints.server.plain import QuickParser, plain_request
from entrypoints.server.timeouts import ClientTimeouts
from entrypoints.settings import Settings
from tests.waiting import WAIT_SECONDS

HOST = b"Host: chat.example\r\n"
GET = b"GET /sessions?limit=5 HTTP/1.1\r\n" + HOST

PLAIN = {
    "curl": GET + b"User-Agent: curl/8.17.0\r\nAccept: */*\r\n\r\n",
    "a browser": GET + b"Connection: keep-alive\r\nSec-Fetch-Mode: cors\r\n"
    b'sec-ch-ua: "Chromium";v="148", "Not A Brand";v="99"\r\nAccept-Language: de,en;q=0.7\r\n\r\n',
    "a body": b"POST /sessions HTTP/1.1\r\n" + HOST + b"Content-Length: 2\r\n\r\n{}",
    "a deletion": b"DELETE /sessions/1 HTTP/1.1\r\nhost: chat.example\r\ncontent-length: 0\r\n\r\n",
    "two": GET + b"\r\n" + GET + b"\r\n",
}
NOT_PLAIN = {
    "a head that is not whole": GET,
    "a body that is not": b"POST / HTTP/1.1\r\n" + HOST + b"Content-Length: 3\r\n\r\n{}",
    "no Host": b"GET / HTTP/1.1\r\nAccept: */*\r\n\r\n",
    "two of one name": GET + b"Accept: a\r\naccept: b\r\n\r\n",
    "a last request": GET + b"Connection: close\r\n\r\n",
    "an upgrade": GET + b"Connection: Upgrade\r\nUpgrade: h2c\r\n\r\n",
    "one who asks first": GET + b"Expect: 100-continue\r\nContent-Length: 0\r\n\r\n",
    "chunks": GET + b"Transfer-Encoding: chunked\r\n\r\n0\r\n\r\n",
    "a length that is none": GET + b"Content-Length: -1\r\n\r\n",
    "two lengths": GET + b"Content-Length: 1, 1\r\n\r\n1",
    "HTTP/1.0": b"GET / HTTP/1.0\r\n" + HOST + b"\r\n",
    "a bare line feed": b"GET / HTTP/1.1\n" + HOST + b"\r\n",
    "a bare line feed within": GET + b"A: b\nContent-Length: 0\r\n\r\n",
    "a folded line": GET + b"A: b\r\n c\r\n\r\n",
    "a space before the colon": GET + b"A : b\r\n\r\n",
    "a null": GET + b"A: \0\r\n\r\n",
    "a method that answers otherwise": b"HEAD / HTTP/1.1\r\n" + HOST + b"\r\n",
    "an absolute target": b"GET http://chat.example/ HTTP/1.1\r\n" + HOST + b"\r\n",
}


@pytest.mark.parametrize("message", PLAIN.values(), ids=PLAIN)
def test_what_clients_send_is_plain(message: bytes) -> None:
    assert plain_request(bytearray(message))


@pytest.mark.parametrize("message", NOT_PLAIN.values(), ids=NOT_PLAIN)
def test_what_is_not_plain_is_left_to_the_parser(message: bytes) -> None:
    assert plain_request(bytearray(message)) is None


LINES = [
    *(b"GET / HTTP/1.1\r\n", b"POST /sessions HTTP/1.1\r\n", b"PATCH /a%20b?c=%FF HTTP/1.1\r\n"),
    *(b"get / HTTP/1.1\r\n", b"GET / HTTP/1.0\r\n", b"GET  / HTTP/1.1\r\n", b"GET / HTTP/1.1\n"),
    *(b"GET /\x80 HTTP/1.1\r\n", b"GET /a b HTTP/1.1\r\n", b"DELETE * HTTP/1.1\r\n", b"\r\n"),
]
FIELDS = [
    *(HOST, HOST, b"host: other\r\n", b"Host:\r\n", b"Accept:  */*\r\n", b"Accept: a  b \r\n"),
    *(b"A_b: c\r\n", b"A b: c\r\n", b"A: \xe4\r\n", b": a\r\n", b"A\r\n", b"A: b\rc\r\n"),
    *(b"Content-Length: 0\r\n", b"Content-Length: 2\r\n", b"content-length: 02\r\n"),
    *(b"Content-Length: 2, 2\r\n", b"Content-Length: +2\r\n", b"Content-Length: 9\r\n"),
    *(b"Transfer-Encoding: chunked\r\n", b"Connection: keep-alive\r\n", b"Connection: Close\r\n"),
    *(b"Connection: keep-alive, close\r\n", b"Upgrade: h2c\r\n", b"Expect: 100-continue\r\n"),
    *(b" folded\r\n", b"A: b\n"),
]
BODIES = [b"", b"{}", b"{}", b"0\r\n\r\n", b"2\r\n{}\r\n0\r\n\r\n"]

REQUESTS = st.sampled_from([*PLAIN.values()]) | st.builds(
    lambda line, fields, body: line + b"".join(fields) + b"\r\n" + body,
    st.sampled_from(LINES[:3]) | st.sampled_from(LINES),
    st.lists(st.sampled_from(FIELDS), max_size=4).map(lambda fields: [HOST, *fields])
    | st.lists(st.sampled_from(FIELDS), max_size=4),
    st.sampled_from(BODIES),
)


@st.composite
def streams(draw: st.DrawFn) -> list[bytes]:
    """Requests that follow each other, perhaps with a byte changed, in the pieces they come in."""
    stream = bytearray(b"".join(draw(st.lists(REQUESTS, min_size=1, max_size=3))))
    if draw(st.booleans()):
        at = draw(st.integers(0, len(stream) - 1))
        stream[at : at + 1] = draw(st.binary(max_size=2))
    ends = sorted(draw(st.lists(st.integers(0, len(stream)), max_size=3)))
    edges = zip([0, *ends], [*ends, len(stream)], strict=True)
    return [piece for begin, end in edges if (piece := bytes(stream[begin:end]))]


@given(streams())
@example([GET + b"\r\n" + GET + b"Connection: close\r\n\r\n"])
def test_the_shortcut_reads_as_the_parser_does(pieces: list[bytes]) -> None:
    taken: Counter[str] = Counter()
    assert exchanged(QuickParser(HEAD_BYTES), pieces, taken) == exchanged(
        Parser(HEAD_BYTES), pieces, taken
    )
    event(f"plain: {taken['plain']}, others: {min(taken['other'], 1)}")


def exchanged(parser: Parser, pieces: Sequence[bytes], taken: Counter[str]) -> list[object]:
    """All that is read while each request is answered as soon as it is whole, and how it ends."""
    read: list[object] = []
    for piece in pieces:
        parser.receive_data(piece)
        while True:
            try:
                found = parser.next_event()
            except h11.RemoteProtocolError:
                return [*read, parser.refusal, parser.is_too_large]
            if isinstance(found, h11.Data):
                read.append(bytes(found.data))
            elif isinstance(found, h11.Event):
                read.append(found)
            if parser.their_state in {h11.DONE, h11.MUST_CLOSE} and not isinstance(
                found, h11.Event
            ):
                read.append((parser.our_state, bytes(parser.trailing_data[0])))
                answer(parser, taken)
                read.append((parser.our_state, parser.their_state))
                if parser.our_state is not h11.DONE:
                    return read
                parser.start_next_cycle()
            elif found is h11.NEED_DATA:
                break
            elif found is h11.PAUSED:
                return [*read, found]
    return [*read, parser.our_state, parser.their_state, bytes(parser.trailing_data[0])]


def answer(parser: Parser, taken: Counter[str]) -> None:
    if isinstance(parser, QuickParser) and parser.is_plain:
        taken["plain"] += 1
        parser.answer_plainly()
    else:
        taken["other"] += 1
        parser.send(h11.Response(status_code=200, headers=[("content-length", "0")]))
        parser.send(h11.EndOfMessage())


def test_h11_is_told_what_it_missed_once_an_answer_is_not_plain() -> None:
    parser = QuickParser(HEAD_BYTES)
    parser.receive_data(PLAIN["a body"])
    while parser.next_event() is not h11.NEED_DATA:
        ...
    assert parser.is_plain
    parser.send(h11.Response(status_code=200, headers=[("connection", "close")]))
    assert not parser.is_plain
    assert (parser.our_state, parser.their_state) == (h11.SEND_BODY, h11.MUST_CLOSE)


def test_a_plain_exchange_is_answered_once() -> None:
    parser = QuickParser(HEAD_BYTES)
    parser.receive_data(PLAIN["curl"])
    parser.next_event()
    parser.answer_plainly()
    with pytest.raises(h11.LocalProtocolError):
        parser.send(h11.Response(status_code=200, headers=[]))


def start(status: int, *headers: tuple[bytes, bytes]) -> Message:
    return {"type": "http.response.start", "status": status, "headers": headers}


def body(content: bytes, *, more: bool = False) -> Message:
    return {"type": "http.response.body", "body": content, "more_body": more}


FIVE = (b"content-length", b"5")

ANSWERS: Mapping[str, Sequence[Message]] = {
    "at once": [start(200, FIVE, (b"etag", b'"1"')), body(b"hello")],
    "in pieces": [start(200, FIVE), body(b"he", more=True), body(b"llo")],
    "of no known length": [start(200), body(b"he", more=True), body(b"llo")],
    "at once, of no known length": [start(200), body(b"hello")],
    "the connection's last": [start(200, FIVE, (b"connection", b"close")), body(b"hello")],
    "none": [start(204), body(b"")],
    "not modified": [start(304, (b"etag", b'"1"')), body(b"")],
    "not modified, with its length": [start(304, FIVE), body(b"")],
    "shorter than it says": [start(200, FIVE), body(b"hi")],
    "longer than it says": [start(200, FIVE), body(b"hello world")],
    "a line's end in a header": [start(200, FIVE, (b"a", b"b\r\nc: d")), body(b"hello")],
    "a body where there is none": [start(204), body(b"hello")],
    "never ended": [start(200, FIVE)],
    "never begun": [],
}


@pytest.mark.parametrize("messages", ANSWERS.values(), ids=ANSWERS)
async def test_an_answer_is_the_same_whether_the_exchange_was_plain(
    messages: Sequence[Message],
) -> None:
    async def app(scope: Scope, receive: Receive, send: Send) -> None:
        assert scope["type"] == "http"
        while (await receive()).get("more_body"):
            ...
        for message in messages:
            await send(message)

    plain, other = GET + b"\r\n", GET + b"A: 1\r\na: 2\r\n\r\n"
    assert plain_request(bytearray(plain))
    assert plain_request(bytearray(other)) is None
    async with served(app) as port:
        assert await answered(port, plain) == await answered(port, other)


async def test_an_answer_that_fails_before_its_body_is_cut_off_and_not_worded_anew() -> None:
    async def app(scope: Scope, _: Receive, send: Send) -> None:
        assert scope["type"] == "http"
        await send(start(200, FIVE))
        raise ValueError

    async with served(app) as port:
        assert await answered(port, GET + b"\r\n") == [[b""]]


async def test_a_request_that_has_been_answered_is_not_held(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """Though the next has always come by then: nobody else has to go for it."""
    monkeypatch.setattr("entrypoints.server.timeouts.BUFFER_LIMIT", 10_000)
    asked, turn = asyncio.Semaphore(0), asyncio.Semaphore(0)

    async def app(scope: Scope, _: Receive, send: Send) -> None:
        assert scope["type"] == "http"
        asked.release()
        await turn.acquire()
        await send(start(204))
        await send(body(b""))

    async with served(app, max_body_bytes=1) as port:
        reader, begun = await asyncio.open_connection("127.0.0.1", port)
        begun.write(GET)
        _, busy = await asyncio.open_connection("127.0.0.1", port)
        request = GET + b"A: %b\r\n\r\n" % (b"a" * 1000)
        busy.write(request * 3)
        for _ in range(30):
            await asked.acquire()
            busy.write(request)
            turn.release()
        begun.write(b"\r\n")
        for _ in range(4):
            turn.release()
        assert (await reader.readline()).startswith(b"HTTP/1.1 204 ")
        begun.close()
        busy.close()


@asynccontextmanager
async def served(app: ASGIApp, **settings: Any) -> AsyncIterator[int]:
    """The port that it is served at."""
    timeouts = ClientTimeouts.of(Settings(database_url="memory://", **settings))
    server = Server(app, timeouts, 0.1, lambda: None)
    listener = socket.create_server(("127.0.0.1", 0))
    serving = asyncio.create_task(server.serve(sockets=[listener]))
    try:
        yield listener.getsockname()[1]
    finally:
        server.should_exit = True
        await serving


async def answered(port: int, request: bytes) -> Sequence[object]:
    """What comes for two of them until the connection ends, whatever the order of the headers."""
    reader, writer = await asyncio.open_connection("127.0.0.1", port)
    writer.write(request * 2)
    writer.write_eof()
    received = await asyncio.wait_for(reader.read(), WAIT_SECONDS)
    writer.close()
    return [
        sorted(line for line in part.split(b"\r\n") if not line.startswith(b"date: "))
        for part in received.split(b"\r\n\r\n")
    ]
