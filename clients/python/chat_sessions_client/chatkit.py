"""ChatKit's `Store`, for its `ChatKitServer`."""

from collections.abc import Callable
from contextlib import suppress
from uuid import uuid4

from chatkit.store import NotFoundError, Store, StoreItemType, TContext, default_generate_id
from chatkit.types import Attachment, Page, ThreadItem, ThreadMetadata
from pydantic import TypeAdapter

from chat_sessions_client import AsyncClient, errors, external
from chat_sessions_client.records import Records
from chat_sessions_client.shapes import MessageQuery, SessionQuery, SessionResponse
from chat_sessions_client.text import storable
from chat_sessions_client.translation import translating

FORMAT, ATTACHMENT_FORMAT = "chatkit.thread-item/1", "chatkit.attachment/1"
_KIND = {"kind": "chatkit.thread"}
_ROLES = {"user_message": "user", "client_tool_call": "tool"}
_item, _attachment = TypeAdapter[ThreadItem](ThreadItem), TypeAdapter[Attachment](Attachment)
_GONE = (errors.SessionNotFound, errors.MessageNotFound)
_as_theirs = translating(((*_GONE, KeyError), NotFoundError))


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
        return _thread(await self._client_of(context).session(external(thread_id)))

    async def save_thread(self, thread: ThreadMetadata, context: TContext) -> None:
        client = self._client_of(context)
        title = "".join(filter(str.isprintable, thread.title or "")).strip()[:200].rstrip() or None
        metadata = _KIND | {"thread": thread.model_dump_json(exclude={"items"})}
        try:
            await client.change_session(external(thread.id), {"title": title, "metadata": metadata})
        except errors.SessionNotFound:
            await client.create_session(external_id=thread.id, title=title, metadata=metadata)

    async def load_threads(
        self, limit: int, after: str | None, order: str, context: TContext
    ) -> Page[ThreadMetadata]:
        """`after` is that of the page before."""
        query: SessionQuery = {"metadata": _KIND, "sort_by": "created_at", "sort_order": order}  # type: ignore[typeddict-item]
        query |= {"cursor": after} if after else {}
        query["limit"] = min(limit, 200)
        page = await self._client_of(context).sessions_page(**query)
        rest = page["pagination"]["next_cursor"]
        return Page(data=[_thread(one) for one in page["items"]], has_more=bool(rest), after=rest)

    @_as_theirs
    async def load_thread_items(
        self, thread_id: str, after: str | None, limit: int, order: str, context: TContext
    ) -> Page[ThreadItem]:
        client, session = self._client_of(context), external(thread_id)
        query: MessageQuery = {"limit": min(limit + 1, 200), "sort_order": order}  # type: ignore[typeddict-item]
        if after:
            place = (await client.message(session, external(after)))["message_order"]
            query |= {"after": place} if order == "asc" else {"before": place}
        found: list[ThreadItem] = []
        async for message in client.messages(session, **query):
            if message["format"] == FORMAT:
                found.append(_item.validate_python(message["body"]))
            if len(found) > limit:
                break
        data, has_more = found[:limit], len(found) > limit
        return Page(data=data, has_more=has_more, after=data[-1].id if data and has_more else None)

    @_as_theirs
    async def save_item(self, thread_id: str, item: ThreadItem, context: TContext) -> None:
        body = _item.dump_python(item, mode="json", by_alias=True)
        said = item.content if item.type in {"user_message", "assistant_message"} else None
        text = None if said is None else storable("\n".join(part.text for part in said))
        role = "system" if "hidden" in item.type else _ROLES.get(item.type, "assistant")
        message = {"role": role, "content": text, "format": FORMAT, "body": body}
        await self._client_of(context).put_message(external(thread_id), external(item.id), message)

    add_thread_item = save_item

    @_as_theirs
    async def load_item(self, thread_id: str, item_id: str, context: TContext) -> ThreadItem:
        message = await self._client_of(context).message(external(thread_id), external(item_id))
        return _item.validate_python(message["body"])

    async def delete_thread(self, thread_id: str, context: TContext) -> None:
        with suppress(*_GONE):
            await self._client_of(context).delete_session(external(thread_id))

    async def delete_thread_item(self, thread_id: str, item_id: str, context: TContext) -> None:
        with suppress(*_GONE):
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


def _thread(session: SessionResponse) -> ThreadMetadata:
    return ThreadMetadata.model_validate_json(session["metadata"]["thread"])
