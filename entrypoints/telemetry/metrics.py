"""Count one process's metrics with prometheus_client, under OpenTelemetry's names.

Labels have few values, all known beforehand: nothing that a client sent may be one.
"""

from collections.abc import Mapping

from prometheus_client import (
    CollectorRegistry,
    Counter,
    Gauge,
    Histogram,
    Info,
    ProcessCollector,
    disable_created_metrics,
    generate_latest,
)

from application.errors import TokenFault
from application.followers import EndReason
from entrypoints.setting_types import RATE_LIMIT_POLICIES

REQUEST_SECONDS = (0.005, 0.01, 0.025, 0.05, 0.075, 0.1, 0.25, 0.5, 0.75, 1, 2.5, 5, 7.5, 10)
"""The buckets' bounds (OpenTelemetry's semantic conventions for HTTP metrics)."""

STATEMENT_SECONDS = (0.001, 0.005, 0.01, 0.05, 0.1, 0.5, 1, 5, 10)
"""The buckets' bounds (OpenTelemetry's semantic conventions for database client metrics)."""


EVENTS = ("message", "removed", "replaced", "session")
"""The kinds of events."""


class Metrics:
    """An application has its metrics in a registry of its own, in which any thread may count.

    `target` describes the service with OpenTelemetry's resource attributes.
    """

    def __init__(self, target: Mapping[str, str]) -> None:
        disable_created_metrics()  # type: ignore[no-untyped-call]
        self._registry = registry = CollectorRegistry()
        ProcessCollector(registry=registry)
        Info("target", "Target metadata", registry=registry).info(
            {name.replace(".", "_"): value for name, value in target.items()}
        )
        self.active_requests = Gauge(
            "http_server_active_requests",
            "Number of active HTTP server requests.",
            ("http_request_method", "url_scheme"),
            registry=registry,
        )
        self.request_duration = Histogram(
            "http_server_request_duration_seconds",
            "Duration of HTTP server requests.",
            (
                "error_type",
                "http_request_method",
                "http_response_status_code",
                "http_route",
                "url_scheme",
            ),
            buckets=REQUEST_SECONDS,
            registry=registry,
        )
        self.statement_duration = Histogram(
            "db_client_operation_duration_seconds",
            "Duration of database client operations.",
            ("db_query_summary", "db_system_name", "error_type"),
            buckets=STATEMENT_SECONDS,
            registry=registry,
        )
        self.connections = Gauge(
            "db_client_connection_count",
            "Connections that are currently in the state.",
            ("db_client_connection_pool_name", "db_client_connection_state"),
            registry=registry,
        )
        self.connections_max = Gauge(
            "db_client_connection_max",
            "The most connections there may be.",
            ("db_client_connection_pool_name",),
            registry=registry,
        )
        self.auth_failures = Counter(
            "chat_sessions_auth_failures",
            "Requests whose bearer token did not hold, by the rule that it broke.",
            ("reason",),
            registry=registry,
        )
        for fault in TokenFault:  # the rise from nothing to one is seen too
            self.auth_failures.labels(fault)
        self.rate_limited = Counter(
            "chat_sessions_rate_limited",
            "Requests refused for a rate limit, by its policy.",
            ("policy",),
            registry=registry,
        )
        for policy in RATE_LIMIT_POLICIES:
            self.rate_limited.labels(policy)
        self.limiter_unavailable = Counter(
            "chat_sessions_limiter_unavailable",
            "Requests that no limit was checked for, since the limiter's storage was away.",
            registry=registry,
        )

        self.followers = Gauge(
            "chat_sessions_followers",
            "Requests that wait for news of a session.",
            registry=registry,
        )
        self.events_sent = Counter(
            "chat_sessions_events_sent",
            "Events sent to those who follow sessions.",
            ("event",),
            registry=registry,
        )
        for event in EVENTS:
            self.events_sent.labels(event)
        self.streams_ended = Counter(
            "chat_sessions_streams_ended",
            "Streams of events that have ended, by the reason.",
            ("reason",),
            registry=registry,
        )
        for reason in EndReason:
            self.streams_ended.labels(reason)

    def exposition(self) -> bytes:
        """Return all metrics in Prometheus' text format, version 0.0.4. Any thread may call it."""
        return generate_latest(self._registry)
