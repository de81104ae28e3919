"""Responses that are streams of server-sent events (WHATWG HTML, "Server-sent events")."""

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import aclosing, asynccontextmanager
from zlib import crc32

from fastapi.sse import format_sse_event
from starlette.requests import ClientDisconnect, Request
from starlette.responses import StreamingResponse
from starlette.types import Receive, Scope, Send

from application.errors import Unavailable
from application.followers import EndReason, Follower
from application.following import Following
from entrypoints import time_limits
from entrypoints.http.context import app_context
from entrypoints.http.presence import present
from entrypoints.http.serializers import event_json
from entrypoints.telemetry.request_context import request_context

EVENT_STREAM = "text/event-stream"

COMMENT_SECONDS = 15.0
"""The pause after which a comment says that the stream is still there."""

RETRY_MILLISECONDS = (500, 1500)
"""The least and the most that a client is told to wait before it comes again: those whom one stop
of the service sends away do not come back all at once."""

_HEADERS = {"Content-Type": EVENT_STREAM, "X-Accel-Buffering": "no"}

Begin = Callable[[Follower], Awaitable[Following]]


class EventStream(StreamingResponse):
    """What happens in a session, as it happens.

    It begins to follow once it is sent, so that no place is taken by a response that never is; what
    is refused by then becomes a problem, as for any other route.
    """

    def __init__(self, request: Request, begin: Begin) -> None:
        super().__init__((), headers=_HEADERS)
        self._request = request
        self._begin = begin
        self._is_writing = False

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:  # noqa: ARG002 - ASGI's
        follower = Follower()
        async with (
            self._begun(follower) as following,
            present(self._request, follower, self._why_left),
        ):
            await send({"type": "http.response.start", "status": 200, "headers": self.raw_headers})
            retry = _retry(request_context(self._request).request_id)
            await self._write(send, format_sse_event(retry=retry, id=str(following.position)))
            await self._write_events(send, following)
            farewell = format_sse_event(comment=f"ended: {follower.ended}")
            await send({"type": "http.response.body", "body": farewell, "more_body": False})

    @asynccontextmanager
    async def _begun(self, follower: Follower) -> AsyncIterator[Following]:
        app, context = app_context(self._request), request_context(self._request)
        try:
            async with asyncio.timeout(time_limits.REQUEST_TIMEOUT):
                following = await self._begin(follower)
        except TimeoutError:
            raise Unavailable("the storage does not answer in time") from None
        context.session_id = str(following.session_id)
        loop = asyncio.get_running_loop()
        over = loop.call_later(app.events_seconds, follower.end, EndReason.TIME_OVER)
        try:
            yield following
        except asyncio.CancelledError:  # only the server cancels a request, when it stops
            follower.end(EndReason.STOPPING)
            raise
        except Exception as error:
            is_gone = isinstance(error, ClientDisconnect)
            follower.end(EndReason.CLIENT_LEFT if is_gone else EndReason.FAILED)
            raise
        finally:
            over.cancel()
            following.close()
            context.waited += follower.waited
            app.metrics.streams_ended.labels(follower.ended or EndReason.CLIENT_LEFT).inc()

    async def _write_events(self, send: Send, following: Following) -> None:
        sent = app_context(self._request).metrics.events_sent
        async with aclosing(following.events(COMMENT_SECONDS)) as events:
            async for event in events:
                if event is None:
                    await self._write(send, format_sse_event(comment=""))
                    continue
                name, data, order = event_json(event)
                piece = format_sse_event(event=name, data_str=data.decode(), id=order)
                await self._write(send, piece)
                sent.labels(name).inc()

    async def _write(self, send: Send, piece: bytes) -> None:
        """Write a piece, once the client has taken most of those before."""
        self._is_writing = True
        await send({"type": "http.response.body", "body": piece, "more_body": True})
        self._is_writing = False

    def _why_left(self) -> EndReason:
        """The server disconnects a client that does not read."""
        return EndReason.SLOW_CLIENT if self._is_writing else EndReason.CLIENT_LEFT


def _retry(request_id: str) -> int:
    """A number of milliseconds that differs between requests."""
    least, most = RETRY_MILLISECONDS
    return least + crc32(request_id.encode()) % (most - least + 1)
