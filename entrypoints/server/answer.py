"""How an answer is sent: its head without h11's look at each line, which are ours, and all of it at
once where the exchange is a plain one."""

from typing import cast

import h11
from starlette.types import Message, Send
from uvicorn.protocols.http.h11_impl import STATUS_PHRASES, RequestResponseCycle

from entrypoints.server.plain import QuickParser

Headers = list[tuple[bytes, bytes]]

_FRAMING = frozenset({b"connection", b"content-length", b"transfer-encoding"})
"""What decides where an answer ends."""

_BODILESS = frozenset({204, 304})

_CLOSE = (b"connection", b"close")


def answering(cycle: RequestResponseCycle) -> Send:
    """How to send a cycle's answer: its head goes out with the first of its body. Where that does
    not come, the connection is closed. What is not shortened here is done as uvicorn does."""
    start: Message | None = None

    async def send(message: Message) -> None:
        nonlocal start
        if message["type"] == "http.response.start" and not cycle.response_started:
            start, cycle.response_started = message, True
            return
        begun, start = start, None
        if begun is None:
            await cycle.send(message)  # type: ignore[arg-type]
        elif cycle.disconnected or cycle.flow.write_paused:
            cycle.response_started = False
            await cycle.send(begun)  # type: ignore[arg-type]
            await cycle.send(message)  # type: ignore[arg-type]
        elif not _sent_at_once(cycle, begun, message):
            _send_head(cycle, begun)
            await cycle.send(message)  # type: ignore[arg-type]

    return send


def _sent_at_once(cycle: RequestResponseCycle, start: Message, message: Message) -> bool:
    """Whether it was, which is all that there is to do then."""
    conn, body = cast("QuickParser", cycle.conn), message.get("body", b"")
    if not conn.is_plain or not cycle.keep_alive or message.get("more_body", False):
        return False
    framing = [header for header in start["headers"] if header[0] in _FRAMING]
    told = [] if start["status"] in _BODILESS else [(b"content-length", b"%d" % len(body))]
    if framing != told or (body and not told):
        return False
    status = start["status"]
    head = _lines([*cycle.default_headers, *start["headers"]])
    line = b"HTTP/1.1 %d %b\r\n" % (status, STATUS_PHRASES[status])
    conn.answer_plainly()
    cycle.response_complete = True
    cycle.transport.write(b"%b%b\r\n%b" % (line, head, body))
    cycle.message_event.set()
    cycle.on_response()
    return True


def _send_head(cycle: RequestResponseCycle, start: Message) -> None:
    """h11 sees to the lines that frame the message, and to the order of what is sent."""
    headers = [*cycle.default_headers, *start["headers"]]
    if _CLOSE in cycle.scope["headers"] and _CLOSE not in headers:
        headers.append(_CLOSE)
    framing = [header for header in headers if header[0] in _FRAMING]
    lines = _lines([header for header in headers if header[0] not in _FRAMING])
    status = start["status"]
    response = h11.Response(status_code=status, headers=framing, reason=STATUS_PHRASES[status])
    head = cycle.conn.send(response) or b""
    cycle.waiting_for_100_continue = False
    cycle.transport.write(b"%b%b\r\n" % (head[:-2], lines))


def _lines(headers: Headers) -> bytes:
    lines = b"".join([b"%b: %b\r\n" % header for header in headers])
    if lines.count(b"\r") != len(headers) or lines.count(b"\n") != len(headers) or b"\0" in lines:
        raise h11.LocalProtocolError("a header's value has a line's end in it")
    return lines
