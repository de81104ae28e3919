"""Decide which traces are recorded, and what their spans begin with."""

from collections.abc import Sequence

from opentelemetry.context import Context
from opentelemetry.sdk.trace.sampling import ALWAYS_OFF, Sampler, SamplingResult
from opentelemetry.trace import Link, SpanKind, TraceState
from opentelemetry.util.types import Attributes

from entrypoints.probe_paths import PROBE_PATHS

ALLOWED_ATTRIBUTES = frozenset(
    {
        "db.query.summary",
        "db.system.name",
        "error.type",
        "http.request.method",
        "network.protocol.version",
        "url.scheme",
    }
)
"""The attributes that a span may begin with. FastAPI adds the path, the query, the method and the
host as the client sent them, and a client may put anything there."""


class AttributeAllowlistSampler(Sampler):
    """The sampler decides as another does, and drops every attribute that is not allowed."""

    def __init__(self, sampler: Sampler) -> None:
        self._sampler = sampler

    def should_sample(  # noqa: PLR0913, PLR0917 - as the base class has it
        self,
        parent_context: Context | None,
        trace_id: int,
        name: str,
        kind: SpanKind | None = None,
        attributes: Attributes = None,
        links: Sequence[Link] | None = None,
        trace_state: TraceState | None = None,
    ) -> SamplingResult:
        found = attributes or {}
        kept = {key: value for key, value in found.items() if key in ALLOWED_ATTRIBUTES}
        sampler = ALWAYS_OFF if found.get("url.path") in PROBE_PATHS else self._sampler
        return sampler.should_sample(parent_context, trace_id, name, kind, kept, links, trace_state)

    def get_description(self) -> str:
        return f"AttributeAllowlistSampler({self._sampler.get_description()})"
