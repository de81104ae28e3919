"""The routes that need no token: probes, measures, and what clients must know to get one."""

import asyncio
from collections.abc import Mapping
from typing import Annotated, Literal
from urllib.parse import unquote, urlsplit

from fastapi import APIRouter, FastAPI
from pydantic import BaseModel, Field
from starlette.requests import Request
from starlette.responses import JSONResponse, PlainTextResponse, Response

from entrypoints.http.context import app_context
from entrypoints.http.problems import unavailable
from entrypoints.http.reference.answers import answer, problems
from entrypoints.http.reference.sign_in import SignIn

PROMETHEUS_TEXT = "text/plain; version=0.0.4; charset=utf-8"

METADATA_PATH = "/.well-known/oauth-protected-resource"


class LivenessResponse(BaseModel):
    """The process runs."""

    status: Annotated[Literal["alive"], Field(description="Always so.", examples=["alive"])]


class ReadinessResponse(BaseModel):
    """Requests can be served, or at least those that read."""

    status: Annotated[
        Literal["ready", "read-only"],
        Field(
            description="`read-only` where a standby answers reads in place of the database, and "
            "writes are refused.",
            examples=["ready"],
        ),
    ]


class ProtectedResourceResponse(BaseModel):
    """What a client must know to get a token for this service (RFC 9728 section 2)."""

    resource: Annotated[
        str,
        Field(description="The service.", examples=["https://chat.example"]),
        Field(json_schema_extra={"format": "uri"}),
    ]
    resource_name: Annotated[str, Field(description="Its name.", examples=["chat-sessions"])]
    resource_documentation: Annotated[
        str,
        Field(description="Where it is described.", examples=["https://chat.example/docs"]),
        Field(json_schema_extra={"format": "uri"}),
    ]
    bearer_methods_supported: Annotated[
        list[Literal["header"]],
        Field(description="How a token is sent.", examples=[["header"]]),
    ]
    authorization_servers: Annotated[
        list[str],
        Field(
            description="Whose tokens are taken; absent where it is those of a development key.",
            examples=[["https://login.example"]],
        ),
    ] = []
    scopes_supported: Annotated[
        list[str],
        Field(
            description="What a token must allow; absent where every token allows all.",
            examples=[["chat:read", "chat:write"]],
        ),
    ] = []


router = APIRouter(tags=["service"], responses=problems(400, 431, 500, 503))


@router.get(
    "/livez",
    operation_id="getLiveness",
    response_model=LivenessResponse,
    responses={200: answer("The process runs.")},
)
async def get_liveness() -> JSONResponse:
    """Whether the process runs."""
    return JSONResponse({"status": "alive"})


@router.get(
    "/readyz",
    operation_id="getReadiness",
    response_model=ReadinessResponse,
    responses={200: answer("Requests can be served.")},
)
async def get_readiness(request: Request) -> JSONResponse:
    """Whether requests can be served; else 503 naming the part that is missing."""
    readiness = await app_context(request).use_cases.check_readiness()
    if readiness.missing:
        raise unavailable(f"Not ready: {', '.join(readiness.missing)}.")
    return JSONResponse({"status": "read-only" if readiness.is_read_only else "ready"})


@router.get(
    "/metrics",
    operation_id="getMetrics",
    response_class=PlainTextResponse,
    responses={200: answer("The measures.")},
)
async def get_metrics(request: Request) -> Response:
    """What this process has measured since its start, in Prometheus' text format."""
    exposition = app_context(request).exposition
    # In a thread, since it takes some milliseconds and other requests need not wait for it.
    return Response(await asyncio.to_thread(exposition), media_type=PROMETHEUS_TEXT)


@router.get(
    METADATA_PATH,
    operation_id="getProtectedResource",
    response_model=ProtectedResourceResponse,
    responses={200: answer("What is known."), **problems(421)},
)
async def get_protected_resource(request: Request) -> JSONResponse:
    """What a client must know to get a token for this service (RFC 9728 section 2)."""
    return JSONResponse(app_context(request).protected_resource)


def protected_resource(base_url: str, sign_in: SignIn | None) -> Mapping[str, str | list[str]]:
    """The service as RFC 9728 section 2 has it; what there is none of is left out."""
    description: dict[str, str | list[str]] = {
        "resource": base_url,
        "resource_name": "chat-sessions",
        "resource_documentation": f"{base_url}/docs",
        "bearer_methods_supported": ["header"],
    }
    if sign_in:
        description["authorization_servers"] = [sign_in.issuer]
    if sign_in and sign_in.scopes:
        description["scopes_supported"] = list(sign_in.scopes)
    return description


def metadata_url(base_url: str) -> str:
    """Where the service is described: the well-known part stands between the host and the path of
    what is described (RFC 9728 section 3.1)."""
    parts = urlsplit(base_url)
    return parts._replace(path=METADATA_PATH + parts.path).geturl()


def serve_metadata_of(app: FastAPI, base_url: str) -> None:
    """Describe the service also where a proxy that has it under a path passes that request on:
    the path comes last, so there is nothing for it to take away."""
    path = unquote(urlsplit(base_url).path)
    if path:
        app.add_api_route(METADATA_PATH + path, get_protected_resource, include_in_schema=False)
