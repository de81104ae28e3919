"""The eight operations of OpenAI's Conversations API, each one call of the use cases that the
service's own routes call."""

from collections.abc import Mapping, Sequence
from contextlib import suppress
from typing import Annotated

from fastapi import FastAPI, Query
from starlette.requests import Request
from starlette.responses import Response

from domain.errors import MessageNotFound, SessionNotFound
from domain.external_id import ExternalId
from domain.message import Message, NewMessage
from domain.message_page import MessagePageRequest
from domain.metadata import EMPTY, Metadata
from domain.owner import Owner
from domain.page import SortOrder
from domain.session import NewSession, Session, SessionPatch, SessionRef
from entrypoints.http.context import app_context, use_cases
from entrypoints.http.dependencies import Caller
from entrypoints.http.idempotency_key import IdempotencyKeys, only_key, replay_mark
from entrypoints.http.openai_dialect.conversation_ids import (
    ItemRef,
    MadeItem,
    is_known_by_place,
    named,
)
from entrypoints.http.openai_dialect.conversation_paths import CONVERSATIONS
from entrypoints.http.openai_dialect.conversation_schemas import (
    ConversationCreate,
    ConversationUpdate,
    ItemsCreate,
    ItemsQuery,
)
from entrypoints.http.openai_dialect.dialect_route import (
    ConversationId,
    DialectRoute,
    ItemId,
    may_be_done,
)
from entrypoints.http.openai_dialect.item_reader import (
    check_unmade,
    made_id,
    messages_of,
    naming_items,
)
from entrypoints.http.openai_dialect.item_writer import (
    conversation_json,
    deleted_json,
    item_json,
    items_json,
)
from entrypoints.http.openai_dialect.openai_errors import OpenAIErrors
from entrypoints.http.openai_dialect.process_memory import ProcessMemory, process_memory
from entrypoints.http.openai_dialect.unkeyed_retries import UnkeyedRetries
from entrypoints.http.routes.authenticated import (
    NO_HEADERS,
    authenticated_router,
    json_response,
    known_session,
    note_session,
)
from entrypoints.telemetry.request_context import request_context

ONE = "/{conversation_id}"
ITEMS = f"{ONE}/items"
ITEM = f"{ITEMS}/{{item_id}}"

router = authenticated_router(CONVERSATIONS, "conversations", DialectRoute)


def prepare(app: FastAPI) -> None:
    """Give the application what the routes rely on: their memory, and the form of their errors."""
    app.state.openai_dialect = ProcessMemory()
    app.add_middleware(OpenAIErrors)


@router.get(ITEMS, operation_id="listConversationItems")
async def list_items(
    request: Request,
    caller: Caller,
    conversation_id: ConversationId,
    query: Annotated[ItemsQuery, Query()],
) -> Response:
    """The items a page at a time, the newest first unless asked otherwise."""
    edge = await _order(request, caller, conversation_id, query.after)
    is_ascending = query.order is SortOrder.ASC
    asked = MessagePageRequest(
        limit=query.limit,
        sort_order=query.order,
        after=edge if is_ascending else None,
        before=None if is_ascending else edge,
    )
    page = await use_cases(request).get_messages(caller, conversation_id, asked)
    note_session(request, page.items)
    if page.items:
        process_memory(request).edges.note(page.items[-1])
    return json_response(items_json(page.items, has_more=page.has_next))


@router.post(ITEMS, operation_id="createConversationItems")
async def create_items(
    request: Request,
    caller: Caller,
    conversation_id: ConversationId,
    body: ItemsCreate,
    keys: IdempotencyKeys = (),
) -> Response:
    was_sent = may_be_done(request)
    messages = messages_of(body.items)
    await _check_ids(request, caller, conversation_id, messages)
    key = only_key(keys)
    writers = process_memory(request).writers
    with naming_items():
        if was_sent and key is None:
            retries = UnkeyedRetries(use_cases(request), writers)
            now = app_context(request).clock.now()
            appended = await retries.append_unless_there(caller, conversation_id, messages, now)
        else:
            async with writers.turn(caller, conversation_id):
                appended = await use_cases(request).append_messages.once(
                    key, caller, conversation_id, messages
                )
    note_session(request, appended.value)
    return json_response(items_json(appended.value), headers=replay_mark(appended))


@router.post("", operation_id="createConversation")
async def create_conversation(
    request: Request, caller: Caller, body: ConversationCreate, keys: IdempotencyKeys = ()
) -> Response:
    messages = messages_of(body.items or ())
    with naming_items():
        created = await use_cases(request).create_session.once(
            only_key(keys), caller, NewSession(metadata=body.metadata), messages
        )
    return _conversation(request, created.value, replay_mark(created))


@router.get(ONE, operation_id="getConversation")
async def get_conversation(
    request: Request, caller: Caller, conversation_id: ConversationId
) -> Response:
    return _conversation(request, await use_cases(request).get_session(caller, conversation_id))


@router.post(ONE, operation_id="updateConversation")
async def update_conversation(
    request: Request, caller: Caller, conversation_id: ConversationId, body: ConversationUpdate
) -> Response:
    """The metadata given takes the place of what there was."""

    async def attempt() -> Session:
        found = await use_cases(request).get_session(caller, conversation_id)
        patch = _in_place_of(found.metadata, body.metadata)
        return await use_cases(request).update_session(
            caller, found.id, patch, expected=(found.version,)
        )

    writers = process_memory(request).writers
    return _conversation(request, await writers.alone(caller, conversation_id, attempt))


@router.delete(ONE, operation_id="deleteConversation")
async def delete_conversation(
    request: Request, caller: Caller, conversation_id: ConversationId
) -> Response:
    """The conversation goes with its items. A retry finds it gone."""
    was_sent = may_be_done(request)
    try:
        session_id = await known_session(request, caller, conversation_id)
        await use_cases(request).delete_session(caller, session_id)
    except SessionNotFound:
        if not was_sent:
            raise
    return json_response(deleted_json(named(conversation_id)))


@router.get(ITEM, operation_id="getConversationItem")
async def get_item(
    request: Request, caller: Caller, conversation_id: ConversationId, item_id: ItemId
) -> Response:
    return json_response(item_json(await _message(request, caller, conversation_id, item_id)))


@router.delete(ITEM, operation_id="deleteConversationItem")
async def delete_item(
    request: Request, caller: Caller, conversation_id: ConversationId, item_id: ItemId
) -> Response:
    """The item goes, and what is left is the conversation. A retry finds it gone."""
    was_sent = may_be_done(request)
    try:
        found = await _message(request, caller, conversation_id, item_id)
        await use_cases(request).remove_message(caller, found.session_id, found.message_order)
    except MessageNotFound:
        if not was_sent:
            raise
    return _conversation(request, await use_cases(request).get_session(caller, conversation_id))


async def _message(
    request: Request, caller: Owner, conversation: SessionRef, item: ItemRef
) -> Message:
    """The message that is the item. An id that could have been made for one may be a client's own.

    Raises MessageNotFound.
    """
    get = use_cases(request).get_message
    if isinstance(item, MadeItem):
        with suppress(MessageNotFound):
            found = await get(caller, conversation, item.message_order)
            if found.session_id == item.session_id and is_known_by_place(found):
                note_session(request, (found,))
                return found
        item = ExternalId(item.text)
    found = await get(caller, conversation, item)
    note_session(request, (found,))
    return found


async def _order(
    request: Request, caller: Owner, conversation: SessionRef, item: ItemRef | None
) -> int | None:
    """The order of an item, from its id alone where that tells it, or from the page that it ended,
    so that a walk goes on when the item has been removed. Raises MessageNotFound."""
    if item is None:
        return None
    if isinstance(item, MadeItem):
        if item.session_id == await known_session(request, caller, conversation):
            return item.message_order
        item = ExternalId(item.text)
    try:
        return (await use_cases(request).get_message(caller, conversation, item)).message_order
    except MessageNotFound:
        session_id = await known_session(request, caller, conversation)
        order = process_memory(request).edges.order_of(session_id, item.value)
        if order is None:
            raise
        return order


async def _check_ids(
    request: Request, caller: Owner, conversation: SessionRef, messages: Sequence[NewMessage]
) -> None:
    if any(map(made_id, messages)):
        check_unmade(messages, await known_session(request, caller, conversation))


def _in_place_of(present: Metadata, wanted: Metadata) -> SessionPatch:
    """The patch after which the wanted metadata is there and nothing else."""
    if wanted == EMPTY:
        return SessionPatch(metadata=None)
    return SessionPatch(metadata=dict.fromkeys(present.to_dict()) | wanted.to_dict())


def _conversation(
    request: Request, session: Session, headers: Mapping[str, str] = NO_HEADERS
) -> Response:
    request_context(request).session_id = str(session.id)
    return json_response(conversation_json(session), headers=headers)
