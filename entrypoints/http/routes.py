"""The routes of sessions and messages. Each turns a request into one call and its result into
an answer; what all have in common is the gate's."""

from collections.abc import Mapping
from types import MappingProxyType
from typing import Annotated

from fastapi import APIRouter, Query
from starlette.requests import Request
from starlette.responses import Response

from domain.page import PageRequest
from domain.session import Session
from entrypoints.http.body import JSON, MERGE_PATCH
from entrypoints.http.conditions import (
    IfMatch,
    IfNoneMatch,
    expected_versions,
    is_known,
    page_tag,
    session_tag,
)
from entrypoints.http.context import app_context, use_cases
from entrypoints.http.dependencies import Caller, SessionId
from entrypoints.http.idempotency import IdempotencyKey, replay_mark
from entrypoints.http.models import (
    MessagePage,
    MessagesAppend,
    MessagesResponse,
    SessionCreate,
    SessionPage,
    SessionResponse,
    SessionUpdate,
)
from entrypoints.http.pages import (
    Links,
    MessagePageQuery,
    SessionPageQuery,
    link_header,
    links_by_cursor,
    links_by_offset,
    links_by_order,
)
from entrypoints.http.pipeline import PipelineRoute
from entrypoints.http.reference.answers import answer, problems
from entrypoints.http.serializers import (
    message_page_json,
    messages_json,
    session_json,
    session_page_json,
)
from entrypoints.telemetry.request_context import request_context

SESSION = answer("The session.", "ETag")
READ_SESSION = answer("The session.", "ETag", "Standby-Read")
NOT_MODIFIED = answer(
    "What the client holds, by `If-None-Match`, is what there is.", "ETag", "Standby-Read"
)

NO_HEADERS: Mapping[str, str] = MappingProxyType({})

router = APIRouter(
    prefix="/sessions",
    route_class=PipelineRoute,
    tags=["sessions"],
    responses=problems(400, 401, 403, 408, 413, 421, 422, 429, 431, 500, 503),
)


@router.get(
    "",
    operation_id="listSessions",
    response_model=SessionPage,
    responses={200: answer("A page of sessions.", "Link", "Standby-Read")},
)
async def list_sessions(
    request: Request,
    caller: Caller,
    query: Annotated[SessionPageQuery, Query()],
) -> Response:
    """The caller's sessions a page at a time, those that changed last first unless asked
    otherwise."""
    asked = query.to_domain()
    page = await use_cases(request).list_sessions(caller, asked)
    body = session_page_json(page, asked)
    links = links_by_cursor(page, asked) if asked.cursor else links_by_offset(page)
    return _page(request, asked, body, links)


@router.post(
    "",
    operation_id="createSession",
    status_code=201,
    response_model=SessionResponse,
    responses={
        201: answer("The session is stored.", "ETag", "Location", "Idempotent-Replayed"),
        **problems(415),
    },
)
async def create_session(
    request: Request, caller: Caller, body: SessionCreate, key: IdempotencyKey
) -> Response:
    """A new session of the caller's, with its first messages if any are given, all or nothing."""
    messages = [message.to_domain() for message in body.messages]
    created = await use_cases(request).create_session.once(
        key, caller, body.title, body.metadata, messages
    )
    request_context(request).session_id = str(created.value.id)
    location = f"{app_context(request).public_url}/sessions/{created.value.id}"
    return _session(created.value, 201, {"Location": location, **replay_mark(created)})


@router.get(
    "/{session_id}",
    operation_id="getSession",
    response_model=SessionResponse,
    responses={200: READ_SESSION, 304: NOT_MODIFIED, **problems(404)},
)
async def get_session(
    request: Request, caller: Caller, session_id: SessionId, if_none_match: IfNoneMatch = None
) -> Response:
    """One session, without its messages."""
    session = await use_cases(request).get_session(caller, session_id)
    if is_known(session_tag(session), if_none_match):
        return _not_modified(session_tag(session))
    return _session(session)


@router.patch(
    "/{session_id}",
    operation_id="updateSession",
    response_model=SessionResponse,
    responses={200: SESSION, **problems(404, 412, 415)},
    openapi_extra={
        "requestBody": {
            "content": {MERGE_PATCH: {"schema": {"$ref": "#/components/schemas/SessionUpdate"}}}
        }
    },
)
async def update_session(
    request: Request,
    caller: Caller,
    session_id: SessionId,
    body: SessionUpdate,
    if_match: IfMatch = None,
) -> Response:
    """Change the title or the metadata by a JSON merge patch (RFC 7396).

    What is absent stays, null removes. A patch that changes nothing leaves `last_updated`.
    """
    expected = expected_versions(if_match)
    session = await use_cases(request).update_session(
        caller, session_id, body.to_domain(), expected=expected
    )
    return _session(session)


@router.delete(
    "/{session_id}",
    operation_id="deleteSession",
    status_code=204,
    responses={204: answer("The session is gone."), **problems(404, 412)},
)
async def delete_session(
    request: Request, caller: Caller, session_id: SessionId, if_match: IfMatch = None
) -> Response:
    """The session goes, and its messages with it."""
    await use_cases(request).delete_session(
        caller, session_id, expected=expected_versions(if_match)
    )
    return Response(status_code=204)


@router.get(
    "/{session_id}/messages",
    operation_id="listMessages",
    response_model=MessagePage,
    responses={
        200: answer("A page of messages.", "ETag", "Link", "Standby-Read"),
        304: NOT_MODIFIED,
        **problems(404),
    },
)
async def list_messages(
    request: Request,
    caller: Caller,
    session_id: SessionId,
    query: Annotated[MessagePageQuery, Query()],
    if_none_match: IfNoneMatch = None,
) -> Response:
    """A session's messages a page at a time, the oldest first unless asked otherwise."""
    asked = query.to_domain()
    if if_none_match:
        tag = page_tag((await use_cases(request).get_session(caller, session_id)).message_count)
        if is_known(tag, if_none_match):
            return _not_modified(tag)
    page = await use_cases(request).get_messages(caller, session_id, asked)
    body = message_page_json(session_id, page)
    by_order = page.offset is None
    links = links_by_order(page, asked.sort_order) if by_order else links_by_offset(page)
    return _page(request, asked, body, links, {"ETag": page_tag(page.total)})


@router.post(
    "/{session_id}/messages",
    operation_id="appendMessages",
    status_code=201,
    response_model=MessagesResponse,
    responses={
        201: answer("The messages are stored.", "Idempotent-Replayed"),
        **problems(404, 415),
    },
)
async def append_messages(
    request: Request,
    caller: Caller,
    session_id: SessionId,
    body: MessagesAppend,
    key: IdempotencyKey,
) -> Response:
    """Append one to a hundred messages, stored all or none, in the order given."""
    messages = [message.to_domain() for message in body.messages]
    appended = await use_cases(request).append_messages.once(key, caller, session_id, messages)
    return _answer(messages_json(session_id, appended.value), 201, replay_mark(appended))


def _session(
    session: Session, status: int = 200, headers: Mapping[str, str] = NO_HEADERS
) -> Response:
    tagged = {"ETag": session_tag(session), **headers}
    return _answer(session_json(session), status, tagged)


def _page(
    request: Request,
    asked: PageRequest,
    body: bytes,
    links: Links,
    headers: Mapping[str, str] = NO_HEADERS,
) -> Response:
    link = link_header(request, asked, links)
    return _answer(body, headers={**headers, "Link": link} if link else headers)


def _answer(body: bytes, status: int = 200, headers: Mapping[str, str] = NO_HEADERS) -> Response:
    return Response(body, status, headers, media_type=JSON)


def _not_modified(tag: str) -> Response:
    return Response(status_code=304, headers={"ETag": tag})
