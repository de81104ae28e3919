from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass

from opentelemetry.metrics import Counter, Meter, MeterProvider
from opentelemetry.trace import TracerProvider

from entrypoints.telemetry.metrics import Requests

POLICIES = ("read", "write", "create", "peer")
"""Of the rate limits."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Telemetry:
    """Where figures and spans go; without `traces` there are none of the latter. `exposition` gives
    all figures in Prometheus' text format, from any thread."""

    measures: "Measures"
    requests: Requests
    traces: TracerProvider | None
    exposition: Callable[[], bytes]


class Measures:
    """What the HTTP layer counts beside requests and their durations.

    Labels are few and known beforehand: nothing that a client sent may be one.
    """

    def __init__(self, meters: MeterProvider) -> None:
        meter = meters.get_meter("chat_sessions")
        self.auth_failures = _counter(
            meter, "chat_sessions.auth.failures", "Requests whose bearer token did not hold."
        )
        self.rate_limited = _counter(
            meter,
            "chat_sessions.rate_limited",
            "Requests refused for a rate limit, by its policy.",
            [{"policy": policy} for policy in POLICIES],
        )
        self.limiter_unavailable = _counter(
            meter,
            "chat_sessions.limiter.unavailable",
            "Requests that no limit was checked for, since the limiter's storage was away.",
        )


def _counter(
    meter: Meter, name: str, about: str, series: Sequence[Mapping[str, str]] = ({},)
) -> Counter:
    """One whose series are there from the start: the rise from nothing to one is seen too."""
    counter = meter.create_counter(name, description=about)
    for labels in series:
        counter.add(0, labels)
    return counter
