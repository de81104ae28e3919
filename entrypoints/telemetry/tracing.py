"""What the process measures of itself, with OpenTelemetry. No provider is made the global one, so
that two applications in one process share nothing.

Beside the settings, OpenTelemetry's own variables hold: OTEL_RESOURCE_ATTRIBUTES,
OTEL_TRACES_SAMPLER, OTEL_EXPORTER_OTLP_HEADERS and the like.
"""

from threading import Lock, Thread

from opentelemetry.exporter.prometheus import PrometheusMetricReader
from opentelemetry.sdk.metrics import MeterProvider
from opentelemetry.sdk.resources import Resource
from opentelemetry.sdk.trace import TracerProvider
from opentelemetry.trace import Tracer
from prometheus_client import CollectorRegistry, ProcessCollector, generate_latest

from entrypoints.telemetry.metrics import Requests, statements
from entrypoints.telemetry.sampling import AttributeAllowlistSampler
from entrypoints.version import VERSION

SCOPE = "chat_sessions"

FLUSH_TIMEOUT = 1.0
"""What a stop waits at most for the last spans to be taken."""


class Telemetry:
    """`otlp_endpoint` is where spans go, by OTLP over HTTP; without it there are none."""

    def __init__(self, otlp_endpoint: str | None = None) -> None:
        resource = Resource.create({"service.name": "chat-sessions", "service.version": VERSION})
        self._registry = CollectorRegistry()
        ProcessCollector(registry=self._registry)  # its memory, processor time and files
        self._scraping = Lock()
        self.requests = Requests(self._registry)
        self.statements = statements(self._registry)
        self.meters = MeterProvider(
            [PrometheusMetricReader(scope_info_enabled=False, registry=self._registry)],
            resource,
            shutdown_on_exit=False,
        )
        self.traces = _traces(otlp_endpoint, resource) if otlp_endpoint else None

    @property
    def tracer(self) -> Tracer | None:
        return self.traces.get_tracer(SCOPE) if self.traces else None

    def exposition(self) -> bytes:
        """Every figure in Prometheus' text format, version 0.0.4. Any thread may ask."""
        with self._scraping:
            return generate_latest(self._registry)

    def flush(self) -> Thread:
        """Begin to send what spans are left, and no more after them: join it, for a while."""
        closing = Thread(target=self._close, name="telemetry-flush", daemon=True)
        closing.start()
        return closing

    def _close(self) -> None:
        if self.traces is not None:
            self.traces.shutdown()


def _traces(endpoint: str, resource: Resource) -> TracerProvider:
    # A tenth of a second to import, which a service without traces need not wait for.
    from opentelemetry.exporter.otlp.proto.http.trace_exporter import (  # noqa: PLC0415
        OTLPSpanExporter,
    )
    from opentelemetry.sdk.trace.export import BatchSpanProcessor  # noqa: PLC0415

    provider = TracerProvider(resource=resource, shutdown_on_exit=False)
    provider.sampler = AttributeAllowlistSampler(provider.sampler)
    exporter = OTLPSpanExporter(f"{endpoint.rstrip('/')}/v1/traces")
    provider.add_span_processor(BatchSpanProcessor(exporter))
    return provider
