"""That there is none is what the service alone says, and no proxy's 404 in front of it."""

from collections.abc import Callable
from inspect import isawaitable
from typing import Any
from uuid import uuid4

import pytest
from agent_framework.exceptions import AgentException
from agents.exceptions import UserError
from chat_sessions_client import AsyncClient, Client, errors
from chat_sessions_client.agent_framework import ChatHistoryProvider
from chat_sessions_client.chatkit import ChatStore
from chat_sessions_client.google_adk import ChatSessionService
from chat_sessions_client.langchain import ChatSessionException, ChatSessionHistory
from chat_sessions_client.openai_agents import ChatSession
from chat_sessions_client.pydantic_ai import ChatSessionStore
from chat_sessions_client.strands import ChatSessionRepository
from pydantic_ai.exceptions import AgentRunError
from strands.types.exceptions import SessionException
from strands.types.session import SessionAgent

from tests.clients.frameworks.service import Service
from tests.clients.losing_proxy import LosingProxy

NO_BACKEND = b"HTTP/1.1 404 Not Found\r\nContent-Length: 21\r\n\r\ndefault backend - 404"
ADK = {"app_name": "app", "user_id": "u", "session_id": "s"}

Call = Callable[[Any, str], Any]
OF_A_CLIENT: dict[str, tuple[type[Exception], Call]] = {
    "LangChain: read": (ChatSessionException, lambda c, n: ChatSessionHistory(n, c).messages),
    "LangChain: clear": (ChatSessionException, lambda c, n: ChatSessionHistory(n, c).clear()),
    "Strands: session": (SessionException, lambda c, n: ChatSessionRepository(c).read_session(n)),
    "Strands: agent": (SessionException, lambda c, n: ChatSessionRepository(c).read_agent(n, "a")),
    "Strands: all": (SessionException, lambda c, n: ChatSessionRepository(c).list_messages(n, "a")),
}
OF_AN_ASYNC_CLIENT: dict[str, tuple[type[Exception], Call]] = {
    "Agents SDK: read": (UserError, lambda c, n: ChatSession(n, c).get_items()),
    "Agents SDK: pop": (UserError, lambda c, n: ChatSession(n, c).pop_item()),
    "Agents SDK: clear": (UserError, lambda c, n: ChatSession(n, c).clear_session()),
    "ChatKit: read": (errors.NotFound, lambda c, n: ChatStore(c).load_thread(n, None)),
    "ChatKit: page": (errors.NotFound, lambda c, _: ChatStore(c).load_threads(5, None, "", None)),
    "ChatKit: item": (errors.NotFound, lambda c, n: ChatStore(c).delete_thread_item(n, "i", None)),
    "ChatKit: delete": (errors.NotFound, lambda c, n: ChatStore(c).delete_thread(n, None)),
    "Pydantic AI: read": (AgentRunError, lambda c, n: ChatSessionStore(c).load(n)),
    "Pydantic AI: delete": (
        AgentRunError,
        lambda c, n: ChatSessionStore(c).delete_record(n, expected_revision="r"),
    ),
    "Agent Framework": (
        AgentException,
        lambda c, n: ChatHistoryProvider(c).get_messages(n),
    ),
    "ADK: read": (errors.NotFound, lambda c, _: ChatSessionService(c).get_session(**ADK)),
    "ADK: delete": (errors.NotFound, lambda c, _: ChatSessionService(c).delete_session(**ADK)),
}
CALLS = OF_A_CLIENT | OF_AN_ASYNC_CLIENT


@pytest.mark.parametrize("what", CALLS)
async def test_a_404_of_a_proxy_is_told(service: Service, proxy: LosingProxy, what: str) -> None:
    """Be it without a backend for a moment, or at a path where there is no service."""
    error, call = CALLS[what]
    make = Client if what in OF_A_CLIENT else AsyncClient
    name, token = str(uuid4()), service.token("absence")
    for url in (proxy.url, f"{service.url}/chat"):
        proxy.lose("GET", instead=NO_BACKEND)
        with pytest.raises(error, match="404 Not Found") as told:  # noqa: PT012 - it may be to come
            result = call(make(url, token), name)
            if isawaitable(result):
                await result
        assert type(told.value) in {error, errors.RouteNotFound}


def test_a_state_that_a_proxy_hides_is_not_begun_anew(service: Service, proxy: LosingProxy) -> None:
    name, token = str(uuid4()), service.token("absence")
    client = Client(service.url, token)
    repository = ChatSessionRepository(client)
    client.create_session(external_id=name)
    repository.create_agent(name, SessionAgent("a", {"plan": "Lisbon"}, {}))
    proxy.lose("GET", instead=NO_BACKEND)
    with pytest.raises(SessionException):
        ChatSessionRepository(Client(proxy.url, token)).create_agent(
            name, SessionAgent("a", {}, {})
        )
    kept = repository.read_agent(name, "a")
    assert kept
    assert kept.state == {"plan": "Lisbon"}
