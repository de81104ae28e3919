"""Serve HTTP/1.1 with uvicorn's protocol, and with timeouts for clients.

Only this module uses what uvicorn does not document: the attributes of its httptools protocol and
of its RequestResponseCycle.
"""

import asyncio
import math
from collections.abc import Callable
from http import HTTPStatus
from typing import Any, cast

from starlette.types import Message, Receive, Scope, Send
from uvicorn.config import Config
from uvicorn.protocols.http.httptools_impl import HttpToolsProtocol, RequestResponseCycle

from entrypoints.server.errors import ErrorResponder, ProtocolError
from entrypoints.server.parser import RequestParser
from entrypoints.server.registry import ConnectionRegistry
from entrypoints.server.transport import bytes_not_taken, write_last_response

WRITE_BUFFER_LIMIT = 16 * 1024
"""The bytes of an unread response beyond which nothing else is done for the client."""

PROGRESS_BYTES = 32 * 1024
"""The bytes that the client must read within the `answer` timeout, unless fewer are left."""

END_OF_INPUT = "end_of_input"
"""The key, in a scope's extensions, of a function that takes one to call when the client has ended
its side of the connection."""

_TOO_LATE = ProtocolError(HTTPStatus.REQUEST_TIMEOUT, "The request did not arrive whole in time.")
_OVERLOADED = ProtocolError(HTTPStatus.SERVICE_UNAVAILABLE, "Too many connections are open.")


class HttpProtocol(HttpToolsProtocol):
    """A connection waits for its client, which the registry knows, or serves a request, or lingers.

    While it lingers, everything is answered, and a client that is still sending gets to read the
    response (RFC 9112 section 9.6).
    """

    parser: RequestParser  # type: ignore[assignment]
    cycle: RequestResponseCycle | None  # type: ignore[assignment]

    def __init__(
        self,
        config: Config,
        server_state: ConnectionRegistry,
        app_state: dict[str, Any],
        _loop: asyncio.AbstractEventLoop | None = None,
        *,
        errors: ErrorResponder,
    ) -> None:
        super().__init__(config, server_state, app_state, _loop)
        self.parser = RequestParser(self, server_state.limits.head_bytes)
        self.deadline, self.buffered = 0.0, 0
        self._registry = server_state
        self._timeouts = server_state.timeouts
        self._errors = errors
        self._application, self.app = self.app, self._serve
        self._since: float | None = None  # when the present wait began
        self._left = self._timeouts.request
        self._unread = b""  # of later requests
        self._received = self._untaken = self._to_take = 0
        self._has_begun = False  # something of the next request has come
        self._has_ended = False  # nothing more will come
        self._is_lingering = False
        self._at_end: Callable[[], None] | None = None

    @property
    def _serves(self) -> bool:
        cycle = self.cycle
        return not (cycle is None or cycle.response_complete or cycle.disconnected)

    @property
    def _awaits_body(self) -> bool:
        return self._serves and not self.parser.is_complete

    # Called by the transport.

    def connection_made(self, transport: asyncio.Transport) -> None:  # type: ignore[override]
        super().connection_made(transport)
        transport.set_write_buffer_limits(WRITE_BUFFER_LIMIT)
        if self._registry.admit(self):
            self._wait(self._timeouts.head)
        else:
            self._refuse(_OVERLOADED)

    def connection_lost(self, exc: Exception | None) -> None:
        self._stop_waiting()
        self._registry.set_buffered(self, 0)
        self._forget_received()
        super().connection_lost(exc)

    def data_received(self, data: bytes) -> None:
        if self._is_lingering:
            self._wait(self._timeouts.silence)
            return
        if not self._has_begun:
            self._has_begun = True
            if self.cycle is not None:
                self._left = self._timeouts.request
                self._wait(self._timeouts.head)
        # Once a request is being answered, the application drops what still comes of its body.
        is_kept = self.cycle is None or not self._serves or not self.cycle.response_started
        kept = self._received if is_kept else len(self._unread)
        self._set_buffered(received=kept + len(data))
        self._read(self._unread + data)

    def eof_received(self) -> bool:  # type: ignore[override]
        """Keep the connection for the response if the client ends its side after a request."""
        self._has_ended = True
        if self._at_end is not None:
            self._at_end()
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

    def _read(self, data: bytes) -> None:
        before = self.cycle
        try:
            self._unread = self.parser.feed(data)
        except ProtocolError as error:  # whose frames would keep what was received
            self._refuse(ProtocolError(error.status, error.detail))
            return
        if self._unread:
            self.flow.pause_reading()
        if self.cycle is not before and not self.parser.is_complete:
            # Until the application asks for the body no time counts, but what is held does.
            self.flow.pause_reading()
            self.deadline = math.inf
            self._registry.add_waiting(self)

    # Called by the parser.

    def on_request(self) -> None:
        """Start the application."""
        self._stop_waiting()
        request = self.parser
        self.cycle = RequestResponseCycle(
            scope=self._scope(),  # type: ignore[arg-type]  # uvicorn has a private type for it
            transport=self.transport,
            flow=self.flow,
            logger=self.logger,
            access_logger=self.access_logger,
            access_log=self.access_log,
            default_headers=self.server_state.default_headers,
            message_event=asyncio.Event(),
            expect_100_continue=request.expects_continue,
            keep_alive=request.keeps_alive,
            on_response=self.on_response_complete,
        )
        self._start_asgi_task(self.cycle, self.app)

    def _scope(self) -> Scope:
        return {
            **self.parser.asgi_fields(),
            "asgi": {"version": self.asgi_version, "spec_version": "2.3"},
            "server": self.server,
            "client": self.client,
            "scheme": self.scheme or "http",
            "root_path": "",
            "extensions": {END_OF_INPUT: self._call_at_end},
            "state": self.app_state.copy(),
        }

    # Called for the application.

    def _call_at_end(self, act: Callable[[], None]) -> None:
        """Call `act` once the client has ended its side of the connection: as a rule it has left,
        which TCP tells only who writes to it. Ordinary responses are written all the same."""
        self._at_end = act
        if self._has_ended:
            act()

    async def _serve(self, scope: Scope, receive: Receive, send: Send) -> None:
        async def receive_in_time() -> Message:
            if not self._awaits_body:
                return await receive()
            self._wait(0 if self._has_ended else self._timeouts.body)
            try:
                return await receive()
            finally:
                if self._serves:
                    self._stop_waiting()

        await self._application(scope, receive_in_time, send)

    def on_response_complete(self) -> None:
        self.server_state.total_requests += 1
        self._at_end = None
        self._next()

    def _next(self) -> None:
        """Go on to the next request, once the client has read the last response."""
        if self.transport.is_closing() or self.flow.write_paused:
            self._wait_for_reader()
            return
        if not self.parser.is_complete:
            self.transport.close()  # its body does not come
            return
        self._left = self._timeouts.request
        self.flow.resume_reading()
        self.parser.begin()
        self._set_buffered(received=len(self._unread))
        if self._unread:
            self._read(self._unread)
        if not self._serves and not self._is_lingering:
            self._wait_for_request()

    def shutdown(self) -> None:
        if self.cycle is not None and self._serves:
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
        self._to_take = bytes_not_taken(self.transport)
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
        if self._to_take - bytes_not_taken(self.transport) >= PROGRESS_BYTES:
            self._wait_for_reader()
        else:
            self._time_out()

    # Ending.

    def abort(self) -> None:
        """Close the connection, and free its memory at once for the others."""
        self.transport.abort()
        self._forget_received()
        if self.cycle is not None:
            self.cycle.body.clear()

    def _forget_received(self) -> None:
        self._unread = b""
        self.parser.close()

    def _time_out(self) -> None:
        if self._is_lingering or self.transport.get_write_buffer_size():
            self.transport.abort()
        elif self._has_begun:
            self._refuse(_TOO_LATE)
        else:
            self.transport.close()

    def _refuse(self, error: ProtocolError) -> None:
        """Answer with the error, whatever is being done, and read nothing more."""
        self._stop_waiting()
        self._is_lingering = True
        self._forget_received()
        self._set_buffered(received=0)
        request = None
        if self.cycle is not None and self._serves:
            if self.cycle.response_started:
                self.transport.abort()
                return
            request = cast("Scope", self.cycle.scope)
            self._errors.abandon(request)
            self.cycle.disconnected = True
            self.cycle.message_event.set()
        self.tasks.add(task := self.loop.create_task(self._answer(request, error)))
        task.add_done_callback(self.tasks.discard)

    async def _answer(self, request: Scope | None, error: ProtocolError) -> None:
        scope, common = self._errors.scope(error, request), self.server_state.default_headers
        await write_last_response(self.transport, self._application, scope, common)
        if not self.transport.is_closing():
            self.flow.resume_reading()
            too_late = error is _TOO_LATE
            self._left = self._timeouts.silence if too_late else self._timeouts.linger
            self._wait(0 if self._has_ended else self._timeouts.silence)
