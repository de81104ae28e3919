"""Strands' `SessionRepository`, for its `RepositorySessionManager`."""

from contextlib import suppress
from typing import Any, Literal

from strands.multiagent import MultiAgentBase
from strands.session.session_repository import SessionRepository
from strands.types.exceptions import SessionException
from strands.types.session import Session, SessionAgent, SessionMessage, SessionType

from chat_sessions_client import Client, external
from chat_sessions_client import strands_shapes as shapes
from chat_sessions_client.batches import batches
from chat_sessions_client.errors import ABSENT, MessageExists, SessionNotFound, raising
from chat_sessions_client.shapes import JsonObject, MessageCreate

Keep = Literal["keep"] | None


class ChatSessionRepository(SessionRepository):
    """Each session has its id as the external id; agents' messages are named for their agent.

    An agent's state is a message of the role `system` without text. Where the service refuses or
    cannot be reached, that is a SessionException.
    """

    def __init__(self, client: Client) -> None:
        self._client = client

    def create_session(self, session: Session, **_: Any) -> Session:
        """One that another process has created meanwhile is the same."""
        name, metadata = session.session_id, {"strands": session.to_dict()}
        with raising(SessionException):
            self._client.create_session(external_id=name, metadata=metadata, existing="keep")
        return session

    def read_session(self, session_id: str, **_: Any) -> Session | None:
        with raising(SessionException), suppress(SessionNotFound):
            stored = self._client.session(external(session_id))["metadata"].get("strands")
            known = {"session_id": session_id, "session_type": SessionType.AGENT}
            return Session.from_dict({**(stored if isinstance(stored, dict) else {}), **known})
        return None

    def create_agent(self, session_id: str, session_agent: SessionAgent, **_: Any) -> None:
        """One that another process has created meanwhile is left as it is, if it is one."""
        state = shapes.agent_state(session_agent)
        self._create(session_id, state, existing="keep")
        if shapes.is_broken(self._read(session_id, f"agent/{session_agent.agent_id}")):
            self._put(session_id, state)

    def read_agent(self, session_id: str, agent_id: str, **_: Any) -> SessionAgent | None:
        return shapes.agent_of(self._read(session_id, f"agent/{agent_id}"))

    def update_agent(self, session_id: str, session_agent: SessionAgent, **_: Any) -> None:
        """One that somebody has removed meanwhile comes back."""
        self._put(session_id, shapes.agent_state(session_agent))

    def create_message(
        self, session_id: str, agent_id: str, session_message: Any, **_: Any
    ) -> None:
        """One whose number another process has given meanwhile gets the next."""
        try:
            self._create(session_id, shapes.said(agent_id, session_message))
        except SessionException as error:
            if not isinstance(error.__cause__, MessageExists):
                raise
            given = (one.message_id for one in self.list_messages(session_id, agent_id))
            session_message.message_id = max(given, default=session_message.message_id) + 1
            self.create_message(session_id, agent_id, session_message)

    def read_message(
        self, session_id: str, agent_id: str, message_id: int, **_: Any
    ) -> SessionMessage | None:
        return shapes.read(self._read(session_id, f"message/{agent_id}/{message_id}"))

    def update_message(
        self, session_id: str, agent_id: str, session_message: Any, **_: Any
    ) -> None:
        if self.read_message(session_id, agent_id, session_message.message_id) is None:
            raise SessionException(f"There is no such message in session {session_id}.")
        self._put(session_id, shapes.said(agent_id, session_message))

    def list_messages(
        self, session_id: str, agent_id: str, limit: int | None = None, offset: int = 0, **_: Any
    ) -> list[SessionMessage]:
        """As they were stored: that is by their numbers, unless somebody has removed some."""
        found: list[SessionMessage] = []
        with raising(SessionException), suppress(SessionNotFound):
            for one in self._client.messages(external(session_id), limit=200):
                found += shapes.of_agent(agent_id, one)
        return found[offset:] if limit is None else found[offset : offset + limit]

    def create_multi_agent(self, session_id: str, multi_agent: MultiAgentBase, **_: Any) -> None:
        self._create(session_id, shapes.shared_state(multi_agent), existing="keep")

    def read_multi_agent(self, session_id: str, multi_agent_id: str, **_: Any) -> JsonObject | None:
        return self._read(session_id, f"multi-agent/{multi_agent_id}") or None

    def update_multi_agent(self, session_id: str, multi_agent: MultiAgentBase, **_: Any) -> None:
        self._put(session_id, shapes.shared_state(multi_agent))

    def _create(self, session_id: str, message: MessageCreate, existing: Keep = None) -> None:
        with raising(SessionException):
            for batch in batches([message]):
                self._client.append(external(session_id), batch, existing=existing)

    def _read(self, session_id: str, name: str) -> JsonObject | None:
        with raising(SessionException), suppress(*ABSENT):
            return self._client.message(external(session_id), external(name))["body"] or {}
        return None

    def _put(self, session_id: str, message: MessageCreate) -> None:
        """What is replaced keeps the time of its making."""
        name = str(message["external_id"])
        body, old = message["body"] or {}, self._read(session_id, name) or {}
        kept = {"created_at": old["created_at"]} if "created_at" in old else {}
        changed: MessageCreate = {**message, "body": {**body, **kept}}
        with raising(SessionException):
            self._client.put_message(external(session_id), external(name), changed)
