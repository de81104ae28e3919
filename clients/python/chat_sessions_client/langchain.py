"""LangChain's agents with a memory, by a middleware; and its `BaseChatMessageHistory`."""

import asyncio
from typing import Annotated, Any, NotRequired
from uuid import uuid4

from langchain.agents.middleware import AgentMiddleware, AgentState
from langchain.agents.middleware.types import ModelRequest, ModelResponse, PrivateStateAttr
from langchain_core.messages import BaseMessage, RemoveMessage
from langgraph.config import get_config
from langgraph.graph.message import REMOVE_ALL_MESSAGES

from chat_sessions_client import Client
from chat_sessions_client.langchain_history import ChatSessionException, ChatSessionHistory
from chat_sessions_client.langchain_messages import is_summary

__all__ = ["ChatSessionException", "ChatSessionHistory", "ChatSessionMiddleware"]


class _State(AgentState[Any]):
    chat_session_ids: NotRequired[Annotated[list[str | None], PrivateStateAttr]]
    """Of the messages that are stored, or were before somebody removed them."""
    chat_session_said: NotRequired[Annotated[list[BaseMessage], PrivateStateAttr]]
    """What is new, as it was before the newest call of the model."""


class ChatSessionMiddleware(AgentMiddleware[_State, Any, Any]):
    """Puts the conversation in front of what an agent is asked, and stores the turn at its end.

    The conversation is `session_id`, or the run's: {"configurable": {"thread_id": ...}}.
    """

    state_schema = _State

    def __init__(self, client: Client, session_id: str | None = None) -> None:
        super().__init__()
        self._client = client
        self._session_id = session_id

    def before_agent(self, state: _State, runtime: Any) -> dict[str, Any]:  # noqa: ARG002
        stored = self._history().messages
        ids = {message.id for message in stored}.union(state.get("chat_session_ids", []))
        everything = [RemoveMessage(id=REMOVE_ALL_MESSAGES), *stored, *_new(state, ids)]
        said = _said(state, ids)
        return {"messages": everything, "chat_session_ids": list(ids), "chat_session_said": said}

    def before_model(self, state: _State, runtime: Any) -> dict[str, Any]:  # noqa: ARG002
        return {"chat_session_said": _said(state, _ids(state))}

    def wrap_model_call(self, request: ModelRequest[Any], handler: Any) -> ModelResponse[Any]:
        return _with_ids_of_their_own(request, handler(request))

    def after_agent(self, state: _State, runtime: Any) -> dict[str, Any]:  # noqa: ARG002
        ids = _ids(state)
        self._history().add_messages(_said(state, ids))
        ids.update(message.id for message in state["messages"])
        return {"chat_session_ids": list(ids), "chat_session_said": []}

    async def abefore_agent(self, state: _State, runtime: Any) -> dict[str, Any]:
        return await asyncio.to_thread(self.before_agent, state, runtime)

    async def awrap_model_call(
        self, request: ModelRequest[Any], handler: Any
    ) -> ModelResponse[Any]:
        return _with_ids_of_their_own(request, await handler(request))

    async def aafter_agent(self, state: _State, runtime: Any) -> dict[str, Any]:
        return await asyncio.to_thread(self.after_agent, state, runtime)

    def _history(self) -> ChatSessionHistory:
        name = self._session_id or get_config().get("configurable", {}).get("thread_id")
        if not name:
            raise ChatSessionException("give a session_id, or a thread_id in the run's config")
        return ChatSessionHistory(str(name), self._client)


def _ids(state: _State) -> set[str | None]:
    return set(state.get("chat_session_ids", []))


def _new(state: _State, ids: set[str | None]) -> list[BaseMessage]:
    return [message for message in state["messages"] if message.id not in ids]


def _said(state: _State, ids: set[str | None]) -> list[BaseMessage]:
    """What is new, and what was so until a summary took its place."""
    new = _new(state, ids)
    before = state.get("chat_session_said", []) if any(map(is_summary, new)) else []
    said = {message.id: message for message in [*before, *new] if not is_summary(message)}
    return [message for message in said.values() if message.id not in ids]


def _with_ids_of_their_own(
    request: ModelRequest[Any], response: ModelResponse[Any]
) -> ModelResponse[Any]:
    """Of messages with one id, an agent's state keeps the last alone."""
    taken = {message.id for message in request.state["messages"]}
    for place, message in enumerate(response.result):
        if message.id in taken:
            response.result[place] = message.model_copy(update={"id": str(uuid4())})
    return response
