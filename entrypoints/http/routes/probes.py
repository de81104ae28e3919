"""The routes for monitoring: health probes and metrics. They need no token."""

import asyncio
from typing import Annotated, Literal

from fastapi import APIRouter
from pydantic import BaseModel, Field
from starlette.requests import Request
from starlette.responses import JSONResponse, PlainTextResponse, Response

from entrypoints.http.context import app_context
from entrypoints.http.openapi.declared_responses import problems, success
from entrypoints.http.problem_types import UNAVAILABLE
from entrypoints.http.problems import Problem

PROMETHEUS_TEXT = "text/plain; version=0.0.4; charset=utf-8"


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


router = APIRouter(tags=["service"], responses=problems(400, 431, 500, 503))


@router.get(
    "/livez",
    operation_id="getLiveness",
    response_model=LivenessResponse,
    responses={200: success("The process runs.")},
)
async def get_liveness() -> JSONResponse:
    """Whether the process runs."""
    return JSONResponse({"status": "alive"})


@router.get(
    "/readyz",
    operation_id="getReadiness",
    response_model=ReadinessResponse,
    responses={200: success("Requests can be served.")},
)
async def get_readiness(request: Request) -> JSONResponse:
    """Whether requests can be served; else 503 naming the part that is missing."""
    readiness = await app_context(request).use_cases.check_readiness()
    if readiness.missing:
        raise Problem(UNAVAILABLE, f"Not ready: {', '.join(readiness.missing)}.")
    return JSONResponse({"status": "read-only" if readiness.is_read_only else "ready"})


@router.get(
    "/metrics",
    operation_id="getMetrics",
    response_class=PlainTextResponse,
    responses={200: success("The measures.")},
)
async def get_metrics(request: Request) -> Response:
    """What this process has measured since its start, in Prometheus' text format."""
    exposition = app_context(request).exposition
    # In a thread, since it takes some milliseconds and other requests need not wait for it.
    return Response(await asyncio.to_thread(exposition), media_type=PROMETHEUS_TEXT)
