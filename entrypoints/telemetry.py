"""What the process measures of itself, with OpenTelemetry. No provider is made the global one, so
that two applications in one process share nothing."""

from importlib.metadata import version
from threading import Lock

from opentelemetry.exporter.prometheus import PrometheusMetricReader
from opentelemetry.sdk.metrics import Histogram, MeterProvider
from opentelemetry.sdk.metrics.view import View
from opentelemetry.sdk.resources import Resource
from prometheus_client import CollectorRegistry, generate_latest

REQUEST_LABELS = {
    "error.type",
    "http.request.method",
    "http.response.status_code",
    "http.route",
    "url.scheme",
}
"""What FastAPI's figures are told apart by. The version of HTTP is left out: a client may claim
any of a hundred, each with a series for every other label."""


class Telemetry:
    def __init__(self) -> None:
        resource = Resource.create(
            {"service.name": "chat-sessions", "service.version": version("chat-sessions")}
        )
        self._registry = CollectorRegistry()
        self._scraping = Lock()
        self.meters = MeterProvider(
            [PrometheusMetricReader(scope_info_enabled=False, registry=self._registry)],
            resource,
            shutdown_on_exit=False,
            views=[
                View(
                    instrument_type=Histogram,
                    instrument_name="http.server.request.duration",
                    attribute_keys=REQUEST_LABELS,
                )
            ],
        )

    def exposition(self) -> bytes:
        """Every figure in Prometheus' text format, version 0.0.4. Any thread may ask."""
        with self._scraping:
            return generate_latest(self._registry)
