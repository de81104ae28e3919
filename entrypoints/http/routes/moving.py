"""The routes that take a person's sessions out, and bring them in."""

from collections.abc import AsyncIterator
from typing import Annotated

from fastapi import Query
from pydantic import Field
from starlette.requests import Request
from starlette.responses import Response

from application.export import Exported
from domain.session import SessionRef
from entrypoints.http.body import check_announced_size, check_media_type
from entrypoints.http.context import AppContext, app_context, use_cases
from entrypoints.http.dependencies import Caller
from entrypoints.http.line_streams import AnswerAsItComes, EndingStream, RequestLines
from entrypoints.http.line_writer import NDJSON, export_lines, imported_line
from entrypoints.http.openapi.declared_responses import problems, success
from entrypoints.http.pipeline import PipelineRoute
from entrypoints.http.problem_types import NOT_JSON
from entrypoints.http.problems import Problem
from entrypoints.http.query_types import OptionalQuery
from entrypoints.http.references import session_ref
from entrypoints.http.routes.authenticated import authenticated_router
from entrypoints.http.schema_types import SESSION_ID

MEDIA_TYPES = (NDJSON, "application/jsonl")

_LINES = {NDJSON: {"schema": {"$ref": "#/components/schemas/Lines"}}}


class ExportQuery(OptionalQuery):
    """The query parameters of an export."""

    session_id: Annotated[
        str | None,
        Field(
            description="The session's `id`, or `ext:` and its `external_id`, for that one alone.",
            examples=[SESSION_ID],
        ),
    ] = None

    def to_domain(self) -> SessionRef | None:
        return None if self.session_id is None else session_ref(self.session_id)


class ImportRoute(PipelineRoute):
    """A route whose body is lines, which it reads as they come."""

    async def with_body(self, request: Request, app: AppContext) -> Request:
        announced = dict(request.scope["headers"]).get(b"content-length")
        check_announced_size(announced or b"0", app.max_import_bytes)
        check_media_type(request, MEDIA_TYPES)
        if announced is not None and not announced.strip(b"0"):
            raise Problem(NOT_JSON, reason="it is empty")
        return request


router = authenticated_router("", "moving")
import_router = authenticated_router("", "moving", ImportRoute)


@router.get(
    "/export",
    operation_id="exportSessions",
    response_class=Response,
    responses={200: {**success("The lines."), "content": _LINES}, **problems(404)},
)
async def export_sessions(
    request: Request, caller: Caller, query: Annotated[ExportQuery, Query()]
) -> Response:
    """All of the caller's sessions, or one, as lines of JSON (NDJSON), from the oldest on.

    The first line is `{"type": "header", "format": "chat-sessions/1", …}`. Each session
    (`"type": "session"`, with all members of a SessionResponse) is followed by its messages
    (`"type": "message"`, with all members of a MessageResponse), as they were at one moment. The
    last line is `{"type": "footer", "sessions": …, "messages": …}`; without it the export was cut
    off. `{"type": "discarded", "id": …}` takes back the session before it, one of more than 8 MiB
    that was changed while it was read: it follows anew.
    """
    parts = use_cases(request).export_sessions(caller, query.to_domain())
    begun = await _begun(parts)
    lines = export_lines(begun, caller, app_context(request).clock.now())
    return EndingStream(request, lines, app_context(request).is_stopping)


async def _begun(parts: AsyncIterator[Exported]) -> AsyncIterator[Exported]:
    """Return the same parts once the first is there: what refuses the export is raised here."""
    first = [part async for part in _first(parts)]

    async def all_parts() -> AsyncIterator[Exported]:
        for part in first:
            yield part
        async for part in parts:
            yield part

    return all_parts()


async def _first(parts: AsyncIterator[Exported]) -> AsyncIterator[Exported]:
    async for part in parts:
        yield part
        return


@import_router.post(
    "/import",
    operation_id="importSessions",
    response_class=Response,
    responses={200: {**success("A line for each session."), "content": _LINES}, **problems(415)},
    openapi_extra={"requestBody": {"required": True, "content": _LINES}},
)
async def import_sessions(request: Request, caller: Caller) -> Response:
    """Store sessions as `GET /export` gives them, and answer a line of JSON for each.

    Each session is stored with all its messages or not at all; of one with more than 10,000
    messages, or 16 MiB of them, the rest is appended in further acts. Ids and orders are given
    anew. A session is known by its external id or, without one, by the id that it was exported
    with, and one that is there already is kept as it is: so a request that was interrupted is
    simply sent again. Where the session there ends with a message that is sent, those that follow
    it are appended.

    The answer's lines are `{"external_id", "session_id", "status", "messages", "left_out"}`. The
    status is `created`, `kept`, or `refused` where a line of the session is not acceptable;
    `messages` is how many this request has stored; `left_out` says what is not stored, and why, as
    `{"reason", "count", "line"}`. A request may have 64 MiB unless the operator has set another
    limit, and a line as much as any other request.
    """
    app = app_context(request)
    lines = RequestLines(request, app.max_import_bytes, app.max_body_bytes, app.is_stopping)
    imported = use_cases(request).import_sessions(caller, lines.parts())
    answer = (imported_line(one) async for one in imported)
    return AnswerAsItComes(request, answer, lambda: lines.has_ended)
