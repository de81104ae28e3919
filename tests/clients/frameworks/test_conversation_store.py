"""Pydantic AI's store does what its own in memory does, whose tests no archive holds."""

from collections.abc import Callable
from uuid import uuid4

import pytest
from chat_sessions_client import AsyncClient
from chat_sessions_client.pydantic_ai import ChatSessionStore
from pydantic_ai import Agent
from pydantic_ai.conversation import Conversation
from pydantic_ai.conversation_store import (
    ConversationConflict,
    ConversationStore,
    InMemoryConversationStore,
)
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
