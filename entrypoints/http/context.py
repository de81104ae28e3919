"""The application's parts, as routes reach them."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass

from starlette.requests import HTTPConnection

from application.use_cases import UseCases
from entrypoints.http.authentication import Authentication
from entrypoints.http.rate_limits import RateLimits


@dataclass(frozen=True, slots=True, kw_only=True)
class AppContext:
    """The parts that all requests share. `public_url` is empty where links are relative."""

    use_cases: UseCases
    authentication: Authentication
    limits: RateLimits
    max_body_bytes: int
    exposition: Callable[[], bytes]
    public_url: str
    docs_policy: str
    protected_resource: Mapping[str, str | list[str]]


def app_context(connection: HTTPConnection) -> AppContext:
    context: AppContext = connection.app.state.context
    return context


def use_cases(request: HTTPConnection) -> UseCases:
    return app_context(request).use_cases
