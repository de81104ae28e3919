"""The router and the responses that routes with authentication share."""

from collections.abc import Mapping
from types import MappingProxyType

from fastapi import APIRouter
from starlette.requests import Request
from starlette.responses import Response

from domain.page import PageRequest
from entrypoints.http.body import JSON
from entrypoints.http.openapi.declared_responses import problems, success
from entrypoints.http.pagination import Links, link_header
from entrypoints.http.pipeline import PipelineRoute

NO_HEADERS: Mapping[str, str] = MappingProxyType({})

NOT_MODIFIED = success(
    "What the client holds, by `If-None-Match`, is what there is.", "ETag", "Standby-Read"
)


def authenticated_router() -> APIRouter:
    """A router whose every route needs a token, below `/sessions`."""
    return APIRouter(
        prefix="/sessions",
        route_class=PipelineRoute,
        tags=["sessions"],
        responses=problems(400, 401, 403, 408, 413, 421, 422, 429, 431, 500, 503),
    )


def json_response(
    body: bytes, status: int = 200, headers: Mapping[str, str] = NO_HEADERS
) -> Response:
    return Response(body, status, headers, media_type=JSON)


def page_response(
    request: Request,
    asked: PageRequest,
    body: bytes,
    links: Links,
    headers: Mapping[str, str] = NO_HEADERS,
) -> Response:
    link = link_header(request, asked, links)
    return json_response(body, headers={**headers, "Link": link} if link else headers)


def not_modified(tag: str) -> Response:
    return Response(status_code=304, headers={"ETag": tag})
