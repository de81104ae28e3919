"""The routes of a session's messages."""

from typing import Annotated

from fastapi import Query
from starlette.requests import Request
from starlette.responses import Response

from entrypoints.http.context import use_cases
from entrypoints.http.dependencies import Caller, SessionId
from entrypoints.http.etags import IfNoneMatch, is_known, page_tag
from entrypoints.http.idempotency_key import IdempotencyKeys, only_key, replay_mark
from entrypoints.http.openapi.declared_responses import problems, success
from entrypoints.http.pagination import MessagePageQuery, links_by_offset, links_by_order
from entrypoints.http.routes.authenticated import (
    NOT_MODIFIED,
    authenticated_router,
    json_response,
    not_modified,
    page_response,
)
from entrypoints.http.schemas import MessagePage, MessagesAppend, MessagesResponse
from entrypoints.http.serializers import message_page_json, messages_json

router = authenticated_router()


@router.get(
    "/{session_id}/messages",
    operation_id="listMessages",
    response_model=MessagePage,
    responses={
        200: success("A page of messages.", "ETag", "Link", "Standby-Read"),
        304: NOT_MODIFIED,
        **problems(404),
    },
)
async def list_messages(
    request: Request,
    caller: Caller,
    session_id: SessionId,
    query: Annotated[MessagePageQuery, Query()],
    if_none_match: IfNoneMatch = (),
) -> Response:
    """A session's messages a page at a time, the oldest first unless asked otherwise."""
    asked = query.to_domain()
    if if_none_match:
        tag = page_tag((await use_cases(request).get_session(caller, session_id)).message_count)
        if is_known(tag, if_none_match):
            return not_modified(tag)
    page = await use_cases(request).get_messages(caller, session_id, asked)
    body = message_page_json(session_id, page)
    by_order = page.offset is None
    links = links_by_order(page, asked.sort_order) if by_order else links_by_offset(page)
    return page_response(request, asked, body, links, {"ETag": page_tag(page.total)})


@router.post(
    "/{session_id}/messages",
    operation_id="appendMessages",
    status_code=201,
    response_model=MessagesResponse,
    responses={
        201: success("The messages are stored.", "Idempotent-Replayed"),
        **problems(404, 415),
    },
)
async def append_messages(
    request: Request,
    caller: Caller,
    session_id: SessionId,
    body: MessagesAppend,
    keys: IdempotencyKeys = (),
) -> Response:
    """Append one to a hundred messages, stored all or none, in the order given."""
    messages = [message.to_domain() for message in body.messages]
    appended = await use_cases(request).append_messages.once(
        only_key(keys), caller, session_id, messages
    )
    return json_response(messages_json(session_id, appended.value), 201, replay_mark(appended))
