"""ChatKit's `Store`, for its `ChatKitServer`."""

from collections.abc import Callable
from contextlib import suppress
from uuid import uuid4

from chatkit.store import NotFoundError, Store, StoreItemType, TContext, default_generate_id
from chatkit.types import Attachment, Page, ThreadItem, ThreadMetadata
from pydantic import TypeAdapter

from chat_sessions_client import AsyncClient, errors, external
from chat_sessions_client import chatkit_shapes as shapes
from chat_sessions_client import chatkit_threads as threads
from chat_sessions_client.records import Records
from chat_sessions_client.shapes import MessageQuery, SessionQuery
from chat_sessions_client.translation import translating

ATTACHMENT_FORMAT = "chatkit.attachment/1"
_LIMIT = 200
_attachment = TypeAdapter[Attachment](Attachment)
_as_theirs = translating((errors.ABSENT, NotFoundError))
_of_a_page = translating(((*errors.ABSENT, errors.InvalidInput), NotFoundError))


class ChatStore(Store[TContext]):
    """Each thread is a session, each item a message. `client` may be by the request's context."""

    def __init__(self, client: AsyncClient | Callable[[TContext], AsyncClient]) -> None:
        self._client_of = client if callable(client) else lambda _: client

    def generate_thread_id(self, context: TContext) -> str:  # theirs has 32 bits
        return f"{default_generate_id('thread')}{uuid4().hex}"

    def generate_item_id(self, item_type: StoreItemType, *_: object, **__: object) -> str:
        return f"{default_generate_id(item_type)}{uuid4().hex}"

    @_as_theirs
    async def load_thread(self, thread_id: str, context: TContext) -> ThreadMetadata:
        client = self._client_of(context)
        if thread := await threads.load(client, await client.session(external(thread_id))):
            return thread
        raise NotFoundError(f"{thread_id} is no thread")

    @_as_theirs
    async def save_thread(self, thread: ThreadMetadata, context: TContext) -> None:
        await threads.save(self._client_of(context), thread)

    @_of_a_page
    async def load_threads(
        self, limit: int, after: str | None, order: str, context: TContext
    ) -> Page[ThreadMetadata]:
        """`after` is that of the page before."""
        client = self._client_of(context)
        query: SessionQuery = {"metadata": shapes.KIND, "limit": min(max(limit, 1), _LIMIT)}
        query |= {"sort_by": "created_at", "sort_order": order}  # type: ignore[typeddict-item]
        query |= {"cursor": after} if after else {}
        page = await client.sessions_page(**query)
        data = [one for session in page["items"] if (one := await threads.load(client, session))]
        rest = page["pagination"]["next_cursor"]
        return Page(data=data, has_more=bool(rest), after=rest)

    @_as_theirs
    async def load_thread_items(
        self, thread_id: str, after: str | None, limit: int, order: str, context: TContext
    ) -> Page[ThreadItem]:
        client, session = self._client_of(context), external(thread_id)
        query: MessageQuery = {"limit": min(max(limit, 0) + 1, _LIMIT), "sort_order": order}  # type: ignore[typeddict-item]
        if after:
            place = (await client.message(session, external(after)))["message_order"]
            query |= {"after": place} if order == "asc" else {"before": place}
        found: list[ThreadItem] = []
        async for message in client.messages(session, **query):
            if item := shapes.item_of(message):
                found.append(item)
            if len(found) > limit:
                break
        data, has_more = found[:limit], len(found) > limit
        return Page(data=data, has_more=has_more, after=data[-1].id if data and has_more else None)

    @_as_theirs
    async def save_item(self, thread_id: str, item: ThreadItem, context: TContext) -> None:
        client, message = self._client_of(context), shapes.message_of(item)
        await client.put_message(external(thread_id), external(item.id), message)

    add_thread_item = save_item

    @_as_theirs
    async def load_item(self, thread_id: str, item_id: str, context: TContext) -> ThreadItem:
        client = self._client_of(context)
        message = await client.message(external(thread_id), external(item_id))
        if item := shapes.item_of(message):
            return item
        raise NotFoundError(f"{item_id} is no item")

    async def delete_thread(self, thread_id: str, context: TContext) -> None:
        with suppress(*errors.ABSENT):
            await self._client_of(context).delete_session(external(thread_id))

    async def delete_thread_item(self, thread_id: str, item_id: str, context: TContext) -> None:
        with suppress(*errors.ABSENT):
            await self._client_of(context).delete_message(external(thread_id), external(item_id))

    async def save_attachment(self, attachment: Attachment, context: TContext) -> None:
        body = _attachment.dump_python(attachment, mode="json", by_alias=True)
        await self._attachments(context).save(attachment.id, body)

    @_as_theirs
    async def load_attachment(self, attachment_id: str, context: TContext) -> Attachment:
        return _attachment.validate_python(await self._attachments(context).load(attachment_id))

    async def delete_attachment(self, attachment_id: str, context: TContext) -> None:
        await self._attachments(context).delete(attachment_id)

    def _attachments(self, context: TContext) -> Records:
        return Records(self._client_of(context), "chatkit:attachments", ATTACHMENT_FORMAT)
