"""uvicorn's HTTP/1.1 for clients that are slow, silent, or not what they should be."""

import asyncio
import fcntl
import math
import sys
import termios
from typing import Any

import h11
from starlette.types import Message, Receive, Scope, Send
from uvicorn.config import Config
from uvicorn.protocols.http.h11_impl import H11Protocol

from entrypoints.http.middleware.access_log import GIVEN_UP
from entrypoints.http.middleware.request_head import head_too_large
from entrypoints.http.middleware.responses import LINGER_TIMEOUT, SILENCE_TIMEOUT
from entrypoints.http.problem_types import NOT_HTTP, REQUEST_TIMEOUT, UNAVAILABLE
from entrypoints.http.problems import Problem
from entrypoints.server.answer import answering
from entrypoints.server.parser import HEAD_BYTES
from entrypoints.server.plain import QuickParser
from entrypoints.server.refusal import answer_refused
from entrypoints.server.registry import ConnectionRegistry

WRITE_BUFFER_LIMIT = 16 * 1024
"""With more of an answer not taken yet, nothing else is done for the client."""

PROGRESS_BYTES = 32 * 1024
"""What it must take in the time for a next piece, unless less is left."""

_LATE = Problem(REQUEST_TIMEOUT)
_CROWDED = "Too many connections are open."


class HttpProtocol(H11Protocol):
    """It waits for its client (and the registry knows), or serves a request, or lingers:
    all is answered, and a client that still sends gets to read that (RFC 9112 section 9.6).
    """

    conn: QuickParser

    def __init__(
        self,
        config: Config,
        server_state: ConnectionRegistry,
        app_state: dict[str, Any],
        _loop: asyncio.AbstractEventLoop | None = None,
    ) -> None:
        super().__init__(config, server_state, app_state, _loop)
        self.conn = QuickParser(HEAD_BYTES)
        self.deadline = 0.0
        self.buffered = 0
        self._registry = server_state
        self._timeouts = server_state.timeouts
        self._application, self.app = self.app, self._serve
        self._since: float | None = None  # when the present wait began
        self._left = self._timeouts.request
        self._received = self._untaken = self._to_take = 0
        self._has_begun = False  # something of the next request has come
        self._has_ended = False  # nothing more will come
        self._is_lingering = False

    @property
    def _is_asked(self) -> bool:
        begun = self.cycle is not None  # as it is until the first request
        return begun and not self.cycle.response_complete

    @property
    def _serves(self) -> bool:
        return self._is_asked and not self._is_lingering

    # What the transport tells.

    def connection_made(self, transport: asyncio.Transport) -> None:  # type: ignore[override]
        super().connection_made(transport)
        transport.set_write_buffer_limits(WRITE_BUFFER_LIMIT)
        if self._registry.admit(self):
            self._wait(self._timeouts.head)
        else:
            self._refuse(Problem(UNAVAILABLE, _CROWDED))

    def connection_lost(self, exc: Exception | None) -> None:
        self._stop_waiting()
        self._registry.set_buffered(self, 0)
        super().connection_lost(exc)

    def data_received(self, data: bytes) -> None:
        if self._is_lingering:
            self._wait(SILENCE_TIMEOUT)
            return
        if not self._has_begun:
            self._has_begun = True
            if self.cycle is not None:
                self._left = self._timeouts.request
                self._wait(self._timeouts.head)
        self._set_buffered(received=self._received + len(data))
        super().data_received(data)

    def eof_received(self) -> bool:  # type: ignore[override]
        """Who ends its side after a whole request is still given the answer."""
        self._has_ended = True
        if self._since is not None and not self._untaken:
            self._time_out()
        return not self.transport.is_closing()

    def pause_writing(self) -> None:
        super().pause_writing()
        self._wait_for_reader()

    def resume_writing(self) -> None:
        super().resume_writing()
        self._set_buffered(untaken=0)
        self._stop_waiting()
        if not self._serves and not self._is_lingering:
            self._next()

    # What the parser tells.

    def handle_events(self) -> None:
        before = self.cycle
        super().handle_events()
        if self.cycle is not before:
            self._stop_waiting()
            if self.conn.their_state is h11.SEND_BODY:
                # Until the application asks for the body no time counts, but what is held does.
                self.flow.pause_reading()
                self.deadline = math.inf
                self._registry.add_waiting(self)

    def send_400_response(self, msg: str) -> None:  # noqa: ARG002 - the parser knows better
        if self.conn.is_too_large:
            self._refuse(head_too_large())
        else:
            self._refuse(Problem(NOT_HTTP, reason=self.conn.refusal))

    def _should_upgrade(self) -> bool:
        return False

    # What the application does.

    async def _serve(self, scope: Scope, receive: Receive, _: Send) -> None:
        async def receive_in_time() -> Message:
            if self.conn.their_state is not h11.SEND_BODY or not self._serves:
                return await receive()
            self._wait(0 if self._has_ended else self._timeouts.body)
            try:
                return await receive()
            finally:
                if self._serves:
                    self._stop_waiting()

        await self._application(scope, receive_in_time, answering(self.cycle))

    def on_response_complete(self) -> None:
        self.server_state.total_requests += 1
        self._next()

    def _next(self) -> None:
        """Go on to the next request, once the answer to the last has been taken."""
        if self.transport.is_closing() or self.flow.write_paused:
            self._wait_for_reader()
            return
        if self.conn.their_state is not h11.DONE:
            self.transport.close()  # its body does not come
            return
        self._left = self._timeouts.request
        self.flow.resume_reading()
        self.conn.start_next_cycle()
        self._set_buffered(received=self.conn.unread)
        self.handle_events()
        if not self._serves and not self._is_lingering:
            self._wait_for_request()

    def shutdown(self) -> None:
        if self._serves:
            self.cycle.keep_alive = False
        else:
            self.transport.close()

    # Waiting.

    def _wait_for_request(self) -> None:
        self._has_begun = self._received > 0
        if self._has_ended:
            self.transport.close()
        elif self._has_begun:
            self._wait(self._timeouts.head)
        else:
            self._left = math.inf
            self._wait(self._timeouts.idle)

    def _wait_for_reader(self) -> None:
        self._set_buffered(untaken=self.transport.get_write_buffer_size())
        self._to_take = self._not_taken()
        self._left = math.inf
        self._wait(self._timeouts.answer)

    def _wait(self, seconds: float) -> None:
        self._stop_waiting()
        self._since = self.loop.time()
        self.deadline = self._since + min(seconds, self._left)
        self._registry.add_waiting(self)

    def _stop_waiting(self) -> None:
        if self._since is not None:
            self._left -= self.loop.time() - self._since
            self._since = None
        self._registry.remove_waiting(self)

    def _set_buffered(self, *, received: int | None = None, untaken: int | None = None) -> None:
        self._received = self._received if received is None else received
        self._untaken = self._untaken if untaken is None else untaken
        self._registry.set_buffered(self, self._received + self._untaken)

    def check_timeout(self, now: float) -> None:
        if now < self.deadline:
            return
        if self._to_take - self._not_taken() >= PROGRESS_BYTES:
            self._wait_for_reader()
        else:
            self._time_out()

    def _not_taken(self) -> int:
        """Of an answer, in bytes: what waits here and, on Linux, what the kernel still has of it:
        there may be megabytes of that before any of this moves."""
        here = self.transport.get_write_buffer_size()
        if sys.platform != "linux":
            return here
        connection = self.transport.get_extra_info("socket")
        queued = fcntl.ioctl(connection.fileno(), termios.TIOCOUTQ, bytes(4))
        return here + int.from_bytes(queued, sys.byteorder)

    def abort(self) -> None:
        """Close it, and free at once what it holds: what comes of the others does not wait."""
        self.transport.abort()
        self.conn.forget()
        if self._is_asked:
            self.cycle.body.clear()

    def _time_out(self) -> None:
        if self._is_lingering or self.transport.get_write_buffer_size():
            self.transport.abort()
        elif self._has_begun:
            self._refuse(_LATE)
        else:
            self.transport.close()

    def _refuse(self, problem: Problem) -> None:
        """Answer with the problem, whatever is under way, and read no more of what comes."""
        self._stop_waiting()
        self._is_lingering = True
        self.conn.forget()
        self._set_buffered(received=0)
        if self.conn.our_state not in {h11.IDLE, h11.SEND_RESPONSE}:
            self.transport.abort()  # an answer has begun
            return
        scope: Any = None
        if self._is_asked:
            scope = self.scope
            scope["state"][GIVEN_UP] = True
            self.cycle.disconnected = True
            self.cycle.message_event.set()
        task = self.loop.create_task(self._answer(scope, problem))
        self.tasks.add(task)
        task.add_done_callback(self.tasks.discard)

    async def _answer(self, scope: Scope | None, problem: Problem) -> None:
        def send(event: h11.Event) -> None:
            if not self.transport.is_closing():
                self.transport.write(self.conn.send(event) or b"")

        common = self.server_state.default_headers
        await answer_refused(self._application, scope, problem, common, send)
        if not self.transport.is_closing():
            self.transport.write_eof()
            self.flow.resume_reading()
            self._left = SILENCE_TIMEOUT if problem is _LATE else LINGER_TIMEOUT
            self._wait(0 if self._has_ended else SILENCE_TIMEOUT)
