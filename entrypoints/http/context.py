"""The application's parts, as routes reach them."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass

from starlette.requests import HTTPConnection

from application.ports.clock import Clock
from application.use_cases import UseCases
from entrypoints.http.authentication import Authentication
from entrypoints.http.rate_limits import RateLimits
from entrypoints.telemetry.metrics import Metrics


@dataclass(frozen=True, slots=True, kw_only=True)
class AppContext:
    """The parts that all requests share. `public_url` is empty where links are relative,
    `is_stopping` tells whether a stream must end. `events_seconds` is how long a stream of events
    lasts."""

    use_cases: UseCases
    authentication: Authentication
    limits: RateLimits
    max_body_bytes: int
    max_import_bytes: int
    is_stopping: Callable[[], bool]
    exposition: Callable[[], bytes]
    public_url: str
    docs_policy: str
    protected_resource: Mapping[str, str | list[str]]
    clock: Clock
    metrics: Metrics
    events_seconds: float


def app_context(connection: HTTPConnection) -> AppContext:
    context: AppContext = connection.app.state.context
    return context


def use_cases(request: HTTPConnection) -> UseCases:
    return app_context(request).use_cases
