"""The router and the responses that routes with authentication share."""

from collections.abc import AsyncIterator, Collection, Mapping, Sequence
from contextlib import asynccontextmanager
from types import MappingProxyType
from uuid import UUID

from fastapi import APIRouter
from starlette.requests import Request
from starlette.responses import Response

from domain.errors import SessionRefused, VersionMismatch
from domain.message import Message
from domain.owner import Owner
from domain.page import PageRequest
from domain.session import SessionRef, Version
from domain.session_page import SessionPageRequest
from entrypoints.http.body import JSON
from entrypoints.http.context import use_cases
from entrypoints.http.etags import Expected, session_tag, versions_of
from entrypoints.http.links import Links, link_header
from entrypoints.http.openapi.declared_responses import problems, success
from entrypoints.http.pipeline import PipelineRoute
from entrypoints.http.problem_types import VERSION_MISMATCH
from entrypoints.http.problems import Problem
from entrypoints.telemetry.request_context import request_context

NO_HEADERS: Mapping[str, str] = MappingProxyType({})

NOT_MODIFIED = success(
    "What the client holds, by `If-None-Match`, is what there is.", "ETag", "Standby-Read"
)


def authenticated_router(
    prefix: str = "/sessions",
    tag: str = "sessions",
    route_class: type[PipelineRoute] = PipelineRoute,
) -> APIRouter:
    """A router whose every route needs a token."""
    return APIRouter(
        prefix=prefix,
        route_class=route_class,
        tags=[tag],
        responses=problems(400, 401, 403, 408, 413, 421, 422, 429, 431, 500, 503),
    )


def json_response(
    body: bytes, status: int = 200, headers: Mapping[str, str] = NO_HEADERS
) -> Response:
    return Response(body, status, headers, media_type=JSON)


def page_response(
    request: Request,
    path: str,
    asked: PageRequest,
    body: bytes,
    links: Links,
    headers: Mapping[str, str] = NO_HEADERS,
) -> Response:
    sort = {}
    if isinstance(asked, SessionPageRequest) and asked.cursor:  # which brings its sort with it
        sort = {"sort_by": asked.sort_by.value, "sort_order": asked.sort_order.value}
    link = link_header(request, path, links, sort)
    return json_response(body, headers={**headers, "Link": link} if link else headers)


def not_modified(tag: str) -> Response:
    return Response(status_code=304, headers={"ETag": tag})


@asynccontextmanager
async def telling_session_version(
    request: Request, caller: Owner, session: SessionRef
) -> AsyncIterator[None]:
    """Give a client whose version does not match the tag that holds now, if there is one."""
    try:
        yield
    except VersionMismatch:
        try:
            found = await use_cases(request).get_session(caller, session)
        except SessionRefused:
            raise Problem(VERSION_MISMATCH, "There is no such session.") from None
        raise Problem(VERSION_MISMATCH, headers={"ETag": session_tag(found)}) from None


async def expected_of(
    request: Request, caller: Owner, session: SessionRef, expected: Expected[Version]
) -> tuple[SessionRef, Collection[Version] | None]:
    """The session by its id, and those of the expected versions that are its own. Without any to
    be looked at, the session as it was named.

    Raises SessionNotFound, SessionForbidden.
    """
    if expected is None:
        return session, None
    session_id = await known_session(request, caller, session)
    return session_id, versions_of(expected, session_id)


async def known_session(request: Request, caller: Owner, session: SessionRef) -> UUID:
    """The id of the session, for the log to have it also of what leaves nothing to read it from.

    Raises SessionNotFound.
    """
    if isinstance(session, UUID):
        return session
    found = (await use_cases(request).get_session(caller, session)).id
    request_context(request).session_id = str(found)
    return found


def note_session(request: Request, messages: Sequence[Message]) -> None:
    """Note for the log which session was asked for, where an external id named it."""
    context = request_context(request)
    if context.session_id is None and messages:
        context.session_id = str(messages[0].session_id)
