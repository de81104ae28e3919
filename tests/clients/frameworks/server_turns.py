"""A turn through each adapter whose framework runs on a server of its own kind."""

import asyncio
import json
from collections.abc import AsyncIterator, Awaitable
from contextlib import suppress
from datetime import UTC, datetime
from typing import Any

from agent_framework import Agent, BaseChatClient, ChatResponse, Message
from chat_sessions_client import AsyncClient, Client
from chat_sessions_client.agent_framework import ChatHistoryProvider
from chat_sessions_client.chatkit import ChatStore
from chat_sessions_client.google_adk import ChatSessionService
from chatkit.server import ChatKitServer, StreamingResult
from chatkit.store import NotFoundError
from chatkit.types import (
    AssistantMessageContent,
    AssistantMessageItem,
    ThreadItemDoneEvent,
    ThreadMetadata,
    ThreadStreamEvent,
    UserMessageItem,
)
from google.adk.agents import LlmAgent
from google.adk.errors import StaleSessionError
from google.adk.errors.already_exists_error import AlreadyExistsError
from google.adk.events import Event
from google.adk.models import BaseLlm, LlmRequest, LlmResponse
from google.adk.runners import Runner
from google.genai import types

from tests.clients.frameworks.turns import Turn


class Answering(BaseLlm):
    """Answers what was asked last."""

    async def generate_content_async(
        self, llm_request: LlmRequest, *_: Any, **__: Any
    ) -> AsyncIterator[LlmResponse]:
        asked = llm_request.contents[-1].parts[-1].text
        part = types.Part(text=f"to {asked}")
        yield LlmResponse(content=types.Content(role="model", parts=[part]))


def google_adk(_: Client, client: AsyncClient, name: str, asked: str) -> list[str]:
    """Whoever is overtaken goes on from what is there: it may have the question already."""
    agent = LlmAgent(name="test", model=Answering(model="none"), output_key="app:last")
    names = {"app_name": "app", "user_id": "user", "session_id": name}

    async def turn() -> list[str]:
        sessions = ChatSessionService(client)
        runner = Runner(
            app_name="app", agent=agent, session_service=sessions, auto_create_session=True
        )
        message = types.Content(role="user", parts=[types.Part(text=asked)])
        with suppress(StaleSessionError, AlreadyExistsError):
            async for _ in runner.run_async(user_id="user", session_id=name, new_message=message):
                pass
        answer = types.Content(role="model", parts=[types.Part(text=f"to {asked}")])
        while True:
            session: Any = await sessions.get_session(**names)
            texts = [event.content.parts[0].text for event in session.events]
            missing = [one for one in (message, answer) if one.parts[0].text not in texts]
            if not missing:
                assert session.state["app:last"].startswith("to ")
                return texts
            with suppress(StaleSessionError):
                author = "user" if missing[0] is message else "test"
                await sessions.append_event(session, Event(author=author, content=missing[0]))

    return asyncio.run(turn())


class Echo(BaseChatClient):
    def _inner_get_response(self, *, messages: list[Message], **_: Any) -> Awaitable[ChatResponse]:
        async def answer() -> ChatResponse:
            return ChatResponse(messages=[Message("assistant", [f"to {messages[-1].text}"])])

        return answer()


def agent_framework(_: Client, client: AsyncClient, name: str, asked: str) -> list[str]:
    async def turn() -> list[str]:
        provider = ChatHistoryProvider(client)
        agent = Agent(client=Echo(), context_providers=[provider])
        await agent.run(asked, session=agent.create_session(session_id=name))
        return [message.text for message in await provider.get_messages(name)]

    return asyncio.run(turn())


class Server(ChatKitServer[None]):
    async def respond(
        self, thread: ThreadMetadata, input_user_message: UserMessageItem | None, context: None
    ) -> AsyncIterator[ThreadStreamEvent]:
        assert input_user_message
        text = input_user_message.content[0].text
        yield ThreadItemDoneEvent(
            item=AssistantMessageItem(
                id=self.store.generate_item_id("message", thread, context),
                thread_id=thread.id,
                created_at=datetime.now(tz=UTC),
                content=[AssistantMessageContent(text=f"to {text}")],
            )
        )


def chatkit(_: Client, client: AsyncClient, name: str, asked: str) -> list[str]:
    class Named(ChatStore):
        def generate_thread_id(self, _: None) -> str:
            return name

    async def turn() -> list[str]:
        server = Server(Named(client))
        content = [{"type": "input_text", "text": asked}]
        said = {"content": content, "attachments": [], "inference_options": {}}
        try:
            await server.store.load_thread(name, None)
            kind, params = "threads.add_user_message", {"thread_id": name, "input": said}
        except NotFoundError:
            kind, params = "threads.create", {"input": said}
        result = await server.process(json.dumps({"type": kind, "params": params}), None)
        assert isinstance(result, StreamingResult)
        async for event in result:
            assert b'"error"' not in event, event
        page = await server.store.load_thread_items(name, None, 1000, "asc", None)
        return [item.content[0].text for item in page.data]

    return asyncio.run(turn())


SERVER_TURNS: dict[str, Turn] = {
    "Agent Framework": agent_framework,
    "ChatKit": chatkit,
    "Google ADK": google_adk,
}
