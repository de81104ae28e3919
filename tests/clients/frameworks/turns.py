"""A turn of a conversation through each adapter, and what its framework then remembers."""

import asyncio
from collections.abc import Callable, Iterable
from contextlib import suppress
from typing import Any
from uuid import uuid4

from agents import Agent, Runner
from agents.testing import ScriptedModel
from chat_sessions_client import AsyncClient, Client
from chat_sessions_client.langchain import ChatSessionHistory, ChatSessionMiddleware
from chat_sessions_client.openai_agents import ChatSession
from chat_sessions_client.pydantic_ai import ChatSessionStore
from chat_sessions_client.strands import ChatSessionRepository
from langchain.agents import create_agent
from langchain_core.language_models.fake_chat_models import GenericFakeChatModel
from langchain_core.messages import AIMessage
from openai.types.responses import ResponseOutputMessage, ResponseOutputText
from pydantic_ai import Agent as PydanticAgent
from pydantic_ai.conversation import Conversation
from pydantic_ai.conversation_store import ConversationConflict
from pydantic_ai.models.test import TestModel
from strands import Agent as StrandsAgent
from strands.models import Model as StrandsModel
from strands.session.repository_session_manager import RepositorySessionManager

Turn = Callable[[Client, AsyncClient, str, str], list[str]]
"""Ask in a conversation, as a process does that knows no more than its name, and tell what is
remembered of it afterwards: what was asked and answered, in turn."""


def openai_agents(_: Client, client: AsyncClient, name: str, asked: str) -> list[str]:
    model = ScriptedModel()
    text = ResponseOutputText(text=f"to {asked}", type="output_text", annotations=[], logprobs=[])
    answer = ResponseOutputMessage(
        id=str(uuid4()), type="message", role="assistant", status="completed", content=[text]
    )
    model.enqueue([answer])

    async def turn() -> list[Any]:
        session = ChatSession(name, client)
        await Runner.run(Agent(name="test", model=model), asked, session=session)
        return list(await ChatSession(name, client).get_items())

    items = asyncio.run(turn())
    return [
        i["content"] if isinstance(i["content"], str) else i["content"][0]["text"] for i in items
    ]


class Scripted(StrandsModel):
    """Answers with what it is told."""

    def __init__(self, answer: str) -> None:
        self._answer = answer

    def update_config(self, **_: Any) -> None: ...

    def get_config(self) -> dict[str, Any]:
        return {}

    async def structured_output(self, *_: Any, **__: Any) -> Any:
        raise AssertionError("no test asks for it")
        yield

    async def stream(self, *_: Any, **__: Any) -> Any:
        yield {"messageStart": {"role": "assistant"}}
        yield {"contentBlockDelta": {"delta": {"text": self._answer}}}
        yield {"contentBlockStop": {}}
        yield {"messageStop": {"stopReason": "end_turn"}}


def strands(client: Client, _: AsyncClient, name: str, asked: str) -> list[str]:
    def agent() -> StrandsAgent:
        manager = RepositorySessionManager(name, ChatSessionRepository(client))
        return StrandsAgent(
            model=Scripted(f"to {asked}"),
            session_manager=manager,
            agent_id="test",
            callback_handler=None,
        )

    agent()(asked)
    return [_text(message["content"]) for message in agent().messages]


def langchain(client: Client, _: AsyncClient, name: str, asked: str) -> list[str]:
    model = GenericFakeChatModel(messages=iter([AIMessage(f"to {asked}")]))
    agent = create_agent(model, tools=[], middleware=[ChatSessionMiddleware(client)])
    agent.invoke({"messages": [("user", asked)]}, {"configurable": {"thread_id": name}})
    return [str(message.text) for message in ChatSessionHistory(name, client).messages]


def pydantic_ai(_: Client, client: AsyncClient, name: str, asked: str) -> list[str]:
    """Whoever comes second asks again, as the store's documentation says."""
    agent = PydanticAgent(TestModel(custom_output_text=f"to {asked}"))

    async def turn() -> list[Any]:
        store = ChatSessionStore(client)
        while True:
            conversation = await store.load(name) or Conversation(conversation_id=name)
            result = await agent.run(asked, conversation=conversation)
            with suppress(ConversationConflict):
                await store.save(result)
                return await ChatSessionStore(client).load_entries(name) or []

    return [str(entry.message.parts[0].content) for entry in asyncio.run(turn())]


def _text(parts: Iterable[Any]) -> str:
    return "".join(part["text"] for part in parts)


TURNS: dict[str, Turn] = {
    "OpenAI Agents SDK": openai_agents,
    "Strands": strands,
    "LangChain": langchain,
    "Pydantic AI": pydantic_ai,
}
