"""Do with a connection's transport what uvicorn and asyncio do not."""

import asyncio
import fcntl
import sys
import termios
from collections.abc import Sequence
from http import HTTPStatus

from starlette.types import ASGIApp, Message, Scope


def bytes_not_taken(transport: asyncio.Transport) -> int:
    """Return how many bytes of a response are unsent, here and, on Linux, in the kernel, which may
    hold megabytes."""
    here = transport.get_write_buffer_size()
    if sys.platform != "linux":
        return here
    connection = transport.get_extra_info("socket")
    queued = fcntl.ioctl(connection.fileno(), termios.TIOCOUTQ, bytes(4))
    return here + int.from_bytes(queued, sys.byteorder)


async def write_last_response(
    transport: asyncio.Transport,
    application: ASGIApp,
    scope: Scope,
    common_headers: Sequence[tuple[bytes, bytes]],
) -> None:
    """Write the application's response to the scope, with the headers that all responses have, and
    `Connection: close`."""

    async def receive() -> Message:
        return {"type": "http.disconnect"}

    async def send(message: Message) -> None:
        if transport.is_closing():
            return
        if message["type"] == "http.response.start":
            status = HTTPStatus(message["status"])
            headers = [*common_headers, *message["headers"], (b"connection", b"close")]
            lines = b"".join([b"%b: %b\r\n" % header for header in headers])
            line = b"HTTP/1.1 %d %b\r\n" % (status, status.phrase.encode())
            transport.write(b"%b%b\r\n" % (line, lines))
        else:
            transport.write(message["body"])

    await application(scope, receive, send)
    if not transport.is_closing():
        transport.write_eof()
