"""Strands' repository, where several processes and other clients use a session."""

from concurrent.futures import ThreadPoolExecutor
from threading import Barrier
from typing import Any
from uuid import uuid4

import pytest
from chat_sessions_client import Client, external
from chat_sessions_client.strands import ChatSessionRepository
from strands import Agent
from strands.session.repository_session_manager import RepositorySessionManager
from strands.types.exceptions import SessionException

from tests.clients.frameworks.service import Service
from tests.clients.frameworks.turns import Scripted

WRITERS = 4


@pytest.fixture
def client(service: Service) -> Client:
    return Client(service.url, service.token("strands"))


class Waiting(ChatSessionRepository):
    """Goes on once all have seen that there is no session."""

    together = Barrier(WRITERS)

    def read_session(self, session_id: str, **more: Any) -> Any:
        found = super().read_session(session_id, **more)
        self.together.wait(timeout=60)
        return found


def agent(repository: ChatSessionRepository, name: str) -> Agent:
    manager = RepositorySessionManager(name, repository)
    return Agent(
        model=Scripted("hello"), agent_id="a", session_manager=manager, callback_handler=None
    )


def test_several_begin_a_session_at_once(client: Client) -> None:
    name = str(uuid4())

    def begin(number: int) -> None:
        agent(Waiting(client), name)(f"q{number}")

    with ThreadPoolExecutor(WRITERS) as pool:
        list(pool.map(begin, range(WRITERS)))
    said = [
        one["content"][0]["text"] for one in agent(ChatSessionRepository(client), name).messages
    ]
    asked = [f"q{number}" for number in range(WRITERS)]
    assert sorted(said) == sorted([*asked, *["hello"] * WRITERS])


@pytest.mark.parametrize("metadata", [{"strands": "hello"}, {"strands": {"session_type": 5}}, {}])
def test_a_session_of_another_client_is_one(client: Client, metadata: Any) -> None:
    """Its messages are those of no agent, and are passed over."""
    name = str(uuid4())
    said: Any = [{"role": "user", "content": "from a phone"}]
    client.create_session(external_id=name, metadata=metadata, messages=said)
    agent(ChatSessionRepository(client), name)("hi")
    assert len(agent(ChatSessionRepository(client), name).messages) == 2
    shown = [one["content"] for one in client.messages(external(name)) if one["content"]]
    assert shown == ["from a phone", "hi", "hello"]


def test_what_cannot_be_stored_is_theirs_to_tell(client: Client) -> None:
    name = str(uuid4())
    begun = agent(ChatSessionRepository(client), name)
    begun.messages.clear()
    with pytest.raises(SessionException):
        begun("x" * 300_000)
