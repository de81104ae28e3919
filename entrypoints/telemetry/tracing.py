"""Trace with OpenTelemetry. No provider is global, so that two applications in one process share
nothing.

Beside the settings, OpenTelemetry's own variables hold: OTEL_RESOURCE_ATTRIBUTES,
OTEL_TRACES_SAMPLER, OTEL_EXPORTER_OTLP_HEADERS and the like.
"""

from threading import Thread

from opentelemetry.sdk.resources import Resource
from opentelemetry.sdk.trace import TracerProvider
from opentelemetry.trace import Tracer

from entrypoints.telemetry.sampling import AttributeAllowlistSampler
from entrypoints.version import VERSION

SCOPE = "chat_sessions"

FLUSH_TIMEOUT = 1.0
"""How long a stop waits for the last spans to be sent, in seconds."""


def resource() -> Resource:
    """Return the resource that metrics and traces name the service by."""
    return Resource.create({"service.name": "chat-sessions", "service.version": VERSION})


class Tracing:
    """Sends spans to `otlp_endpoint` by OTLP over HTTP. Without one there are no spans."""

    def __init__(self, otlp_endpoint: str | None, resource: Resource) -> None:
        self.provider = _provider(otlp_endpoint, resource) if otlp_endpoint else None

    @property
    def tracer(self) -> Tracer | None:
        return self.provider.get_tracer(SCOPE) if self.provider else None

    def flush(self) -> Thread:
        """Send the last spans in a thread, for the caller to join. There are none after them."""
        closing = Thread(target=self._close, name="tracing-flush", daemon=True)
        closing.start()
        return closing

    def _close(self) -> None:
        if self.provider is not None:
            self.provider.shutdown()


def _provider(endpoint: str, resource: Resource) -> TracerProvider:
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
