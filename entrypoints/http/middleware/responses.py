"""The outermost layer, pure ASGI: what holds for every answer, whoever makes it."""

import asyncio
from collections.abc import Callable
from contextlib import suppress

from starlette.datastructures import Headers
from starlette.requests import ClientDisconnect
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from entrypoints.http.middleware.response_headers import ResponseHeaders
from entrypoints.http.problem_types import UNAVAILABLE
from entrypoints.http.problems import Problem, problem_response
from entrypoints.telemetry.request_context import RequestContext

LINGER_TIMEOUT = 30
"""How long an answer waits at most for the rest of a body that nobody wanted."""

SILENCE_TIMEOUT = 2
"""How long it waits for a next piece of it."""

Admit = Callable[[Scope, Headers], None]


class ResponseMiddleware:
    """Gives every answer its headers, answers HEAD as GET without the body, turns what nobody
    caught into a problem, and lets a client that is still sending read it.

    `admit` sees the request's head first and raises the Problem that refuses it. What is in the
    request's context as `headers` when its answer begins is added to it. Once the service
    `is_stopping`, each answer is its connection's last.
    """

    def __init__(
        self, app: ASGIApp, admit: Admit, headers: ResponseHeaders, is_stopping: Callable[[], bool]
    ) -> None:
        self.app = app
        self.admit = admit
        self.headers = headers
        self.is_stopping = is_stopping

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] != "http":
            await self.app(scope, receive, send)
            return
        headers = Headers(raw=scope["headers"])
        # Of a request that the server gave up halfway, what it was already given.
        context: RequestContext = scope["state"]["context"]
        context.headers = context.headers or self.headers.of(scope["method"], headers)
        exchange = _ResponseWriter(scope, headers, receive, send, self.is_stopping)
        try:
            self.admit(scope, headers)
            await self._answered(scope, exchange)
        except ClientDisconnect:
            pass
        except asyncio.CancelledError:
            # Only the server cancels a request, when it stops without waiting for it.
            if not exchange.started:
                exchange.more_body = False
                await exchange.answer(Problem(UNAVAILABLE, "The service is stopping."))
        except Exception as error:
            if not exchange.started:
                await exchange.answer(error)
            elif not exchange.finished:
                raise
            else:
                exchange.context.refusal = error

    async def _answered(self, scope: Scope, exchange: "_ResponseWriter") -> None:
        inner = {**scope, "method": "GET"} if scope["method"] == "HEAD" else scope
        try:
            await self.app(inner, exchange.receive, exchange.send)
        finally:
            if exchange.context.route is None and "route" in inner:
                exchange.context.route = inner["route"].path_format


class _ResponseWriter:
    def __init__(
        self,
        scope: Scope,
        headers: Headers,
        receive: Receive,
        send: Send,
        is_stopping: Callable[[], bool],
    ) -> None:
        self.context: RequestContext = scope["state"]["context"]
        self.started = self.finished = False
        self._scope = scope
        self._is_head = scope["method"] == "HEAD"
        self._receive = receive
        self._send = send
        self._is_stopping = is_stopping
        given = dict(headers.raw)
        self._asks_first = b"expect" in given
        self.more_body = given.get(b"content-length", b"0") != b"0" or b"transfer-encoding" in given

    async def answer(self, error: Exception) -> None:
        response = problem_response(self.context, error)
        await response(self._scope, self.receive, self.send)

    async def receive(self) -> Message:
        message = await self._receive()
        self.more_body = message.get("more_body", False)
        return message

    async def send(self, message: Message) -> None:
        if message["type"] == "http.response.start":
            self.started = True
            own = dict(message["headers"])
            own[b"x-request-id"] = self.context.request_id.encode()
            if self.context.is_from_standby:
                own[b"standby-read"] = b"true"
            # Of a client that asked first whether to send its body, and is answered before, it is
            # open whether that still comes, and with it where a next request begins.
            is_unclear = self._asks_first and self.more_body
            if is_unclear or self._is_stopping():
                # Told so, nobody sends another request just when the connection is closed.
                own[b"connection"] = b"close"
            headers = {**self.context.headers, **own}
            await self._send({**message, "headers": list(headers.items())})
            return
        self.finished = not message.get("more_body", False)
        if self._is_head:
            message = {**message, "body": b""}
        if self.more_body and self.finished:
            await self._linger(message)
        else:
            await self._send(message)

    async def _linger(self, message: Message) -> None:
        """Closing on a client that still sends resets the connection, and the answer with it
        (RFC 9112 section 9.6), so the rest of its body is read and dropped first."""
        await self._send({**message, "more_body": True})
        try:
            with suppress(TimeoutError):
                async with asyncio.timeout(LINGER_TIMEOUT):
                    while self.more_body:
                        await asyncio.wait_for(self.receive(), SILENCE_TIMEOUT)
        finally:
            await self._send({"type": "http.response.body", "body": b"", "more_body": False})
