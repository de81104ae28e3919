"""Strands' repository, where several processes and other clients use a session."""

import math
from concurrent.futures import ThreadPoolExecutor
from contextlib import nullcontext
from threading import Barrier
from typing import Any
from uuid import uuid4

import pytest
from chat_sessions_client import Client, external
from chat_sessions_client.strands import ChatSessionRepository
from chat_sessions_client.strands_shapes import MESSAGE, STATE
from strands import Agent
from strands.session.repository_session_manager import RepositorySessionManager
from strands.types.exceptions import SessionException
from strands.types.session import SessionAgent, SessionMessage

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


TEXT: Any = {"role": "user", "content": [{"text": "x"}]}
NO_USES: list[Any] = [None, {}, {"toolUseId": 1}]
NO_MESSAGES: list[Any] = [
    5,
    {},
    {"content": [{"text": "x"}]},
    {"role": "pirate", "content": [{"text": "x"}]},
    *({"role": "user", "content": content} for content in (5, [5], [None], ["text"])),
    {"role": "user", "content": [{"text": 5}]},
    *({"role": "assistant", "content": [{"toolUse": use}]} for use in NO_USES),
    *({"role": "user", "content": [{"toolResult": result}]} for result in NO_USES),
]


@pytest.mark.parametrize("metadata", [{"strands": "hello"}, {"strands": {"session_type": 5}}, {}])
def test_a_session_of_another_client_is_one(client: Client, metadata: Any) -> None:
    """Its messages are those of no agent, and are passed over; so is what is none of Strands'."""
    name = str(uuid4())
    odd = {"role": "user", "content": "", "name": "a", "format": MESSAGE}
    bodies: list[Any] = [
        {"a": 1},
        {"message_id": "x", "message": {"role": "user", "content": []}},
        *({"message_id": 0, "message": message} for message in NO_MESSAGES),
        *({"message_id": 0, "message": TEXT, "redact_message": one} for one in NO_MESSAGES),
    ]
    said: Any = [{"role": "user", "content": "from a phone"}, *({**odd, "body": b} for b in bodies)]
    client.create_session(external_id=name, metadata=metadata, messages=said)
    agent(ChatSessionRepository(client), name)("hi")
    assert len(agent(ChatSessionRepository(client), name).messages) == 2
    shown = [one["content"] for one in client.messages(external(name)) if one["content"]]
    assert shown == ["from a phone", "hi", "hello"]


def test_a_message_that_others_have_made_none_is_none(client: Client) -> None:
    name, repository = str(uuid4()), ChatSessionRepository(client)
    agent(repository, name)("hi")
    odd: Any = {"role": "user", "content": "", "name": "a", "format": MESSAGE, "body": {"a": 1}}
    client.put_message(external(name), external("message/a/0"), odd)
    assert repository.read_message(name, "a", 0) is None
    with pytest.raises(SessionException):
        repository.update_message(name, "a", SessionMessage.from_message(TEXT, 0))


@pytest.mark.parametrize(
    "state",
    [
        None,
        {},
        {"x": 1},
        {"agent_id": "a", "state": None, "conversation_manager_state": None},
        {"agent_id": "a", "state": [1], "conversation_manager_state": {}},
    ],
    ids=str,
)
def test_a_state_that_others_have_made_none_is_begun_anew(client: Client, state: Any) -> None:
    name, repository = str(uuid4()), ChatSessionRepository(client)
    agent(repository, name)("q0")
    odd: Any = {"role": "system", "content": "", "format": STATE, "body": state}
    client.put_message(external(name), external("agent/a"), odd)
    assert repository.read_agent(name, "a") is None
    agent(repository, name)("q1")
    assert texts(agent(repository, name)) == ["q0", "hello", "q1", "hello"]


@pytest.mark.parametrize(
    ("manager", "said"),
    [({"__name__": "SlidingWindowConversationManager"}, ["q0", "hello"]), ({}, None)],
    ids=str,
)
def test_a_state_is_kept_whatever_its_manager_lacks(
    client: Client, manager: Any, said: Any
) -> None:
    """Without its name it is Strands' to refuse."""
    name, repository = str(uuid4()), ChatSessionRepository(client)
    agent(repository, name)("q0")
    kept = SessionAgent("a", {"plan": "Lisbon"}, manager).to_dict()
    odd: Any = {"role": "system", "content": "", "format": STATE, "body": kept}
    client.put_message(external(name), external("agent/a"), odd)
    with nullcontext() if said else pytest.raises(ValueError, match="manager"):
        assert texts(agent(repository, name)) == said
    found = repository.read_agent(name, "a")
    assert found
    assert found.state == {"plan": "Lisbon"}


def test_what_json_cannot_hold_costs_no_turn(client: Client) -> None:
    name, repository = str(uuid4()), ChatSessionRepository(client)
    agent(repository, name)
    odd: Any = {"score": math.nan, (1, 2): {3}}
    result = {"toolUseId": "1", "status": "success", "content": [{"json": odd}]}
    said: list[Any] = [{"text": None}, {"toolResult": result}]
    repository.create_message(
        name, "a", SessionMessage.from_message({"role": "user", "content": said}, 0)
    )
    record = SessionAgent(agent_id="a", state=odd, conversation_manager_state={})
    repository.update_agent(name, record)
    (found,) = repository.list_messages(name, "a")
    plain = {"score": "NaN", "(1, 2)": [3]}
    assert found.message["content"][1]["toolResult"]["content"] == [{"json": plain}]
    kept = repository.read_agent(name, "a")
    assert kept
    assert kept.state == plain


def test_what_is_said_after_others_cleared_a_session_is_in_its_order(client: Client) -> None:
    """And a live agent's state comes back when it changes."""
    name, repository = str(uuid4()), ChatSessionRepository(client)
    live = agent(repository, name)
    live("q0")
    client.clear_messages(external(name))
    live("q1")
    live.state.set("colour", "red")
    live("q2")
    assert texts(agent(repository, name)) == ["q1", "hello", "q2", "hello"]
    kept = repository.read_agent(name, "a")
    assert kept
    assert kept.state == {"colour": "red"}
    client.clear_messages(external(name))
    live("q3")
    for number in range(4, 8):
        agent(repository, name)(f"q{number}")
    said = [text for number in range(3, 8) for text in (f"q{number}", "hello")]
    assert texts(agent(repository, name)) == said


def test_an_agent_that_is_created_again_is_the_first(client: Client) -> None:
    name, repository = str(uuid4()), ChatSessionRepository(client)
    agent(repository, name)
    for number in range(2):
        state = {"number": number}
        repository.create_agent(
            name, SessionAgent(agent_id="b", state=state, conversation_manager_state={})
        )
    kept = repository.read_agent(name, "b")
    assert kept
    assert kept.state == {"number": 0}


def texts(agent: Agent) -> list[str]:
    return [message["content"][0]["text"] for message in agent.messages]


def test_what_cannot_be_stored_is_theirs_to_tell(client: Client) -> None:
    name = str(uuid4())
    begun = agent(ChatSessionRepository(client), name)
    begun.messages.clear()
    with pytest.raises(SessionException):
        begun("x" * 300_000)
