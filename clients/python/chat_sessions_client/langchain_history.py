"""LangChain's `BaseChatMessageHistory` of a conversation."""

from collections.abc import Sequence
from contextlib import suppress

from langchain_core.chat_history import BaseChatMessageHistory
from langchain_core.exceptions import LangChainException
from langchain_core.messages import BaseMessage

from chat_sessions_client import Client, external
from chat_sessions_client.batches import batches
from chat_sessions_client.errors import SessionNotFound, raising
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
        with raising(ChatSessionException), suppress(SessionNotFound):
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
        with raising(ChatSessionException), suppress(SessionNotFound):
            self._client.clear_messages(self._session)
