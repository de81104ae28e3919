"""The head of an answer, written without h11's look at each of its lines: they are ours."""

import h11
from starlette.types import Message, Send
from uvicorn.protocols.http.h11_impl import STATUS_PHRASES, RequestResponseCycle

_FRAMING = frozenset({b"connection", b"content-length", b"transfer-encoding"})
"""What decides where the answer ends: h11 sees to these, and to the order of what is sent."""

_CLOSE = (b"connection", b"close")


def heading(cycle: RequestResponseCycle) -> Send:
    """How to send a cycle's answer: its head so, and all else as uvicorn does."""

    async def send(message: Message) -> None:
        late = cycle.response_started or cycle.disconnected or cycle.flow.write_paused
        if message["type"] != "http.response.start" or late:
            await cycle.send(message)  # type: ignore[arg-type]
            return
        cycle.response_started = True
        cycle.waiting_for_100_continue = False
        headers = [*cycle.default_headers, *message["headers"]]
        if _CLOSE in cycle.scope["headers"] and _CLOSE not in headers:
            headers.append(_CLOSE)
        cycle.transport.write(_head(cycle.conn, message["status"], headers))

    return send


def _head(conn: h11.Connection, status: int, headers: list[tuple[bytes, bytes]]) -> bytes:
    framing = [header for header in headers if header[0] in _FRAMING]
    others = [b"%b: %b\r\n" % header for header in headers if header[0] not in _FRAMING]
    lines = b"".join(others)
    if lines.count(b"\r") != len(others) or lines.count(b"\n") != len(others) or b"\0" in lines:
        raise h11.LocalProtocolError("a header's value has a line's end in it")
    response = h11.Response(status_code=status, headers=framing, reason=STATUS_PHRASES[status])
    head = conn.send(response) or b""
    return head[:-2] + lines + b"\r\n"
