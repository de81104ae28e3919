"""A store keeps what ChatKit hands over, and gives it in pages as its interface says."""

import asyncio
import json
from collections.abc import AsyncIterator
from datetime import UTC, datetime
from typing import Any
from uuid import uuid4

import pytest
from chat_sessions_client import AsyncClient, errors, external
from chat_sessions_client.chatkit import ChatStore
from chat_sessions_client.shapes import SessionResponse
from chatkit.server import ChatKitServer
from chatkit.store import NotFoundError
from chatkit.types import (
    Attachment,
    ClosedStatus,
    FileAttachment,
    ImageAttachment,
    Thread,
    ThreadItem,
    ThreadMetadata,
    ThreadStreamEvent,
)
from pydantic import TypeAdapter

from tests.clients.frameworks.service import Service

TIME = "2026-01-02T03:04:05.678901"
ITEMS: list[dict[str, Any]] = [
    {
        "type": "user_message",
        "content": [
            {"type": "input_text", "text": "Hi\0\ud800"},
            {"type": "input_tag", "id": "t", "text": "@ann", "data": {"n": None}, "group": None},
        ],
        "attachments": [
            {"type": "file", "id": "f1", "name": "é", "mime_type": "a/b", "metadata": {"k": 1}}
        ],
        "inference_options": {"tool_choice": {"id": "search"}},
        "quoted_text": "so",
    },
    {
        "type": "assistant_message",
        "content": [
            {
                "text": "Hello",
                "annotations": [
                    {"source": {"type": "url", "url": "http://a.example", "title": "A"}, "index": 1}
                ],
            }
        ],
    },
    {
        "type": "client_tool_call",
        "call_id": "c1",
        "name": "f",
        "arguments": {"a": [0.1, None]},
        "status": "completed",
        "output": {"b": None},
    },
    {
        "type": "widget",
        "widget": {"type": "Card", "children": [{"type": "Text", "value": "18 °C"}]},
        "copy_text": "18",
    },
    {"type": "generated_image", "image": {"id": "i", "url": "http://a.example/i.png"}},
    {"type": "workflow", "workflow": {"type": "reasoning", "tasks": [], "expanded": True}},
    {"type": "task", "task": {"type": "custom", "title": "T", "content": "doing"}},
    {"type": "hidden_context_item", "content": {"any": [1, None]}},
    {"type": "sdk_hidden_context", "content": "cancelled"},
    {"type": "end_of_turn"},
]
one_item: TypeAdapter[ThreadItem] = TypeAdapter(ThreadItem)


@pytest.fixture
def client(service: Service) -> AsyncClient:
    return AsyncClient(service.url, service.token("chatkit"))


@pytest.fixture
def store(client: AsyncClient) -> ChatStore:
    return ChatStore(client)


def item(thread: str, id_: str, **members: Any) -> ThreadItem:
    kind = members or ITEMS[1]
    return one_item.validate_python({"id": id_, "thread_id": thread, "created_at": TIME} | kind)


async def made(store: ChatStore, **members: Any) -> ThreadMetadata:
    thread = ThreadMetadata(id=store.generate_thread_id(None), created_at=TIME, **members)
    await store.save_thread(thread, None)
    return thread


async def test_items_come_back_as_they_were(store: ChatStore, client: AsyncClient) -> None:
    thread = (await made(store)).id
    items = [item(thread, f"item_{number}", **one) for number, one in enumerate(ITEMS)]
    for one in items:
        await store.add_thread_item(thread, one, None)
        assert await store.load_item(thread, one.id, None) == one
    page = await store.load_thread_items(thread, None, 50, "asc", None)
    assert page.data == items
    _, *stored = [one async for one in client.messages(external(thread))]
    assert [one["role"] for one in stored[:4]] == ["user", "assistant", "tool", "assistant"]
    assert [(one["role"], one["content"]) for one in stored[-3:-1]] == [("system", "")] * 2
    assert [one["content"] for one in stored[:2]] == ["Hi\n@ann", "Hello"]


@pytest.mark.parametrize("order", ["asc", "desc"])
async def test_pages_of_items_go_by_their_ids(
    store: ChatStore, client: AsyncClient, order: str
) -> None:
    thread = (await made(store)).id
    ids = [f"i{number}" for number in range(7)]
    for one in ids:
        await store.add_thread_item(thread, item(thread, one), None)
        await client.append(external(thread), [{"role": "user", "content": "another program's"}])
    ids = ids if order == "asc" else ids[::-1]
    for limit in (1, 3, 7, 500):
        found, after = [], None
        while True:
            page = await store.load_thread_items(thread, after, limit, order, None)
            found += [one.id for one in page.data]
            assert len(page.data) <= limit
            assert page.has_more is (len(found) < len(ids))
            after = page.after
            if not page.has_more:
                break
        assert (found, after) == (ids, None)


async def test_an_item_is_replaced_and_removed_in_its_place(store: ChatStore) -> None:
    thread = (await made(store)).id
    for id_ in "abc":
        await store.add_thread_item(thread, item(thread, id_), None)
    await store.add_thread_item(thread, item(thread, "c"), None)
    changed = item(thread, "b", type="task", task={"type": "custom", "title": "Changed"})
    await store.save_item(thread, changed, None)
    await store.save_item(thread, item(thread, "d"), None)
    for _ in range(2):
        await store.delete_thread_item(thread, "a", None)
    page = await store.load_thread_items(thread, None, 50, "asc", None)
    assert [one.id for one in page.data] == ["b", "c", "d"]
    assert page.data[0] == changed


@pytest.mark.parametrize("order", ["asc", "desc"])
async def test_pages_of_threads_are_of_threads_alone(
    store: ChatStore, client: AsyncClient, order: str
) -> None:
    await client.delete_sessions(everything=True)
    await client.create_session(title="another program's")
    threads = [await made(store, title=f"T{number}") for number in range(5)]
    await store.save_attachment(FileAttachment(id="f", name="n", mime_type="a/b"), None)
    await store.add_thread_item(threads[0].id, item(threads[0].id, "i"), None)
    threads = threads if order == "asc" else threads[::-1]
    found: list[ThreadMetadata] = []
    after = None
    while True:
        page = await store.load_threads(2, after, order, None)
        found += page.data
        after = page.after
        if not page.has_more:
            break
    assert found == threads


async def test_a_thread_is_kept_whole(store: ChatStore, client: AsyncClient) -> None:
    thread = await made(store, title="Trip", metadata={"a": None, "b": {"c": 1.0}, "d": 1})
    assert await store.load_thread(thread.id, None) == thread
    thread.metadata = {"b": {}, "e": "\0", "f": "\ud800é"}
    thread.status, thread.title = ClosedStatus(reason="done"), "\n" + "é" * 300
    whole = Thread(**thread.model_dump(), items={"data": [item(thread.id, "not stored here")]})
    await store.save_thread(whole, None)
    assert await store.load_thread(thread.id, None) == thread
    assert (await client.session(external(thread.id)))["title"] == "é" * 200
    for _ in range(2):
        await store.delete_thread(thread.id, None)
    with pytest.raises(NotFoundError):
        await store.load_thread(thread.id, None)


async def test_a_new_name_is_everybodys(store: ChatStore, client: AsyncClient) -> None:
    """Whoever gives it; ChatKit takes none back that it does not change."""
    thread = await made(store, title="Trip" + "\0" * 300)
    stored = external(thread.id)
    for name in ("Weekend", None, "Again"):
        await client.change_session(stored, {"title": name})
        assert (await store.load_thread(thread.id, None)).title == name
        thread.metadata["at"] = name
        await store.save_thread(thread, None)
        found = await store.load_thread(thread.id, None)
        assert (found.title, found.metadata) == (name, {"at": name})
    assert name in [one.title for one in (await store.load_threads(5, None, "desc", None)).data]
    thread.title = "Ours"
    await store.save_thread(thread, None)
    assert await store.load_thread(thread.id, None) == thread
    assert (await client.session(stored))["title"] == "Ours"


async def test_a_name_is_the_one_that_was_given_last(store: ChatStore, client: AsyncClient) -> None:
    """By whoever has changed what they saw."""
    thread = await made(store, title="Old")
    stored = external(thread.id)
    await client.change_session(stored, {"title": "R1"})
    loaded = await store.load_thread(thread.id, None)
    loaded.title = "Old"
    await store.save_thread(loaded, None)
    assert (await client.session(stored))["title"] == "Old"
    await client.change_session(stored, {"title": "R2"})
    again = await store.load_thread(thread.id, None)
    for name in ("R3", "R4"):
        await client.change_session(stored, {"title": name})
        again.metadata["at"] = name
        await store.save_thread(again, None)
        found = await store.load_thread(thread.id, None)
        assert (found.title, found.metadata) == (name, {"at": name})


@pytest.mark.parametrize(
    "title", ["\u3164", "\u2800 ", "\ufe0f", "\u034f\u200b", "\U000e0100", " "]
)
async def test_a_title_of_nothing_is_none_to_others(
    store: ChatStore, client: AsyncClient, title: str
) -> None:
    thread = await made(store, title=title)
    assert (await client.session(external(thread.id)))["title"] is None
    assert await store.load_thread(thread.id, None) == thread


async def test_a_thread_that_is_refused_is_kept_as_it_was(
    store: ChatStore, client: AsyncClient
) -> None:
    thread = await made(store, title="Trip")
    large = thread.model_copy(update={"metadata": {"x": "y" * 20_000}})
    with pytest.raises(errors.InvalidInput):
        await store.save_thread(large, None)
    await client.change_session(external(thread.id), {"metadata": None})
    assert await store.load_thread(thread.id, None) == thread


class Removing(AsyncClient):
    async def session(self, session_id: str) -> SessionResponse:
        found = await super().session(session_id)
        await self.delete_session(found["id"])
        return found


async def test_a_thread_that_is_removed_meanwhile_is_not_found(
    store: ChatStore, service: Service
) -> None:
    thread = await made(store)
    removing = ChatStore(Removing(service.url, service.token("chatkit")))
    for one in (removing, store):
        with pytest.raises(NotFoundError):
            await one.save_thread(thread, None)
    await store.save_thread(ThreadMetadata(id=thread.id, created_at=TIME), None)
    assert (await store.load_thread(thread.id, None)).id == thread.id


TAKEN_AWAY: list[Any] = [None, {"thread": None}, {"thread": "{}", "kind": 5}, {"thread": [1]}]
TAKEN_AWAY += [{"thread": "[" * 10_000}, {"thread": "{'"}]


@pytest.mark.parametrize("metadata", TAKEN_AWAY, ids=str)
async def test_what_another_client_does_to_one_thread_is_its_alone(
    store: ChatStore, client: AsyncClient, metadata: Any
) -> None:
    """Nothing is lost, and it is listed again once it is used."""
    await client.delete_sessions(everything=True)
    thread, other = [await made(store, metadata={"k": [None]}) for _ in range(2)]
    for id_ in "ab":
        await store.add_thread_item(thread.id, item(thread.id, id_), None)
    stored = external(thread.id)
    broken: Any = {"role": "user", "format": "chatkit.thread-item/1", "body": {"type": "none"}}
    await client.put_message(stored, external("a"), broken)
    await client.change_session(stored, {"metadata": metadata})
    await client.change_session(stored, {"metadata": {"own": 1}})
    assert other in (await store.load_threads(5, None, "desc", None)).data
    assert await store.load_thread(thread.id, None) == thread
    assert (await store.load_threads(5, None, "asc", None)).data == [thread, other]
    assert (await client.session(stored))["metadata"]["own"] == 1
    items = await store.load_thread_items(thread.id, None, 5, "asc", None)
    assert [one.id for one in items.data] == ["b"]
    with pytest.raises(NotFoundError):
        await store.load_item(thread.id, "a", None)


async def test_a_thread_is_saved_by_several_at_once(store: ChatStore) -> None:
    thread = ThreadMetadata(id=store.generate_thread_id(None), created_at=TIME)
    await asyncio.gather(*(store.save_thread(thread, None) for _ in range(5)))
    assert await store.load_thread(thread.id, None) == thread


async def test_attachments_are_kept(store: ChatStore, client: AsyncClient) -> None:
    await client.delete_sessions(everything=True)
    image = {"id": "i", "name": "é", "mime_type": "image/png", "preview_url": "http://a.example/p"}
    upload = {"url": "http://a.example/u", "method": "PUT", "headers": {"A": "b"}}
    made: list[Attachment] = [
        ImageAttachment(**image, upload_descriptor=upload, metadata={"k": [None, 1]}),
        FileAttachment(id="f", name="f", mime_type="a/b", thread_id="t"),
    ]
    await asyncio.gather(*(store.save_attachment(one, None) for one in made))
    made[0].thread_id = "t"
    await store.save_attachment(made[0], None)
    assert [await store.load_attachment(one.id, None) for one in made] == made
    assert [one async for one in client.sessions()] == []
    for _ in range(2):
        await store.delete_attachment("i", None)
    with pytest.raises(NotFoundError):
        await store.load_attachment("i", None)


async def test_what_is_not_there_is_not_found(store: ChatStore, client: AsyncClient) -> None:
    await client.delete_sessions(everything=True)
    thread = (await made(store)).id
    await client.create_session(external_id="foreign")
    for call in (
        store.load_thread("none", None),
        store.load_thread("foreign", None),
        store.load_item("none", "i", None),
        store.load_item(thread, "i", None),
        store.load_thread_items("none", None, 5, "asc", None),
        store.load_thread_items(thread, "i", 5, "asc", None),
        store.add_thread_item("none", item("none", "i"), None),
        store.save_item("none", item("none", "i"), None),
        store.load_attachment("f", None),
        store.load_threads(5, "none", "asc", None),
        store.load_thread("a\nb", None),
    ):
        with pytest.raises(NotFoundError):
            await call


async def test_a_person_sees_their_own_threads(service: Service) -> None:
    people = [str(uuid4()) for _ in range(2)]
    store = ChatStore(lambda who: AsyncClient(service.url, service.token(who)))
    thread = ThreadMetadata(id="shared id", created_at=TIME)
    for who in people:
        thread.metadata = {"of": who}
        await store.save_thread(thread, who)
    for who in people:
        (found,) = (await store.load_threads(5, None, "desc", who)).data
        assert found.metadata == {"of": who}


def test_ids_are_long_enough_for_everybody(store: ChatStore) -> None:
    thread = ThreadMetadata(id="t", created_at=datetime.now(tz=UTC))
    ids = [store.generate_thread_id(None), store.generate_item_id("message", thread, None)]
    assert [one[:4] for one in ids] == ["thr_", "msg_"]
    assert all(len(one) >= 32 for one in ids)


class Silent(ChatKitServer[None]):
    async def respond(self, thread: ThreadMetadata, *_: Any) -> AsyncIterator[ThreadStreamEvent]:
        thread.title = "Named while it answers"
        nothing: list[ThreadStreamEvent] = []
        for event in nothing:
            yield event


async def test_their_server_keeps_threads_here(store: ChatStore, client: AsyncClient) -> None:
    await client.delete_sessions(everything=True)
    server = Silent(store)
    await store.save_attachment(FileAttachment(id="f", name="n", mime_type="a/b"), None)

    async def ask(kind: str, **params: Any) -> Any:
        result = await server.process(json.dumps({"type": kind, "params": params}), None)
        if hasattr(result, "json"):
            return json.loads(result.json)
        return [json.loads(event.decode().removeprefix("data: ")) async for event in result]

    said = {"content": [{"type": "input_text", "text": "Hi"}], "attachments": ["f"]}
    events = await ask("threads.create", input=said | {"inference_options": {}})
    assert "error" not in [event["type"] for event in events]
    thread = events[0]["thread"]["id"]
    assert (await store.load_attachment("f", None)).thread_id == thread
    listed = await ask("threads.list")
    assert [(one["id"], one["title"]) for one in listed["data"]] == [
        (thread, "Named while it answers")
    ]
    await ask("threads.update", thread_id=thread, title="Trip")
    found = await ask("threads.get_by_id", thread_id=thread)
    assert (found["title"], found["items"]["data"][0]["attachments"][0]["id"]) == ("Trip", "f")
    await ask("threads.delete", thread_id=thread)
    assert (await ask("threads.list"))["data"] == []


async def test_what_their_server_makes_of_errors(service: Service, client: AsyncClient) -> None:
    """What is refused before it answers comes out of it."""
    content = [{"type": "input_text", "text": "x" * 270_000}]
    said = {"content": content, "attachments": [], "inference_options": {}}
    asked = json.dumps({"type": "threads.create", "params": {"input": said}})
    wrong = AsyncClient(service.url, "wrong")
    for refused, error in ((wrong, errors.Unauthorized), (client, errors.InvalidInput)):
        result = await Silent(ChatStore(refused)).process(asked, None)
        with pytest.raises(error):
            [event async for event in result]  # type: ignore[union-attr]
