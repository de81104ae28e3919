"""The access log: one line for each request, written when its outcome is known."""

import logging
import re
from collections.abc import Mapping, Sequence
from dataclasses import replace
from functools import cache
from http import HTTPStatus
from time import perf_counter
from typing import Any

import structlog
import uuid_utils
from opentelemetry import trace
from opentelemetry.context import Context
from opentelemetry.trace.propagation.tracecontext import TraceContextTextMapPropagator
from starlette.types import ASGIApp, Message, Receive, Scope, Send
from structlog.typing import FilteringBoundLogger

from application.errors import InvalidToken, Unavailable
from entrypoints.http.problems import problem_of
from entrypoints.telemetry.metrics import Metrics
from entrypoints.telemetry.request_context import RequestContext, bind, reset

GIVEN_UP = "given_up"
"""The key, in a scope's state, that marks a request which the server has abandoned. The error
response that it sends instead is logged and counted for the request."""

_REQUEST_ID = re.compile(r"[A-Za-z0-9._-]{1,128}")

_DONE: Mapping[str | None, str] = {
    "listSessions": "sessions.listed",
    "createSession": "session.created",
    "getSession": "session.read",
    "updateSession": "session.updated",
    "deleteSession": "session.deleted",
    "deleteSessions": "sessions.deleted",
    "listMessages": "messages.read",
    "appendMessages": "messages.appended",
    "clearMessages": "messages.cleared",
    "followSession": "session.followed",
    "getMessage": "message.read",
    "putMessage": "message.put",
    "removeMessage": "message.removed",
    "search": "search.done",
    "exportSessions": "sessions.exported",
    "importSessions": "sessions.imported",
    "createConversation": "session.created",
    "getConversation": "session.read",
    "updateConversation": "session.updated",
    "deleteConversation": "session.deleted",
    "createConversationItems": "messages.appended",
    "listConversationItems": "messages.read",
    "getConversationItem": "message.read",
    "deleteConversationItem": "message.removed",
}
"""The events of successful requests, by operation id. Other operations, such as probes, are not
logged when they succeed."""

_REFUSED: Mapping[int, tuple[str, int]] = {
    HTTPStatus.UNAUTHORIZED: ("auth.failed", logging.WARNING),
    HTTPStatus.FORBIDDEN: ("access.denied", logging.WARNING),
    HTTPStatus.TOO_MANY_REQUESTS: ("rate.limited", logging.WARNING),
    HTTPStatus.SERVICE_UNAVAILABLE: ("request.unavailable", logging.WARNING),
}

_REPLAYED = (b"idempotent-replayed", b"true")

_METHODS = frozenset(
    {"CONNECT", "DELETE", "GET", "HEAD", "OPTIONS", "PATCH", "POST", "PUT", "QUERY", "TRACE"}
)
"""The methods that metrics tell apart; any other counts as `_OTHER`."""

HeaderLines = Sequence[tuple[bytes, bytes]]
"""The headers of a request, as ASGI has them: names in lower case."""


class AccessLogMiddleware:
    """The middleware begins each request's context, and counts and logs the request once its
    response is sent.

    With `traced`, it also names the request's span after its route, and adds who asks.
    """

    def __init__(self, app: ASGIApp, metrics: Metrics, *, traced: bool = False) -> None:
        self.app = app
        self._active = cache(metrics.active_requests.labels)
        self._duration = cache(metrics.request_duration.labels)
        self._traced = traced
        self._log = structlog.get_logger("chat_sessions").bind()  # once for all lines

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] != "http":
            await self.app(scope, receive, send)
            return
        state = scope.setdefault("state", {})
        state["context"] = context = _context(state, scope["headers"])
        method = scope["method"] if scope["method"] in _METHODS else "_OTHER"
        answer = _Answer(send, method, context, traced=self._traced)
        active = self._active(method, scope["scheme"])
        active.inc()
        token = bind(context)
        try:
            await self.app(scope, receive, answer.send)
        except Exception as error:
            context.refusal = error
            raise
        finally:
            try:
                active.dec()
                if GIVEN_UP not in state:
                    _write_line(self._log, context, answer)
                    self._count(method, scope["scheme"], context, answer)
            finally:
                reset(token)

    def _count(self, method: str, scheme: str, context: RequestContext, answer: "_Answer") -> None:
        kind, status = _kind(context.refusal, answer.status), str(answer.status or "")
        duration = self._duration(kind, method, status, context.route or "", scheme)
        duration.observe(max(0.0, answer.seconds - context.waited))


class _Answer:
    def __init__(self, send: Send, method: str, of: RequestContext, *, traced: bool) -> None:
        self._send = send
        self._method = method
        self._of = of
        self._traced = traced
        self._ended = of.began
        self.status: int | None = None
        self.replayed = False

    @property
    def seconds(self) -> float:
        """How long the request took, until the server had the whole response."""
        return self._ended - self._of.began

    async def send(self, message: Message) -> None:
        if message["type"] == "http.response.start":
            self.status = int(message["status"])
            self.replayed = _REPLAYED in message["headers"]
            if self._traced:
                _describe_span(self._method, self._of)
        await self._send(message)
        self._ended = perf_counter()


def _write_line(log: FilteringBoundLogger, context: RequestContext, answer: _Answer) -> None:
    event, level = _outcome(context, answer.status)
    if event is None:
        return
    fields: dict[str, Any] = {
        "operation": context.operation,
        "status": answer.status,
        "duration_ms": round(answer.seconds * 1000, 3),
        "db_queries": context.db_queries,
        "db_ms": round(context.db_seconds * 1000, 3),
    }
    if context.policy:
        fields["policy"] = context.policy
    if answer.replayed:
        fields["replayed"] = True
    if context.is_from_standby:
        fields["standby"] = True
    if level is logging.ERROR:
        fields["exc_info"] = context.refusal
    elif context.refusal is not None:
        fields["reason"] = _reason(context.refusal)
    log.log(level, event, **fields)


def _outcome(context: RequestContext, status: int | None) -> tuple[str | None, int]:
    refusal = context.refusal
    if refusal is not None and problem_of(refusal).type.status == HTTPStatus.INTERNAL_SERVER_ERROR:
        return "request.failed", logging.ERROR
    if status is None:
        return "request.abandoned", logging.INFO
    if status < HTTPStatus.BAD_REQUEST and refusal is not None:
        return "response.cut_off", logging.WARNING
    if status < HTTPStatus.BAD_REQUEST:
        return _DONE.get(context.operation), logging.INFO
    return _REFUSED.get(status, ("request.refused", logging.INFO))


def _reason(refusal: Exception) -> str:
    """Return why the request was refused, in words that repeat nothing a client sent."""
    for error in (refusal.__cause__, refusal):
        if isinstance(error, InvalidToken | Unavailable):
            return str(error)
    return problem_of(refusal).detail


def _describe_span(method: str, context: RequestContext) -> None:
    """Name the current span after the route, as OpenTelemetry's conventions for HTTP require, where
    FastAPI has not, and give it those who ask, by the names that the log has for them."""
    span = trace.get_current_span()
    if context.route:
        span.set_attribute("http.route", context.route)
        span.update_name(f"{method} {context.route}")
    for name, who in context.people.items():
        span.set_attribute(name, who)


def _kind(refusal: Exception | None, status: int | None) -> str:
    """Return OpenTelemetry's error.type of a failure: the class or, without one, the status."""
    if status is not None and status < HTTPStatus.INTERNAL_SERVER_ERROR:
        return ""
    if refusal is None:
        return str(status or "incomplete_response")
    kind = type(refusal)
    return (
        kind.__qualname__
        if kind.__module__ == "builtins"
        else f"{kind.__module__}.{kind.__qualname__}"
    )


def _context(state: Mapping[str, Any], headers: HeaderLines) -> RequestContext:
    """Return a new context or, for a request that the server has abandoned, a copy with the same
    ids and the same beginning."""
    begun: RequestContext | None = state.get("context")
    if begun is None:
        return RequestContext(request_id=_request_id(headers), trace_id=_trace_id(headers))
    return replace(begun, refusal=None, db_queries=0, db_seconds=0.0, is_from_standby=False)


def _request_id(headers: HeaderLines) -> str:
    values = _values(headers, b"x-request-id")
    if len(values) == 1 and _REQUEST_ID.fullmatch(values[0]):
        return values[0]
    return str(uuid_utils.uuid4())


def _trace_id(headers: HeaderLines) -> str:
    """Return the id of the request's trace (W3C Trace Context), whether or not it is recorded."""
    span = trace.get_current_span()
    if not span.get_span_context().is_valid:
        values = _values(headers, b"traceparent")
        if not values:
            return uuid_utils.uuid4().hex
        parent = TraceContextTextMapPropagator().extract({"traceparent": values[0]}, Context())
        span = trace.get_current_span(parent)
    number = span.get_span_context().trace_id or uuid_utils.uuid4().int
    return trace.format_trace_id(number)


def _values(headers: HeaderLines, name: bytes) -> list[str]:
    return [value.decode("latin-1") for other, value in headers if other == name]
