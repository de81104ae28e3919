"""Bodies of lines: requests that are read a line at a time, and responses that are streamed."""

import tempfile
from collections.abc import AsyncIterator, Awaitable, Callable, Iterator
from contextlib import contextmanager
from http import HTTPStatus

from starlette.requests import Request
from starlette.responses import Response, StreamingResponse
from starlette.types import Receive, Scope, Send

from application.errors import Unavailable
from application.line_reader import LineReader
from domain.transfer import Fault, Part
from entrypoints.http.line_writer import NDJSON
from entrypoints.telemetry.request_context import RequestContext, request_context

EARLY_BYTES = 16 * 1024
"""Bytes of an answer that are sent while its request is still coming. A client that reads nothing
before it has sent everything would else wait for the service, and the service for the client."""

IN_MEMORY_BYTES = 1024 * 1024
"""Bytes of an answer that wait in memory for that; more are in a temporary file."""


Write = Callable[[bytes], Awaitable[None]]


class EndingStream(StreamingResponse):
    """A response that is cut off, so that its reader can tell, once the service is stopping or the
    storage fails. Nothing more is read for a client that is gone."""

    media_type = NDJSON

    def __init__(
        self, request: Request, pieces: AsyncIterator[bytes], is_stopping: Callable[[], bool]
    ) -> None:
        super().__init__(_until(request, pieces, is_stopping))
        self._context = request_context(request)

    async def __call__(self, _scope: Scope, _receive: Receive, send: Send) -> None:
        with cut_off(self._context):
            await self.stream_response(send)


@contextmanager
def cut_off(context: RequestContext) -> Iterator[None]:
    """End a response that has begun without its end, which makes the server close the connection,
    and keep the reason for the access log."""
    try:
        yield
    except Unavailable as error:
        context.refusal = error


async def _until(
    request: Request, pieces: AsyncIterator[bytes], is_stopping: Callable[[], bool]
) -> AsyncIterator[bytes]:
    async for piece in pieces:
        if is_stopping():
            raise Unavailable("the service is stopping")
        if await request.is_disconnected():
            raise Unavailable("the client is gone")
        yield piece


class AnswerAsItComes(Response):
    """A response whose lines are made while the body of its request is read: no part of either is
    held for the other. Lines that come before the request has ended wait where they are many."""

    media_type = NDJSON

    def __init__(
        self, request: Request, lines: AsyncIterator[bytes], has_ended: Callable[[], bool]
    ) -> None:
        super().__init__()
        del self.headers["content-length"]
        self._context = request_context(request)
        self._lines = lines
        self._has_ended = has_ended

    async def __call__(self, _scope: Scope, _receive: Receive, send: Send) -> None:
        async def write(body: bytes) -> None:
            await send({"type": "http.response.body", "body": body, "more_body": True})

        await send(
            {
                "type": "http.response.start",
                "status": HTTPStatus.OK.value,
                "headers": self.raw_headers,
            }
        )
        with cut_off(self._context), tempfile.SpooledTemporaryFile(IN_MEMORY_BYTES) as held:
            await self._write_lines(held, write)
            await send({"type": "http.response.body", "body": b"", "more_body": False})

    async def _write_lines(
        self, held: "tempfile.SpooledTemporaryFile[bytes]", write: Write
    ) -> None:
        early = 0
        async for line in self._lines:
            if not self._has_ended() and (held.tell() or early + len(line) > EARLY_BYTES):
                held.write(line)
                continue
            if held.tell():
                await _drain(held, write)
            early += len(line)
            await write(line)
        await _drain(held, write)


async def _drain(held: "tempfile.SpooledTemporaryFile[bytes]", write: Write) -> None:
    held.seek(0)
    while piece := held.read(EARLY_BYTES):
        await write(piece)
    held.seek(0)
    held.truncate()


class RequestLines:
    """The parts that the lines of a request's body make, read as they come: at most one line of
    `line_max` bytes, and what came with it, is in memory. What is beyond `at_most` bytes in all is
    refused. Raises Unavailable once the service is stopping."""

    def __init__(
        self, request: Request, at_most: int, line_max: int, is_stopping: Callable[[], bool]
    ) -> None:
        self.has_ended = False
        self._request = request
        self._left = at_most
        self._at_most = at_most
        self._line_max = line_max
        self._is_stopping = is_stopping
        self._is_passing = False  # over what is left of a line that is too long
        self._reader = LineReader()

    async def parts(self) -> AsyncIterator[Part]:
        buffer = bytearray()
        async for chunk in self._request.stream():
            if self._is_stopping():
                raise Unavailable("the service is stopping")
            self._left -= len(chunk)
            if self._left < 0:
                break
            for part in self._taken(buffer, chunk):
                yield part
        self.has_ended = True
        for part in self._last(bytes(buffer)):
            yield part

    def _taken(self, buffer: bytearray, chunk: bytes) -> Iterator[Part]:
        """Read the lines that end in the chunk, and leave the beginning of the next one."""
        buffer += chunk
        *lines, rest = buffer.split(b"\n") if b"\n" in chunk else (buffer,)
        if lines:
            buffer[:] = rest
        for line in lines:
            if self._is_passing:
                self._is_passing = False
            else:
                yield from self._read(bytes(line))
        if len(buffer) > self._line_max and not self._is_passing:
            self._is_passing = True
            yield from self._reader.too_long(self._line_max)
        if self._is_passing:
            buffer.clear()

    def _last(self, rest: bytes) -> list[Part]:
        if self._left < 0:
            reason = f"the request has more than {self._at_most} bytes: send the rest in another"
            return [Fault(reason)]
        return self._read(rest) if rest else []

    def _read(self, line: bytes) -> list[Part]:
        if len(line) > self._line_max:
            return self._reader.too_long(self._line_max)
        return self._reader.read(line)
