"""The FastAPI application: its routers, its middleware and its exception handlers."""

from collections.abc import Callable, Sequence
from collections.abc import Set as AbstractSet
from contextlib import AbstractAsyncContextManager
from dataclasses import dataclass
from http import HTTPStatus
from typing import Any

from fastapi import FastAPI
from fastapi.routing import iter_route_contexts
from fastapi.telemetry import TelemetryConfig
from opentelemetry.trace import TracerProvider
from starlette.exceptions import HTTPException
from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Match
from starlette.types import ASGIApp, Scope

from application.errors import Unavailable
from application.ports.authenticator import Authenticator
from application.ports.clock import Clock
from application.use_cases import UseCases
from domain.errors import Refused
from entrypoints.http.authentication import Authentication
from entrypoints.http.context import AppContext
from entrypoints.http.middleware.access_log import AccessLogMiddleware
from entrypoints.http.middleware.request_head import RequestHeadValidator, host_name
from entrypoints.http.middleware.response_headers import ResponseHeaders
from entrypoints.http.middleware.responses import ResponseMiddleware
from entrypoints.http.openai_dialect import conversation_routes
from entrypoints.http.openapi.description import ABOUT, TAGS, complete
from entrypoints.http.openapi.sign_in import SignIn
from entrypoints.http.problem_types import METHOD_NOT_ALLOWED, ROUTE_NOT_FOUND
from entrypoints.http.problems import Problem, problem_response
from entrypoints.http.rate_limits import RateLimits
from entrypoints.http.routes import (
    docs,
    events,
    message,
    messages,
    moving,
    probes,
    search,
    sessions,
    well_known,
)
from entrypoints.telemetry.metrics import Metrics
from entrypoints.telemetry.request_context import request_context
from entrypoints.version import VERSION

Lifespan = Callable[[object], AbstractAsyncContextManager[None]]


@dataclass(frozen=True, slots=True, kw_only=True)
class HttpOptions:
    """The options are what the application needs besides the use cases and the authenticator.

    `base_url` is the URL of the service. `public_url` is the same URL if the operator has set it;
    otherwise it is empty, and links are relative. `hosts` are the accepted values of the Host
    header. `accepts_address` is documented at RequestHeadValidator, `hsts_seconds` and `origins`
    at ResponseHeaders. `is_stopping` tells whether clients should close their connections.
    `traces` receives spans, `sign_in` describes the identity provider, if there is one, and
    `scopes` are those that its tokens, or those of another issuer, must have; tokens expire by the
    `clock`. A stream of events lasts `events_seconds`. With `openai_dialect` the service speaks
    OpenAI's Conversations API too.
    """

    base_url: str
    public_url: str
    hosts: AbstractSet[str]
    max_body_bytes: int
    max_import_bytes: int
    accepts_address: Callable[[str | None], bool]
    is_stopping: Callable[[], bool]
    limits: RateLimits
    hsts_seconds: int
    origins: AbstractSet[str]
    metrics: Metrics
    clock: Clock
    events_seconds: float
    traces: TracerProvider | None = None
    sign_in: SignIn | None = None
    scopes: Sequence[str] = ()
    openai_dialect: bool = False


class _Api(FastAPI):
    sign_in: SignIn | None = None

    def openapi(self) -> dict[str, Any]:
        """Return the OpenAPI description, which is built once."""
        if self.openapi_schema is None:
            self.openapi_schema = complete(super().openapi())
            if self.sign_in:
                self.sign_in.describe(self.openapi_schema)
        return self.openapi_schema


def create_app(
    use_cases: UseCases,
    authenticator: Authenticator,
    options: HttpOptions,
    lifespan: Lifespan | None = None,
) -> ASGIApp:
    """Build the ASGI application. Each call returns a new one."""
    telemetry: TelemetryConfig = {
        "metrics": False,
        "tracer_provider": options.traces,
        "tracing": options.traces is not None,
        "operation_spans": False,
        "logs": False,
        "auto_configure": False,
    }
    app = routed_app(lifespan, telemetry, options.public_url, openai_dialect=options.openai_dialect)
    app.state.context = AppContext(
        use_cases=use_cases,
        authentication=Authentication(
            authenticator,
            well_known.metadata_url(options.base_url),
            options.limits,
            options.metrics,
        ),
        limits=options.limits,
        max_body_bytes=options.max_body_bytes,
        max_import_bytes=options.max_import_bytes,
        is_stopping=options.is_stopping,
        exposition=options.metrics.exposition,
        public_url=options.public_url,
        docs_policy=docs.docs_policy(options.sign_in),
        protected_resource=well_known.protected_resource(
            options.base_url, options.sign_in, options.scopes
        ),
        clock=options.clock,
        metrics=options.metrics,
        events_seconds=options.events_seconds,
    )
    app.sign_in = options.sign_in
    well_known.serve_metadata_of(app, options.base_url)
    for kind in (Problem, Refused, Unavailable, HTTPException):
        app.add_exception_handler(kind, _answer_problem)
    for status in (HTTPStatus.NOT_FOUND, HTTPStatus.METHOD_NOT_ALLOWED):
        app.add_exception_handler(status, _answer_no_route)
    hosts = frozenset(map(host_name, options.hosts))
    headers = ResponseHeaders(options.hsts_seconds, options.origins)
    admit = RequestHeadValidator(hosts, options.accepts_address)
    app.add_middleware(
        ResponseMiddleware, admit=admit, headers=headers, is_stopping=options.is_stopping
    )
    if options.openai_dialect:
        conversation_routes.prepare(app)
    app.add_middleware(
        AccessLogMiddleware, metrics=options.metrics, traced=options.traces is not None
    )
    return app


def routed_app(
    lifespan: Lifespan | None = None,
    telemetry: TelemetryConfig | None = None,
    public_url: str = "",
    *,
    openai_dialect: bool = False,
) -> _Api:
    """Build an application with the routes and their description, but without use cases."""
    app = _Api(
        title="chat-sessions",
        version=VERSION,
        summary="People's chat sessions and the messages in them.",
        description=ABOUT,
        openapi_tags=TAGS,
        servers=[{"url": public_url or "/", "description": "This service."}],
        docs_url=None,
        redoc_url=None,
        openapi_url=None,
        redirect_slashes=False,
        lifespan=lifespan,
        telemetry=telemetry,
    )
    # In this order they are tried, each route of one before the next: what is asked most is first.
    for routes in (messages, sessions):
        app.include_router(routes.router)
    if openai_dialect:
        app.include_router(conversation_routes.router, include_in_schema=False)
    for routes in (message, events, search, moving, probes, well_known, docs):
        app.include_router(routes.router)
    app.include_router(moving.import_router)
    return app


async def _answer_problem(request: Request, error: Exception) -> Response:
    return problem_response(request_context(request), error)


async def _answer_no_route(request: Request, _: Exception) -> Response:
    """404 for an unknown path, 405 for an unknown method, and 204 for OPTIONS, of `*` too.

    A preflight of an allowed origin is 204 on any path, so that its page can read the 404.
    """
    allowed = _allowed_methods(request.app, request.scope)
    headers = {"Allow": ", ".join(allowed)}
    if b"access-control-allow-methods" in request_context(request).headers:
        return Response(status_code=HTTPStatus.NO_CONTENT, headers=headers if allowed else {})
    if not allowed:
        problem = Problem(ROUTE_NOT_FOUND)
    elif request.method == "OPTIONS":
        return Response(status_code=HTTPStatus.NO_CONTENT, headers=headers)
    else:
        problem = Problem(METHOD_NOT_ALLOWED, headers=headers)
    return problem_response(request_context(request), problem)


def _allowed_methods(app: FastAPI, scope: Scope) -> list[str]:
    methods: set[str] = set()
    for route in iter_route_contexts(app.routes):
        if scope["path"] == "*" or route.matches(scope)[0] is not Match.NONE:
            methods |= route.methods or set()
    if "GET" in methods:
        methods |= {"HEAD"}
    return sorted(methods | {"OPTIONS"}) if methods else []
