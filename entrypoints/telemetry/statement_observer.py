"""The database's statements, as figures, spans, lines and the request at hand have them."""

from collections.abc import Callable, Iterable, Mapping
from time import time_ns
from typing import Protocol

import structlog
from opentelemetry.metrics import MeterProvider, Observation
from opentelemetry.trace import SpanKind, StatusCode, Tracer

from entrypoints.telemetry.metrics import Histogram
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
        meters: MeterProvider,
        durations: Histogram,
        tracer: Tracer | None,
        system: str,
        slow_seconds: float,
    ) -> None:
        self._meter = meters.get_meter("chat_sessions")
        self._durations = durations
        self._tracer = tracer
        self._system = system
        self._slow_seconds = slow_seconds
        self._pools: dict[str, Callable[[], _Pool]] = {}

    def statement(self, name: str, seconds: float, error: BaseException | None) -> None:
        kind = "" if error is None else getattr(error, "sqlstate", None) or type(error).__qualname__
        self._durations.record(seconds, (name, self._system, kind))
        context = current()
        if context is not None:
            context.db_queries += 1
            context.db_seconds += seconds
        if self._tracer is not None:
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
        self._pools[name] = look
        if len(self._pools) > 1:
            return
        self._meter.create_observable_up_down_counter(
            "db.client.connection.count",
            [lambda _: _connections(self._pools)],
            unit="{connection}",
            description="Connections that are currently in the state.",
        )
        self._meter.create_observable_up_down_counter(
            "db.client.connection.max",
            [lambda _: _most(self._pools)],
            unit="{connection}",
            description="The most connections there may be.",
        )

    def event(self, name: str, level: int, **about: object) -> None:
        _log.log(level, f"database.{name}", **about)


_POOL = "db.client.connection.pool.name"


def _connections(pools: Mapping[str, Callable[[], _Pool]]) -> Iterable[Observation]:
    for name, look in pools.items():
        pool = look()
        for state, count in (("used", pool.used), ("idle", pool.idle)):
            yield Observation(count, {_POOL: name, "db.client.connection.state": state})


def _most(pools: Mapping[str, Callable[[], _Pool]]) -> Iterable[Observation]:
    for name, look in pools.items():
        yield Observation(look().most, {_POOL: name})


def _add_span(tracer: Tracer, name: str, seconds: float, about: Mapping[str, str]) -> None:
    """One that has come to its end just now, below the span of whoever asked for it."""
    end = time_ns()
    began = end - round(seconds * 1e9)
    span = tracer.start_span(name, kind=SpanKind.CLIENT, attributes=about, start_time=began)
    if "error.type" in about:
        span.set_status(StatusCode.ERROR)
    span.end(end)
