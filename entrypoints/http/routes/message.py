"""The routes of one message."""

from collections.abc import AsyncIterator, Collection, Sequence
from contextlib import asynccontextmanager
from datetime import datetime

from starlette.requests import Request
from starlette.responses import Response

from domain.errors import MessageNotFound, VersionMismatch
from domain.external_id import ExternalId
from domain.message import Message, MessageRef
from domain.owner import Owner
from domain.session import SessionRef
from entrypoints.http.context import use_cases
from entrypoints.http.dependencies import Caller, MessageId, SessionId
from entrypoints.http.etags import (
    Expected,
    IfMatch,
    IfNone,
    IfNoneMatch,
    asks_for_any,
    asks_for_none,
    expected_messages,
    is_known,
    message_tag,
    versions_of,
)
from entrypoints.http.openapi.declared_responses import problems, success
from entrypoints.http.problem_types import VERSION_MISMATCH
from entrypoints.http.problems import Problem
from entrypoints.http.response_schemas import MessageResponse
from entrypoints.http.routes.authenticated import (
    NOT_MODIFIED,
    authenticated_router,
    json_response,
    not_modified,
    note_session,
)
from entrypoints.http.schemas import MessageReplace
from entrypoints.http.serializers import message_json

router = authenticated_router()


@router.get(
    "/{session_id}/messages/{message_order}",
    operation_id="getMessage",
    response_model=MessageResponse,
    responses={
        200: success("The message.", "ETag", "Standby-Read"),
        304: NOT_MODIFIED,
        **problems(404),
    },
)
async def get_message(
    request: Request,
    caller: Caller,
    session_id: SessionId,
    message_order: MessageId,
    if_none_match: IfNoneMatch = (),
) -> Response:
    """One message."""
    message = await use_cases(request).get_message(caller, session_id, message_order)
    note_session(request, (message,))
    if if_none_match and is_known(tag := message_tag(message), if_none_match):
        return not_modified(tag)
    return _message(message)


@router.put(
    "/{session_id}/messages/{message_order}",
    operation_id="putMessage",
    response_model=MessageResponse,
    responses={
        200: success("The message, as it is now.", "ETag"),
        201: {
            "model": MessageResponse,
            **success("There was no message of this external id, and now there is.", "ETag"),
        },
        **problems(404, 412, 415),
    },
)
async def put_message(
    request: Request,
    caller: Caller,
    session_id: SessionId,
    message_order: MessageId,
    body: MessageReplace,
    if_match: IfMatch = (),
    if_none_match: IfNone = (),
) -> Response:
    """Replace a message whole: what is absent is null, or empty.

    Its ids, its order and its timestamp stay, and are passed over where they are sent along, so
    that what was got can be put back. Under `ext:` and an id that the session does not have, the
    message is appended.
    """
    expected, append_only = expected_messages(if_match), asks_for_none(if_none_match)
    async with _telling_version(request, caller, session_id, message_order):
        session_id, message_order, versions = await _expected_of(
            request, caller, session_id, message_order, expected, if_match
        )
        put = await use_cases(request).put_message(
            caller,
            session_id,
            message_order,
            body.to_domain(),
            expected=versions,
            append_only=append_only,
        )
    note_session(request, (put.message,))
    return _message(put.message, 201 if put.appended else 200)


@router.delete(
    "/{session_id}/messages/{message_order}",
    operation_id="removeMessage",
    response_model=MessageResponse,
    responses={200: success("The message, as it was."), **problems(404, 412)},
)
async def remove_message(
    request: Request,
    caller: Caller,
    session_id: SessionId,
    message_order: MessageId,
    if_match: IfMatch = (),
) -> Response:
    """The message goes, and its order is never given again. With `last` an agent takes back its
    last step."""
    expected = expected_messages(if_match, removes=True)
    async with _telling_version(request, caller, session_id, message_order):
        session_id, message_order, versions = await _expected_of(
            request, caller, session_id, message_order, expected
        )
        removed = await use_cases(request).remove_message(
            caller, session_id, message_order, expected=versions
        )
    note_session(request, (removed,))
    return json_response(message_json(removed))


async def _expected_of(
    request: Request,
    caller: Owner,
    session: SessionRef,
    message: MessageRef,
    expected: Expected[datetime],
    if_match: Sequence[str] = (),
) -> tuple[SessionRef, MessageRef, Collection[datetime] | None]:
    """The message by its session's id and its order, which no other message gets, and those of the
    expected versions that are its own. Without a condition, all as it was named.

    Raises VersionMismatch where a message that is put under an external id must be there.
    """
    must_be_there = asks_for_any(if_match) and isinstance(message, ExternalId)
    if expected is None and not must_be_there:
        return session, message, None
    try:
        found = await use_cases(request).get_message(caller, session, message)
    except MessageNotFound:
        if if_match and isinstance(message, ExternalId):
            raise VersionMismatch from None
        raise
    versions = None if expected is None else versions_of(expected, found.id)
    return found.session_id, found.message_order, versions


@asynccontextmanager
async def _telling_version(
    request: Request, caller: Owner, session: SessionRef, message: MessageRef
) -> AsyncIterator[None]:
    """Give a client whose condition does not hold the tag that holds now, if there is one."""
    try:
        yield
    except VersionMismatch:
        try:
            found = await use_cases(request).get_message(caller, session, message)
        except MessageNotFound:
            raise Problem(VERSION_MISMATCH, "There is no such message.") from None
        raise Problem(
            VERSION_MISMATCH,
            "The message is another than the request expects; read it again.",
            headers={"ETag": message_tag(found)},
        ) from None


def _message(message: Message, status: int = 200) -> Response:
    return json_response(message_json(message), status, {"ETag": message_tag(message)})
