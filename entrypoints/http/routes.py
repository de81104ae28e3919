"""The routes of sessions and messages. Each turns a request into one call and its result into
an answer; what all have in common is the gate's."""

from collections.abc import Mapping
from types import MappingProxyType
from typing import Annotated
from uuid import UUID

from fastapi import APIRouter, Depends, Path, Security
from fastapi.security import HTTPBearer
from starlette.requests import Request
from starlette.responses import Response

from application.use_cases import UseCases
from domain.owner import Owner
from domain.page import MessagePageRequest, PageRequest, SessionPageRequest
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
from entrypoints.http.fields import SESSION_ID, UUID_V7
from entrypoints.http.gate import GatedRoute
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
    link_header,
    links_by_cursor,
    links_by_offset,
    links_by_order,
    page_of_messages,
    page_of_sessions,
)
from entrypoints.http.reference.answers import answer, problems
from entrypoints.http.wire import (
    message_page_json,
    messages_json,
    session_json,
    session_page_json,
)

# Dependencies are `async`, since FastAPI sends a plain function to a thread.


async def _caller(request: Request) -> Owner:
    caller: Owner = request.state.caller
    return caller


async def _use_cases(request: Request) -> UseCases:
    use_cases: UseCases = request.app.state.use_cases
    return use_cases


Caller = Annotated[Owner, Depends(_caller)]
Do = Annotated[UseCases, Depends(_use_cases)]
SessionId = Annotated[
    UUID,
    Path(
        description="The session's `id`.",
        examples=[SESSION_ID],
        json_schema_extra={"pattern": f"^{UUID_V7}$"},
    ),
]

SESSION = answer("The session.", "ETag")
READ_SESSION = answer("The session.", "ETag", "Standby-Read")
NOT_MODIFIED = answer(
    "What the client holds, by `If-None-Match`, is what there is.", "ETag", "Standby-Read"
)

NO_HEADERS: Mapping[str, str] = MappingProxyType({})

BEARER = HTTPBearer(
    auto_error=False,
    bearerFormat="JWT",
    scheme_name="bearerAuth",
    description="An access token (RFC 9068) of the service's identity provider; without one, a "
    "development token, as `chat-sessions token --subject NAME` prints it.",
)

router = APIRouter(
    prefix="/sessions",
    route_class=GatedRoute,
    tags=["sessions"],
    responses=problems(400, 401, 403, 408, 413, 421, 422, 429, 431, 500, 503),
    dependencies=[Security(BEARER)],
)


@router.get(
    "",
    operation_id="listSessions",
    response_model=SessionPage,
    responses={200: answer("A page of sessions.", "Link", "Standby-Read")},
)
async def list_sessions(
    request: Request,
    do: Do,
    caller: Caller,
    asked: Annotated[SessionPageRequest, Depends(page_of_sessions)],
) -> Response:
    """The caller's sessions a page at a time, those that changed last first unless asked
    otherwise."""
    page = await do.list_sessions(caller, asked)
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
    request: Request, do: Do, caller: Caller, body: SessionCreate, key: IdempotencyKey
) -> Response:
    """A new session of the caller's, with its first messages if any are given, all or nothing."""
    messages = [message.to_domain() for message in body.messages]
    created = await do.create_session.once(key, caller, body.title, body.metadata, messages)
    request.state.observation.session_id = str(created.value.id)
    location = f"{request.app.state.public_url}/sessions/{created.value.id}"
    return _session(created.value, 201, {"Location": location, **replay_mark(created)})


@router.get(
    "/{session_id}",
    operation_id="getSession",
    response_model=SessionResponse,
    responses={200: READ_SESSION, 304: NOT_MODIFIED, **problems(404)},
)
async def get_session(
    do: Do, caller: Caller, session_id: SessionId, if_none_match: IfNoneMatch = None
) -> Response:
    """One session, without its messages."""
    session = await do.get_session(caller, session_id)
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
    do: Do, caller: Caller, session_id: SessionId, body: SessionUpdate, if_match: IfMatch = None
) -> Response:
    """Change the title or the metadata by a JSON merge patch (RFC 7396).

    What is absent stays, null removes. A patch that changes nothing leaves `last_updated`.
    """
    expected = expected_versions(if_match)
    session = await do.update_session(caller, session_id, body.to_domain(), expected=expected)
    return _session(session)


@router.delete(
    "/{session_id}",
    operation_id="deleteSession",
    status_code=204,
    responses={204: answer("The session is gone."), **problems(404, 412)},
)
async def delete_session(
    do: Do, caller: Caller, session_id: SessionId, if_match: IfMatch = None
) -> Response:
    """The session goes, and its messages with it."""
    await do.delete_session(caller, session_id, expected=expected_versions(if_match))
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
    do: Do,
    caller: Caller,
    session_id: SessionId,
    asked: Annotated[MessagePageRequest, Depends(page_of_messages)],
    if_none_match: IfNoneMatch = None,
) -> Response:
    """A session's messages a page at a time, the oldest first unless asked otherwise."""
    if if_none_match:
        tag = page_tag((await do.get_session(caller, session_id)).message_count)
        if is_known(tag, if_none_match):
            return _not_modified(tag)
    page = await do.get_messages(caller, session_id, asked)
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
    do: Do, caller: Caller, session_id: SessionId, body: MessagesAppend, key: IdempotencyKey
) -> Response:
    """Append one to a hundred messages, stored all or none, in the order given."""
    messages = [message.to_domain() for message in body.messages]
    appended = await do.append_messages.once(key, caller, session_id, messages)
    return _answer(messages_json(session_id, appended.value), 201, replay_mark(appended))


def _session(
    session: Session, status: int = 200, headers: Mapping[str, str] = NO_HEADERS
) -> Response:
    tagged = {"ETag": session_tag(session), **headers}
    return _answer(session_json(session), status, tagged)


def _page(
    request: Request,
    asked: PageRequest,
    body: str,
    links: Links,
    headers: Mapping[str, str] = NO_HEADERS,
) -> Response:
    link = link_header(request, asked, links, request.app.state.public_url)
    return _answer(body, headers={**headers, "Link": link} if link else headers)


def _answer(body: str, status: int = 200, headers: Mapping[str, str] = NO_HEADERS) -> Response:
    return Response(body, status, headers, media_type=JSON)


def _not_modified(tag: str) -> Response:
    return Response(status_code=304, headers={"ETag": tag})
