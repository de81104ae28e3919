"""LangChain's agents with a memory, by a middleware; and its `BaseChatMessageHistory`."""

import asyncio
from collections.abc import Sequence
from contextlib import suppress
from typing import Annotated, Any, NotRequired
from uuid import uuid4

from langchain.agents.middleware import AgentMiddleware, AgentState
from langchain.agents.middleware.types import ModelRequest, ModelResponse, PrivateStateAttr
from langchain_core.chat_history import BaseChatMessageHistory
from langchain_core.exceptions import LangChainException
from langchain_core.messages import BaseMessage, RemoveMessage
from langgraph.config import get_config
from langgraph.graph.message import REMOVE_ALL_MESSAGES

from chat_sessions_client import Client, external
from chat_sessions_client.batches import batches
from chat_sessions_client.errors import NotFound, SessionNotFound, raising
from chat_sessions_client.langchain_messages import messages_of, stored_of


class ChatSessionException(LangChainException):
    """The service refuses, or cannot be reached."""


class ChatSessionHistory(BaseChatMessageHistory):
    """The messages of a conversation, under the external id `session_id`."""

    def __init__(self, session_id: str, client: Client) -> None:
        self._name = session_id
        self._session = external(session_id)
        self._client = client

    @property
    def messages(self) -> list[BaseMessage]:  # type: ignore[override]
        with raising(ChatSessionException), suppress(NotFound):
            stored = self._client.messages(self._session, limit=200)
            return [message for one in stored for message in messages_of(one)]
        return []

    def add_messages(self, messages: Sequence[BaseMessage]) -> None:
        """Those whose ids are there already are left as they are."""
        with raising(ChatSessionException):
            for batch in batches(map(stored_of, messages)):
                try:
                    self._client.append(self._session, batch, create=True, existing="keep")
                except SessionNotFound:  # the service tells here what is wrong with the id
                    self._client.create_session(external_id=self._name, existing="keep")
                    self._client.append(self._session, batch, existing="keep")

    def clear(self) -> None:
        with raising(ChatSessionException), suppress(NotFound):
            self._client.clear_messages(self._session)


class _State(AgentState[Any]):
    chat_session_ids: NotRequired[Annotated[list[str | None], PrivateStateAttr]]
    """Of the messages that are stored, or were before somebody removed them."""


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
        asked = [message for message in state["messages"] if message.id not in ids]
        everything = [RemoveMessage(id=REMOVE_ALL_MESSAGES), *stored, *asked]
        return {"messages": everything, "chat_session_ids": list(ids)}

    def wrap_model_call(self, request: ModelRequest[Any], handler: Any) -> ModelResponse[Any]:
        return _with_ids_of_their_own(request, handler(request))

    def after_agent(self, state: _State, runtime: Any) -> dict[str, Any]:  # noqa: ARG002
        ids = state.get("chat_session_ids", [])
        new = [message for message in state["messages"] if message.id not in ids]
        self._history().add_messages(new)
        return {"chat_session_ids": [*ids, *(message.id for message in new)]}

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


def _with_ids_of_their_own(
    request: ModelRequest[Any], response: ModelResponse[Any]
) -> ModelResponse[Any]:
    """Of messages with one id, an agent's state keeps the last alone."""
    taken = {message.id for message in request.state["messages"]}
    for place, message in enumerate(response.result):
        if message.id in taken:
            response.result[place] = message.model_copy(update={"id": str(uuid4())})
    return response
