"""The middleware that completes every response, whether a route or an error has made it."""

import asyncio
from collections.abc import Callable
from contextlib import suppress

from starlette.datastructures import Headers
from starlette.requests import ClientDisconnect
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from entrypoints.http.middleware.response_headers import ResponseHeaders
from entrypoints.http.problem_types import UNAVAILABLE
from entrypoints.http.problems import Problem, problem_response
from entrypoints.http.references import routing_path
from entrypoints.telemetry.request_context import RequestContext

LINGER_TIMEOUT = 30
"""How long a response waits for the rest of a body that nobody has read, in seconds."""

SILENCE_TIMEOUT = 2
"""How long it waits for the next piece of that body, in seconds."""

Admit = Callable[[Scope, Headers], None]


class ResponseMiddleware:
    """The middleware adds headers to every response, answers HEAD as GET without the body, and
    turns uncaught errors into problems.

    A client that is still sending its body gets to read the response.

    `admit` validates the head first, and raises a Problem to refuse the request. The `headers` in
    the request's context are added to the response. Once the service `is_stopping`, each response
    closes its connection.
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
        # A request that the server has abandoned already has its headers.
        context: RequestContext = scope["state"]["context"]
        context.headers = context.headers or self.headers.for_request(scope["method"], headers)
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
        method = "GET" if scope["method"] == "HEAD" else scope["method"]
        inner = {**scope, "method": method, "path": routing_path(scope)}
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
        fields = dict(headers.raw)
        has_length = fields.get(b"content-length", b"0") != b"0"
        self._asks_first = b"expect" in fields
        self.more_body = has_length or b"transfer-encoding" in fields

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
            # A client that sent Expect and is answered before its body was read may still send the
            # body or not, so it is unclear where its next request begins.
            is_unclear = self._asks_first and self.more_body
            if is_unclear or self._is_stopping():
                # A client that knows does not send another request while the connection closes.
                own[b"connection"] = b"close"
            headers = {**self.context.headers, **own}
            await self._send({**message, "headers": list(headers.items())})
            return
        if self._is_head and message.get("more_body", False):  # of a response without an end
            self.finished = True
            await self._send({"type": "http.response.body", "body": b"", "more_body": False})
            raise ClientDisconnect
        self.finished = not message.get("more_body", False)
        if self._is_head:
            message = {**message, "body": b""}
        if self.more_body and self.finished:
            await self._linger(message)
        else:
            await self._send(message)

    async def _linger(self, message: Message) -> None:
        """Read and drop the rest of the request's body before the response ends. To close while the
        client still sends would reset the connection and lose the response (RFC 9112 section 9.6).
        """
        await self._send({**message, "more_body": True})
        try:
            with suppress(TimeoutError):
                async with asyncio.timeout(LINGER_TIMEOUT):
                    while self.more_body:
                        await asyncio.wait_for(self.receive(), SILENCE_TIMEOUT)
        finally:
            await self._send({"type": "http.response.body", "body": b"", "more_body": False})
