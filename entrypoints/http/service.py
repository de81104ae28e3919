"""The routes that need no token: probes, and what the service says of itself."""

import asyncio
from collections.abc import Callable, Mapping, Sequence
from functools import cache
from importlib.util import find_spec
from pathlib import Path
from typing import Any

from fastapi import APIRouter
from starlette.requests import Request
from starlette.responses import JSONResponse, PlainTextResponse, Response

from application.use_cases import UseCases
from entrypoints.http.models import ProblemResponse
from entrypoints.http.problems import unavailable

DOCS_POLICY = (
    "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self' data:; "
    "connect-src 'self'; base-uri 'none'; form-action 'none'; frame-ancestors 'none'"
)

PROMETHEUS_TEXT = "text/plain; version=0.0.4; charset=utf-8"

router = APIRouter(tags=["service"])


@router.get("/livez", operation_id="getLiveness")
async def get_liveness() -> JSONResponse:
    """The process runs."""
    return JSONResponse({"status": "alive"})


@router.get(
    "/readyz",
    operation_id="getReadiness",
    responses={503: {"model": ProblemResponse, "description": "A part is missing."}},
)
async def get_readiness(request: Request) -> JSONResponse:
    """Requests can be served; else 503 naming the part that is missing."""
    use_cases: UseCases = request.app.state.use_cases
    missing = await use_cases.check_readiness()
    if missing:
        raise unavailable(f"Not ready: {', '.join(missing)}.")
    return JSONResponse({"status": "ready"})


@router.get(
    "/metrics",
    operation_id="getMetrics",
    response_class=PlainTextResponse,
)
async def get_metrics(request: Request) -> Response:
    """What this process has measured since its start, in Prometheus' text format."""
    exposition: Callable[[], bytes] = request.app.state.exposition
    # In a thread, since it takes some milliseconds and other requests need not wait for it.
    return Response(await asyncio.to_thread(exposition), media_type=PROMETHEUS_TEXT)


@router.get("/.well-known/oauth-protected-resource", operation_id="getProtectedResource")
async def get_protected_resource(request: Request) -> JSONResponse:
    """What a client must know to get a token for this service (RFC 9728 section 2)."""
    return JSONResponse(request.app.state.protected_resource)


def protected_resource(
    base_url: str, issuer: str | None, scopes: Sequence[str]
) -> Mapping[str, str | list[str]]:
    """The service as RFC 9728 section 2 has it; what there is none of is left out."""
    description: dict[str, str | list[str]] = {
        "resource": base_url,
        "resource_name": "chat-sessions",
        "resource_documentation": f"{base_url}/docs",
        "bearer_methods_supported": ["header"],
    }
    if issuer:
        description["authorization_servers"] = [issuer]
    if scopes:
        description["scopes_supported"] = list(scopes)
    return description


@router.get("/openapi.json", include_in_schema=False)
async def get_openapi(request: Request) -> JSONResponse:
    return JSONResponse(request.app.openapi())


@router.get("/docs", include_in_schema=False)
async def get_docs() -> Response:
    return _asset(_PAGE / "index.html", "text/html")


@router.get("/docs/init.js", include_in_schema=False)
async def get_docs_script() -> Response:
    return _asset(_PAGE / "init.js", "text/javascript")


@router.get("/docs/swagger-ui.css", include_in_schema=False)
async def get_docs_style() -> Response:
    return _asset(_SWAGGER_UI / "swagger-ui.css", "text/css")


@router.get("/docs/swagger-ui-bundle.js", include_in_schema=False)
async def get_docs_bundle() -> Response:
    return _asset(_SWAGGER_UI / "swagger-ui-bundle.js", "text/javascript")


def _asset(path: Path, media_type: str) -> Response:
    headers = {"Content-Security-Policy": DOCS_POLICY}
    return Response(_content(path), headers=headers, media_type=media_type)


@cache
def _content(path: Path) -> bytes:
    return path.read_bytes()


def _folder_of(package: str) -> Path:
    spec: Any = find_spec(package)
    return Path(spec.origin).parent


_PAGE = Path(__file__).parent / "reference"
_SWAGGER_UI = _folder_of("fastapi_offline") / "static"
