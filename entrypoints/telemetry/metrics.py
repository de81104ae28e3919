"""Figures that every request changes, kept as plain numbers until somebody asks for them.

OpenTelemetry's instruments take some ten times as long for each measurement. What is seldom counted
goes through them; Prometheus sees no difference.
"""

from bisect import bisect_left
from collections import Counter
from collections.abc import Iterator, Sequence
from threading import Lock

from prometheus_client import CollectorRegistry
from prometheus_client.core import GaugeMetricFamily, HistogramMetricFamily
from prometheus_client.registry import Collector
from prometheus_client.utils import floatToGoString

Labels = tuple[str, ...]
"""A value for each label; none where it is empty."""


class Histogram(Collector):
    """Durations in seconds, by labels. Any thread may record one."""

    def __init__(
        self,
        registry: CollectorRegistry,
        name: str,
        about: str,
        labels: Sequence[str],
        edges: Sequence[float],
    ) -> None:
        self._name, self._about, self._labels, self._edges = name, about, labels, edges
        self._series: dict[Labels, list[float]] = {}
        self._lock = Lock()
        registry.register(self)

    def record(self, seconds: float, labels: Labels) -> None:
        with self._lock:
            series = self._series.get(labels)
            if series is None:
                # The count up to each edge and past the last, and the sum of all.
                series = self._series[labels] = [0] * (len(self._edges) + 2)
            series[bisect_left(self._edges, seconds)] += 1
            series[-1] += seconds

    def collect(self) -> Iterator[HistogramMetricFamily]:
        family = HistogramMetricFamily(self._name, self._about, labels=self._labels)
        with self._lock:
            found = [(labels, list(series)) for labels, series in self._series.items()]
        for labels, (*counts, total) in found:
            family.add_metric(labels, list(self._buckets(counts)), total)
        yield family

    def describe(self) -> Iterator[HistogramMetricFamily]:
        yield HistogramMetricFamily(self._name, self._about, labels=self._labels)

    def _buckets(self, counts: Sequence[float]) -> Iterator[tuple[str, float]]:
        so_far = 0.0
        for edge, count in zip((*self._edges, float("inf")), counts, strict=True):
            so_far += count
            yield floatToGoString(edge), so_far  # type: ignore[no-untyped-call]


class Gauge(Collector):
    """How many there are just now, by labels. Changed by one thread alone."""

    def __init__(
        self, registry: CollectorRegistry, name: str, about: str, labels: Sequence[str]
    ) -> None:
        self._name, self._about, self._labels = name, about, labels
        self._counts: Counter[Labels] = Counter()
        registry.register(self)

    def add(self, change: int, labels: Labels) -> None:
        self._counts[labels] += change

    def collect(self) -> Iterator[GaugeMetricFamily]:
        family = GaugeMetricFamily(self._name, self._about, labels=self._labels)
        for labels, count in self._counts.copy().items():
            family.add_metric(labels, count)
        yield family

    def describe(self) -> Iterator[GaugeMetricFamily]:
        yield GaugeMetricFamily(self._name, self._about, labels=self._labels)


class Requests:
    """What FastAPI would measure of requests, under OpenTelemetry's names for it."""

    def __init__(self, registry: CollectorRegistry) -> None:
        self._active = Gauge(
            registry,
            "http_server_active_requests",
            "Number of active HTTP server requests.",
            ("http_request_method", "url_scheme"),
        )
        self._duration = Histogram(
            registry,
            "http_server_request_duration_seconds",
            "Duration of HTTP server requests.",
            (
                "error_type",
                "http_request_method",
                "http_response_status_code",
                "http_route",
                "url_scheme",
            ),
            REQUEST_SECONDS,
        )

    def begins(self, method: str, scheme: str) -> None:
        self._active.add(1, (method, scheme))

    def is_given_up(self, method: str, scheme: str) -> None:
        """What the client is told instead ends as a request of its own."""
        self._active.add(-1, (method, scheme))

    def ends(  # noqa: PLR0913, PLR0917 - a label each
        self, method: str, scheme: str, seconds: float, route: str, status: str, error: str
    ) -> None:
        self._active.add(-1, (method, scheme))
        self._duration.record(seconds, (error, method, status, route, scheme))


REQUEST_SECONDS = (0.005, 0.01, 0.025, 0.05, 0.075, 0.1, 0.25, 0.5, 0.75, 1, 2.5, 5, 7.5, 10)
"""The buckets' edges (OpenTelemetry's semantic conventions for HTTP metrics)."""

STATEMENT_SECONDS = (0.001, 0.005, 0.01, 0.05, 0.1, 0.5, 1, 5, 10)
"""Likewise, for database metrics."""


def statements(registry: CollectorRegistry) -> Histogram:
    return Histogram(
        registry,
        "db_client_operation_duration_seconds",
        "Duration of database client operations.",
        ("db_query_summary", "db_system_name", "error_type"),
        STATEMENT_SECONDS,
    )
