"""Pydantic AI's store does what its own in memory does, whose tests no archive holds."""

from collections.abc import Callable
from typing import Any
from uuid import uuid4

import pytest
from chat_sessions_client import AsyncClient, external
from chat_sessions_client.pydantic_ai import ChatSessionStore, EntryNotFound
from chat_sessions_client.pydantic_ai_history import MESSAGE, RECORD, SCOPE
from chat_sessions_client.shapes import MessageCreate
from pydantic_ai import Agent, ImageUrl
from pydantic_ai.conversation import Conversation
from pydantic_ai.conversation_store import (
    ConversationConflict,
    ConversationStore,
    InMemoryConversationStore,
)
from pydantic_ai.exceptions import AgentRunError
from pydantic_ai.messages import TextContent
from pydantic_ai.models.test import TestModel

from tests.clients.frameworks.service import Service

AGENT = Agent(TestModel(custom_output_text="Lisbon."))
OpenStore = Callable[[], ConversationStore]


@pytest.fixture(params=["theirs", "ours"])
def open_store(request: pytest.FixtureRequest, service: Service) -> OpenStore:
    """What opens the same store again, as another process does."""
    if request.param == "theirs":
        theirs = InMemoryConversationStore()
        return lambda: theirs
    client = AsyncClient(service.url, service.token(f"person {uuid4()}"))
    return lambda: ChatSessionStore(client)


async def said(store: ConversationStore, name: str, *asked: str) -> Conversation:
    conversation = await store.load(name) or Conversation(conversation_id=name)
    for one in asked:
        result = await AGENT.run(one, conversation=conversation)
        await store.save(result, scope="scope")
        conversation = result.conversation
    return conversation


async def prompts(store: ConversationStore, name: str) -> list[object]:
    entries = await store.load_entries(name) or []
    return [entry.message.parts[0].content for entry in entries[::2]]  # type: ignore[union-attr]


async def test_turns_are_kept_with_their_usage(open_store: OpenStore) -> None:
    await said(open_store(), "c", "one", "two")
    await said(open_store(), "c", "three")
    loaded = await open_store().load("c")
    assert loaded is not None
    assert (await prompts(open_store(), "c"), loaded.usage.requests) == (["one", "two", "three"], 3)
    last = await open_store().load("c", limit=1)
    assert last is not None
    assert last.messages == loaded.messages[-1:]
    assert await open_store().load("c", scope="other") is None
    assert [
        one.conversation_id for one in await open_store().list_conversations(scope="scope")
    ] == ["c"]
    assert not await open_store().list_conversations(scope="other")


async def test_a_rival_is_told_of_the_conflict(open_store: OpenStore) -> None:
    await said(open_store(), "c", "one")
    mine, other = await open_store().load("c"), await open_store().load("c")
    assert mine
    assert other
    await open_store().save(await AGENT.run("mine", conversation=mine))
    with pytest.raises(ConversationConflict):
        await open_store().save(await AGENT.run("other", conversation=other))
    with pytest.raises(ConversationConflict):
        await open_store().save(Conversation(conversation_id="c"))
    assert await prompts(open_store(), "c") == ["one", "mine"]


async def test_branches_and_forks(open_store: OpenStore) -> None:
    """A fork outlives what it is from; a branch can be gone back to."""
    conversation = await said(open_store(), "c", "one", "two")
    left = (await open_store().load_entries("c") or [])[-1]
    fork = await open_store().fork("c", at=2)
    await open_store().branch("c", at=2, expected_revision=conversation.revision)
    branched = await said(open_store(), "c", "other")
    assert await prompts(open_store(), "c") == ["one", "other"]
    assert (await open_store().read_entry(left.id)).message == left.message
    await open_store().branch("c", from_entry=left.id, expected_revision=branched.revision)
    assert await prompts(open_store(), "c") == ["one", "two"]
    await open_store().delete("c")
    assert await open_store().load("c") is None
    await said(open_store(), fork.conversation_id, "more")
    assert await prompts(open_store(), fork.conversation_id) == ["one", "more"]
    with pytest.raises(LookupError):
        await open_store().read_entry("none")


@pytest.fixture
def client(service: Service) -> AsyncClient:
    return AsyncClient(service.url, service.token(f"person {uuid4()}"))


async def orders(client: AsyncClient) -> list[int]:
    """Of the conversation's messages, without its record."""
    walk = client.messages(external("c"))
    return [one["message_order"] async for one in walk if one["content"]]


@pytest.mark.parametrize("removed", [[0], [1], [2, 3], [5], [4, 5], [0, 2, 4], [0, 1, 2, 3, 4, 5]])
async def test_a_conversation_goes_on_without_what_somebody_removed(
    client: AsyncClient, removed: list[int]
) -> None:
    await said(ChatSessionStore(client), "c", "one", "two", "three")
    stored = await orders(client)
    entries = await ChatSessionStore(client).load_entries("c") or []
    for place in removed:
        await client.delete_message(external("c"), stored[place])
    left = [one for place, one in enumerate(entries) if place not in removed]
    assert [one.id for one in await ChatSessionStore(client).load_entries("c") or []] == [
        one.id for one in left
    ]
    await said(ChatSessionStore(client), "c", "four")
    after = await ChatSessionStore(client).load_entries("c") or []
    assert [one.id for one in after[:-2]] == [one.id for one in left]
    last = await ChatSessionStore(client).load_entries("c", limit=3) or []
    assert [one.id for one in last] == [one.id for one in after[-3:]]


def garbled(part: dict[str, Any]) -> MessageCreate:
    """A message as another client may make it, which has nothing of ours but its format."""
    edited: Any = {"role": "user", "content": "edited", **part}
    return edited  # type: ignore[no-any-return]


@pytest.mark.parametrize("metadata", [None, {SCOPE: None}, {SCOPE: ["x"]}], ids=str)
@pytest.mark.parametrize("scope", ["scope", None])
async def test_what_another_client_does_to_one_session_is_its_alone(
    client: AsyncClient, metadata: Any, scope: str | None
) -> None:
    """It is listed again once it is saved again, and others are all the time."""
    store = ChatSessionStore(client)
    for name in ("c", "other"):
        result = await AGENT.run("one", conversation=Conversation(conversation_id=name))
        await store.save(result, scope=scope)
    await client.change_session(external("c"), {"metadata": metadata})
    await client.change_session(external("c"), {"metadata": {"own": 1}})
    assert "other" in [one.conversation_id for one in await store.list_conversations(scope=scope)]
    loaded = await ChatSessionStore(client).load("c", scope=scope)
    assert loaded
    await store.save(await AGENT.run("two", conversation=loaded), scope=scope)
    listed = await ChatSessionStore(client).list_conversations(scope=scope)
    assert sorted(one.conversation_id for one in listed) == ["c", "other"]
    assert (await client.session(external("c")))["metadata"]["own"] == 1


@pytest.mark.parametrize(
    "part",
    [
        {},
        {"format": MESSAGE},
        {"format": MESSAGE, "body": {"kind": 1}, "metadata": {"parent_id": None}},
    ],
    ids=str,
)
@pytest.mark.parametrize("place", [0, 1, 3])
async def test_an_entry_that_somebody_has_changed_counts_as_removed(
    client: AsyncClient, place: int, part: dict[str, Any]
) -> None:
    await said(ChatSessionStore(client), "c", "one", "two")
    entries = await ChatSessionStore(client).load_entries("c") or []
    await client.put_message(external("c"), external(entries[place].id), garbled(part))
    await client.append(external("c"), [garbled({"format": RECORD, "body": {"x": 1}})])
    left = [one.id for one in entries if one is not entries[place]]
    assert [one.id for one in await ChatSessionStore(client).load_entries("c") or []] == left
    await said(ChatSessionStore(client), "c", "three")
    after = await ChatSessionStore(client).load_entries("c") or []
    assert [one.id for one in after[:-2]] == left


async def test_holes_are_not_filled_from_another_branch(client: AsyncClient) -> None:
    store = ChatSessionStore(client)
    conversation = await said(store, "c", "one", "two")
    left = (await store.load_entries("c") or [])[-1]
    await store.branch("c", at=2, expected_revision=conversation.revision)
    await said(store, "c", "other")
    first_answer = (await orders(client))[1]
    await client.delete_message(external("c"), first_answer)
    loaded = await ChatSessionStore(client).load_entries("c") or []
    texts = [one.message.parts[0].content for one in loaded]  # type: ignore[union-attr]
    assert texts == ["one", "other", "Lisbon."]
    branch = await ChatSessionStore(client).read_history(left.id)
    texts = [one.message.parts[0].content for one in branch]  # type: ignore[union-attr]
    assert texts == ["one", "two", "Lisbon."]


async def test_an_entry_that_is_not_there_is_an_error_of_the_framework(
    client: AsyncClient,
) -> None:
    await said(ChatSessionStore(client), "c", "one")
    with pytest.raises(EntryNotFound) as missing:
        await ChatSessionStore(client).read_entry("none")
    assert isinstance(missing.value, AgentRunError)
    last = (await ChatSessionStore(client).load_entries("c") or [])[-1]
    await client.delete_message(external("c"), external(last.id))
    with pytest.raises(EntryNotFound):
        await ChatSessionStore(client).read_entry(last.id)


async def test_the_text_of_a_prompt_that_is_made_of_parts_is_shown(client: AsyncClient) -> None:
    prompt = ["What is", TextContent("in this \ud800"), ImageUrl("http://x/y.png")]
    result = await AGENT.run(prompt, conversation=Conversation(conversation_id="c"))
    await ChatSessionStore(client).save(result)
    shown = [one["content"] async for one in client.messages(external("c")) if one["content"]]
    assert shown == ["What is\nin this ", "Lisbon."]
    loaded = await ChatSessionStore(client).load("c")
    assert loaded
    assert loaded.messages == result.all_messages()
