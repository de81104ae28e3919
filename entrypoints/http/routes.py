"""The routes of sessions and messages. Each turns a request into one call and its result into
an answer; what all have in common is the gate's."""

from collections.abc import Mapping
from types import MappingProxyType
from typing import Annotated, Any
from uuid import UUID

from fastapi import APIRouter, Depends, Security
from fastapi.security import HTTPBearer
from pydantic import BaseModel
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
from entrypoints.http.gate import GatedRoute
from entrypoints.http.idempotency import IdempotencyKey, replay_mark
from entrypoints.http.models import (
    MessagePage,
    MessageResponse,
    MessagesAppend,
    MessagesResponse,
    ProblemResponse,
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
    pagination,
    session_pagination,
)


def _caller(request: Request) -> Owner:
    caller: Owner = request.state.caller
    return caller


def _use_cases(request: Request) -> UseCases:
    use_cases: UseCases = request.app.state.use_cases
    return use_cases


Caller = Annotated[Owner, Depends(_caller)]
Do = Annotated[UseCases, Depends(_use_cases)]

_PROBLEMS: dict[int | str, dict[str, Any]] = {
    "4XX": {"model": ProblemResponse, "description": "The request is refused."},
    "5XX": {"model": ProblemResponse, "description": "The service cannot answer."},
}

_NOT_MODIFIED: dict[int | str, dict[str, Any]] = {
    304: {"description": "What the client holds, by If-None-Match, is what there is."}
}

NO_HEADERS: Mapping[str, str] = MappingProxyType({})

router = APIRouter(
    prefix="/sessions",
    route_class=GatedRoute,
    tags=["sessions"],
    responses=_PROBLEMS,
    dependencies=[Security(HTTPBearer(auto_error=False, bearerFormat="JWT"))],
)


@router.get("", operation_id="listSessions", response_model=SessionPage)
async def list_sessions(
    request: Request,
    do: Do,
    caller: Caller,
    asked: Annotated[SessionPageRequest, Depends(page_of_sessions)],
) -> Response:
    page = await do.list_sessions(caller, asked)
    items = [SessionResponse.of(session) for session in page.items]
    body = SessionPage(items=items, pagination=session_pagination(page, asked))
    links = links_by_cursor(page, asked) if asked.cursor else links_by_offset(page)
    return _page(request, asked, body, links)


@router.post("", operation_id="createSession", status_code=201, response_model=SessionResponse)
async def create_session(
    request: Request, do: Do, caller: Caller, body: SessionCreate, key: IdempotencyKey
) -> Response:
    messages = [message.to_domain() for message in body.messages]
    created = await do.create_session.once(key, caller, body.title, body.metadata, messages)
    request.state.observation.session_id = str(created.value.id)
    location = f"{request.app.state.public_url}/sessions/{created.value.id}"
    return _session(created.value, 201, {"Location": location, **replay_mark(created)})


@router.get(
    "/{session_id}",
    operation_id="getSession",
    response_model=SessionResponse,
    responses=_NOT_MODIFIED,
)
async def get_session(
    do: Do, caller: Caller, session_id: UUID, if_none_match: IfNoneMatch = None
) -> Response:
    session = await do.get_session(caller, session_id)
    if is_known(session_tag(session), if_none_match):
        return _not_modified(session_tag(session))
    return _session(session)


@router.patch(
    "/{session_id}",
    operation_id="updateSession",
    response_model=SessionResponse,
    openapi_extra={
        "requestBody": {
            "content": {MERGE_PATCH: {"schema": {"$ref": "#/components/schemas/SessionUpdate"}}}
        }
    },
)
async def update_session(
    do: Do, caller: Caller, session_id: UUID, body: SessionUpdate, if_match: IfMatch = None
) -> Response:
    expected = expected_versions(if_match)
    session = await do.update_session(caller, session_id, body.to_domain(), expected=expected)
    return _session(session)


@router.delete("/{session_id}", operation_id="deleteSession", status_code=204)
async def delete_session(
    do: Do, caller: Caller, session_id: UUID, if_match: IfMatch = None
) -> Response:
    await do.delete_session(caller, session_id, expected=expected_versions(if_match))
    return Response(status_code=204)


@router.get(
    "/{session_id}/messages",
    operation_id="listMessages",
    response_model=MessagePage,
    responses=_NOT_MODIFIED,
)
async def list_messages(
    request: Request,
    do: Do,
    caller: Caller,
    session_id: UUID,
    asked: Annotated[MessagePageRequest, Depends(page_of_messages)],
    if_none_match: IfNoneMatch = None,
) -> Response:
    if if_none_match:
        tag = page_tag((await do.get_session(caller, session_id)).message_count)
        if is_known(tag, if_none_match):
            return _not_modified(tag)
    page = await do.get_messages(caller, session_id, asked)
    items = [MessageResponse.of(message) for message in page.items]
    body = MessagePage(items=items, pagination=pagination(page))
    by_order = page.offset is None
    links = links_by_order(page, asked.sort_order) if by_order else links_by_offset(page)
    return _page(request, asked, body, links, {"ETag": page_tag(page.total)})


@router.post(
    "/{session_id}/messages",
    operation_id="appendMessages",
    status_code=201,
    response_model=MessagesResponse,
)
async def append_messages(
    do: Do, caller: Caller, session_id: UUID, body: MessagesAppend, key: IdempotencyKey
) -> Response:
    messages = [message.to_domain() for message in body.messages]
    appended = await do.append_messages.once(key, caller, session_id, messages)
    items = [MessageResponse.of(message) for message in appended.value]
    return _answer(MessagesResponse(items=items), 201, replay_mark(appended))


def _session(
    session: Session, status: int = 200, headers: Mapping[str, str] = NO_HEADERS
) -> Response:
    tagged = {"ETag": session_tag(session), **headers}
    return _answer(SessionResponse.of(session), status, tagged)


def _page(
    request: Request,
    asked: PageRequest,
    body: BaseModel,
    links: Links,
    headers: Mapping[str, str] = NO_HEADERS,
) -> Response:
    link = link_header(request, asked, links, request.app.state.public_url)
    return _answer(body, headers={**headers, "Link": link} if link else headers)


def _answer(
    body: BaseModel, status: int = 200, headers: Mapping[str, str] = NO_HEADERS
) -> Response:
    return Response(body.model_dump_json(), status, headers, media_type=JSON)


def _not_modified(tag: str) -> Response:
    return Response(status_code=304, headers={"ETag": tag})
