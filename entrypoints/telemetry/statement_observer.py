"""Record the database's statements in metrics, spans, the log and the request's context."""

from collections.abc import Callable, Mapping
from functools import cache
from time import time_ns
from typing import Protocol

import structlog
from opentelemetry.trace import SpanKind, StatusCode, Tracer, get_current_span

from entrypoints.telemetry.metrics import Metrics
from entrypoints.telemetry.request_context import current

_log = structlog.get_logger("chat_sessions")


class _Pool(Protocol):
    @property
    def used(self) -> int: ...
    @property
    def idle(self) -> int: ...
    @property
    def most(self) -> int: ...


class StatementObserver:
    """An observer of one database; `system` is its db.system.name. A statement that takes
    `slow_seconds` or more has a line of its own in the log."""

    def __init__(
        self,
        metrics: Metrics,
        tracer: Tracer | None,
        system: str,
        slow_seconds: float,
    ) -> None:
        self._metrics = metrics
        self._duration = cache(metrics.statement_duration.labels)
        self._tracer = tracer
        self._system = system
        self._slow_seconds = slow_seconds

    def statement(self, name: str, seconds: float, error: BaseException | None) -> None:
        kind = "" if error is None else getattr(error, "sqlstate", None) or type(error).__qualname__
        self._duration(name, self._system, kind).observe(seconds)
        context = current()
        if context is not None:
            context.db_queries += 1
            context.db_seconds += seconds
        if self._tracer is not None and get_current_span().is_recording():
            about = {"db.system.name": self._system, "db.query.summary": name}
            _add_span(self._tracer, name, seconds, about | ({"error.type": kind} if kind else {}))
        if seconds >= self._slow_seconds:
            _log.warning(
                "database.slow_statement",
                statement=name,
                duration_ms=round(seconds * 1000, 3),
                failed=error is not None,
            )

    def pool(self, name: str, look: Callable[[], _Pool]) -> None:
        connections = self._metrics.connections
        connections.labels(name, "used").set_function(lambda: look().used)
        connections.labels(name, "idle").set_function(lambda: look().idle)
        self._metrics.connections_max.labels(name).set_function(lambda: look().most)

    def event(self, name: str, level: int, **about: object) -> None:
        _log.log(level, f"database.{name}", **about)


def _add_span(tracer: Tracer, name: str, seconds: float, about: Mapping[str, str]) -> None:
    """Add the span of a statement that has just ended, as a child of the current span."""
    end = time_ns()
    began = end - round(seconds * 1e9)
    span = tracer.start_span(name, kind=SpanKind.CLIENT, attributes=about, start_time=began)
    if "error.type" in about:
        span.set_status(StatusCode.ERROR)
    span.end(end)
