"""The routes of sessions. Each turns a request into one call of a use case, and its result into a
response."""

from collections.abc import Mapping
from typing import Annotated

from fastapi import Query
from starlette.convertors import StringConvertor, register_url_convertor
from starlette.requests import Request
from starlette.responses import Response

from domain.session import Session
from entrypoints.http.body import MERGE_PATCH
from entrypoints.http.context import app_context, use_cases
from entrypoints.http.dependencies import Caller, SessionId
from entrypoints.http.etags import (
    IfMatch,
    IfNoneMatch,
    expected_sessions,
    is_known,
    session_tag,
)
from entrypoints.http.idempotency_key import IdempotencyKeys, only_key, replay_mark
from entrypoints.http.links import links_by_cursor, links_by_offset
from entrypoints.http.openapi.declared_responses import problems, success
from entrypoints.http.pagination import SessionPageQuery
from entrypoints.http.references import session_path
from entrypoints.http.response_schemas import DeletionsResponse, SessionPage, SessionResponse
from entrypoints.http.routes.authenticated import (
    NO_HEADERS,
    NOT_MODIFIED,
    authenticated_router,
    expected_of,
    json_response,
    known_session,
    not_modified,
    page_response,
    telling_session_version,
)
from entrypoints.http.schemas import SessionCreate, SessionDeletions, SessionUpdate
from entrypoints.http.serializers import deletions_json, session_json, session_page_json
from entrypoints.telemetry.request_context import request_context

SESSION = success("The session.", "ETag")
READ_SESSION = success("The session.", "ETag", "Standby-Read")


class _SessionConvertor(StringConvertor):
    """What may stand for a session in a path: not the name of a route beside it."""

    regex = "(?!deletions(?:$|/))[^/]+"


register_url_convertor("session", _SessionConvertor())

ONE = "/{session_id:session}"

router = authenticated_router()


@router.get(
    "",
    operation_id="listSessions",
    response_model=SessionPage,
    responses={200: success("A page of sessions.", "Link", "Standby-Read")},
)
async def list_sessions(
    request: Request,
    caller: Caller,
    query: Annotated[SessionPageQuery, Query()],
) -> Response:
    """The caller's sessions a page at a time, those that changed last first unless asked
    otherwise.

    Besides the parameters below, `metadata.KEY=VALUE` leaves those whose metadata has the member
    KEY with that value, and may be there for several members: `metadata.project=lisbon`,
    `metadata.starred=true`. VALUE is JSON, or text where it is none; nothing is the empty text.

    A cursor goes with the filters that it was made for, so they are sent along with it, as the
    links of a page have them.
    """
    asked = query.to_domain()
    page = await use_cases(request).list_sessions(caller, asked)
    body = session_page_json(page, asked)
    links = links_by_cursor(page, asked) if asked.cursor else links_by_offset(page)
    return page_response(request, "/sessions", asked, body, links)


@router.post(
    "",
    operation_id="createSession",
    status_code=201,
    response_model=SessionResponse,
    responses={
        201: success("The session is stored.", "ETag", "Location", "Idempotent-Replayed"),
        **problems(409, 415),
    },
)
async def create_session(
    request: Request, caller: Caller, body: SessionCreate, keys: IdempotencyKeys = ()
) -> Response:
    """A new session of the caller's, with its first messages if any are given, all or nothing."""
    messages = [message.to_domain() for message in body.messages or ()]
    created = await use_cases(request).create_session.once(
        only_key(keys), caller, body.to_domain(), messages
    )
    location = app_context(request).public_url + session_path(created.value.id)
    return _session(request, created.value, 201, {"Location": location, **replay_mark(created)})


@router.get(
    ONE,
    operation_id="getSession",
    response_model=SessionResponse,
    responses={200: READ_SESSION, 304: NOT_MODIFIED, **problems(404)},
)
async def get_session(
    request: Request, caller: Caller, session_id: SessionId, if_none_match: IfNoneMatch = ()
) -> Response:
    """One session, without its messages."""
    session = await use_cases(request).get_session(caller, session_id)
    if if_none_match and is_known(tag := session_tag(session), if_none_match):
        return not_modified(tag)
    return _session(request, session)


@router.patch(
    ONE,
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
    if_match: IfMatch = (),
) -> Response:
    """Change the title, the metadata, `archived` or `pinned` by a JSON merge patch (RFC 7396).

    What is absent stays, null removes the title and empties the metadata. Some generated clients
    send null, or false, for every member that was not set, and so take the title away or bring an
    archived session back: openapi-generator's `dart`, its `csharp` with `restsharp` or
    `httpclient`, its `kotlin` with `kotlinx_serialization`. Send what changes and nothing else; or,
    where your client cannot, read the session first and send all four members, with `If-Match`.

    A patch that changes nothing leaves `last_updated`, and so do `archived` and `pinned`.
    """
    patch, expected = body.to_domain(), expected_sessions(if_match)
    session_id, versions = await expected_of(request, caller, session_id, expected)
    async with telling_session_version(request, caller, session_id):
        session = await use_cases(request).update_session(
            caller, session_id, patch, expected=versions
        )
    return _session(request, session)


@router.delete(
    ONE,
    operation_id="deleteSession",
    status_code=204,
    responses={204: success("The session is gone."), **problems(404, 412)},
)
async def delete_session(
    request: Request, caller: Caller, session_id: SessionId, if_match: IfMatch = ()
) -> Response:
    """The session goes, and its messages with it."""
    expected = expected_sessions(if_match, removes=True)
    session_id = await known_session(request, caller, session_id)
    session_id, versions = await expected_of(request, caller, session_id, expected)
    async with telling_session_version(request, caller, session_id):
        await use_cases(request).delete_session(caller, session_id, expected=versions)
    return Response(status_code=204)


@router.post(
    "/deletions",
    operation_id="deleteSessions",
    response_model=DeletionsResponse,
    responses={200: success("What went, or would go."), **problems(415)},
)
async def delete_sessions(request: Request, caller: Caller, body: SessionDeletions) -> Response:
    """Many sessions go, and their messages with them. Ids that are not the caller's are neither
    counted nor told.

    It happens in steps. Where all that a person has is more than goes in ten seconds, the answer is
    503, and the rest goes with the next request.
    """
    dry_run = bool(body.dry_run)
    removed = await use_cases(request).delete_sessions(caller, body.refs(), dry_run=dry_run)
    return json_response(deletions_json(removed, dry_run=dry_run))


def _session(
    request: Request,
    session: Session,
    status: int = 200,
    headers: Mapping[str, str] = NO_HEADERS,
) -> Response:
    request_context(request).session_id = str(session.id)
    tagged = {"ETag": session_tag(session), **headers}
    return json_response(session_json(session), status, tagged)
