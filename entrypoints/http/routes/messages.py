"""The routes of a session's messages as a list. Each turns a request into one call of a use case,
and its result into a response."""

from collections.abc import Collection, Iterator
from contextlib import contextmanager, nullcontext, suppress
from enum import StrEnum
from typing import Annotated

from fastapi import Query
from pydantic import BaseModel, Field
from starlette.requests import Request
from starlette.responses import Response

from application.followers import Follower
from application.ports.messages import AppendTerms
from domain.errors import ExternalIdTaken, InvalidValue, SessionNotFound
from domain.message import Message
from domain.message_page import MessagePageRequest
from domain.owner import Owner
from domain.page import Page
from domain.session import SessionRef, Version
from entrypoints.http.context import use_cases
from entrypoints.http.dependencies import Caller, SessionId
from entrypoints.http.etags import (
    IfMatch,
    IfNoneMatch,
    asks_for_any,
    expected_sessions,
    is_known,
    page_tag,
)
from entrypoints.http.idempotency_key import IdempotencyKeys, only_key, replay_mark
from entrypoints.http.links import links_by_offset, links_by_order
from entrypoints.http.openapi.declared_responses import problems, success
from entrypoints.http.pagination import MessagePageQuery
from entrypoints.http.presence import present
from entrypoints.http.problems import conflict
from entrypoints.http.query_types import Flag, Maybe, OptionalQuery, Place
from entrypoints.http.references import session_path
from entrypoints.http.response_schemas import MessagePage, MessagesResponse
from entrypoints.http.routes.authenticated import (
    NOT_MODIFIED,
    authenticated_router,
    expected_of,
    json_response,
    known_session,
    not_modified,
    note_session,
    page_response,
    telling_session_version,
)
from entrypoints.http.schemas import Append, ItemsAppend, MessagesAppend
from entrypoints.http.serializers import message_page_json, messages_json
from entrypoints.telemetry.request_context import request_context

router = authenticated_router()


class Existing(StrEnum):
    """What becomes of a message whose external id is there already."""

    KEEP = "keep"


class AppendQuery(OptionalQuery):
    """The query parameters of an append."""

    create: Annotated[
        Flag,
        Field(
            description="With `true`, a session that is named by `ext:` and is not there is made.",
            examples=[True],
        ),
    ] = False
    existing: Annotated[
        Maybe[Existing],
        Field(
            description="With `keep`, a message whose external id is there already is left as it "
            "is; else that is 409. One without an external id is stored again.",
            examples=[Existing.KEEP],
        ),
    ] = None


class ClearQuery(BaseModel):
    """The query parameters of a removal. An empty one is refused."""

    before: Annotated[
        Place | None,
        Field(
            description="A `message_order`: those with lower orders alone are removed.",
            examples=[40],
        ),
    ] = None


@contextmanager
def _naming_items(body: MessagesAppend | ItemsAppend) -> Iterator[None]:
    """Name an item as a whole that was given whole: its members are not the API's."""
    try:
        yield
    except InvalidValue as error:
        if isinstance(body, MessagesAppend) or error.field[:1] != ("messages",):
            raise
        raise InvalidValue(error.detail, *error.field[:2]) from None
    except ExternalIdTaken as error:
        if isinstance(body, MessagesAppend) or error.index is None:
            raise
        raise conflict(error, "messages", error.index) from None


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
    """A session's messages a page at a time, the oldest first unless asked otherwise.

    A page has fewer than `limit` where more would not fit in 4 MiB. With `after` and `wait` this is
    a long poll: it answers as soon as there is a message after that one, or with an empty page.
    """
    asked = query.to_domain()
    path, found = f"{session_path(session_id)}/messages", session_id
    if if_none_match and not query.wait:
        session = await use_cases(request).get_session(caller, session_id)
        found = session.id
        if is_known(tag := page_tag(session.last_updated, session.id), if_none_match):
            return not_modified(tag)
    page = await _page(request, caller, found, asked, query.wait)
    body, page = message_page_json(page, asked, query.view)
    note_session(request, page.items)
    shown_id = (
        page.items[0].session_id if page.items else await known_session(request, caller, found)
    )
    links = links_by_order(page, asked) if asked.is_by_order else links_by_offset(page)
    headers = {"ETag": page_tag(page.as_of, shown_id)} if page.as_of else {}
    if query.wait and is_known(headers.get("ETag", ""), if_none_match):
        return not_modified(headers["ETag"])
    return page_response(request, path, asked, body, links, headers)


async def _page(
    request: Request, caller: Owner, session: SessionRef, asked: MessagePageRequest, wait: int
) -> Page[Message]:
    """The page, as soon as there is something on it if `wait` says to wait for that."""
    if not wait:
        return await use_cases(request).get_messages(caller, session, asked)
    context, follower = request_context(request), Follower()
    if context.timeout is not None:
        context.timeout.reschedule((context.timeout.when() or 0) + wait)
    async with present(request, follower):
        try:
            return await use_cases(request).await_messages(caller, session, asked, follower, wait)
        finally:
            context.waited += follower.waited


@router.post(
    "/{session_id}/messages",
    operation_id="appendMessages",
    status_code=201,
    response_model=MessagesResponse,
    responses={
        201: success("The messages are stored.", "Idempotent-Replayed"),
        **problems(404, 409, 412, 415),
    },
)
async def append_messages(
    request: Request,
    caller: Caller,
    session_id: SessionId,
    body: Append,
    query: Annotated[AppendQuery, Query()],
    keys: IdempotencyKeys = (),
    if_match: IfMatch = (),
) -> Response:
    """Append one to a hundred messages, stored all or none, in the order given.

    With `format` beside `messages`, a label of yours such as `openai.chat`, each of them is taken
    whole as a `body`, just as a framework or a model API has it: any JSON object. Its role is then
    read out of `role`, `type`, `sender` or `author`, its name out of `name`, its external id out of
    `id`. (The schema has the members of a message alone, since no client could be generated for
    both; a generated client gives such an object as the `body` of a message.)

    `If-Match` has the session's ETag.
    """
    expected, create = expected_sessions(if_match), query.create and not asks_for_any(if_match)
    versions: Collection[Version] | None = None if expected is None else ()
    with suppress(SessionNotFound) if create else nullcontext():
        session_id, versions = await expected_of(request, caller, session_id, expected)
    terms = AppendTerms(expected=versions, keeps_existing=query.existing is Existing.KEEP)
    async with telling_session_version(request, caller, session_id):
        with _naming_items(body):
            appended = await use_cases(request).append_messages.once(
                only_key(keys),
                caller,
                session_id,
                body.to_domain(),
                terms,
                create=create,
            )
    note_session(request, appended.value)
    return json_response(messages_json(appended.value), 201, replay_mark(appended))


@router.delete(
    "/{session_id}/messages",
    operation_id="clearMessages",
    status_code=204,
    responses={204: success("The messages are gone."), **problems(404, 412)},
)
async def clear_messages(
    request: Request,
    caller: Caller,
    session_id: SessionId,
    query: Annotated[ClearQuery, Query()],
    if_match: IfMatch = (),
) -> Response:
    """All messages of the session go or, with `before`, those with lower orders. The session
    stays, and no order is given again. `If-Match` has the session's ETag."""
    expected = expected_sessions(if_match, removes=True)
    session_id = await known_session(request, caller, session_id)
    session_id, versions = await expected_of(request, caller, session_id, expected)
    async with telling_session_version(request, caller, session_id):
        await use_cases(request).clear_messages(
            caller, session_id, before=query.before, expected=versions
        )
    return Response(status_code=204)
