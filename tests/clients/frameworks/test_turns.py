"""Through each adapter nothing is doubled and nothing lost, whatever happens on the way."""

import threading
from concurrent.futures import ThreadPoolExecutor
from uuid import uuid4

import pytest
from chat_sessions_client import AsyncClient, Client, Retries

from tests.clients.frameworks.server_turns import SERVER_TURNS
from tests.clients.frameworks.service import Service
from tests.clients.frameworks.turns import TURNS, Turn
from tests.clients.losing_proxy import LosingProxy

ODD = "one \0 \ud800 \N{GRINNING FACE} " + "x" * 1000
"""With what the text of a message may not have."""

QUICK = Retries(first_pause=0.01, longest_pause=0.02)
PATIENT = Retries(attempts=30, first_pause=0.2, longest_pause=0.5)


@pytest.fixture(params=TURNS | SERVER_TURNS)
def turn(request: pytest.FixtureRequest) -> Turn:
    return (TURNS | SERVER_TURNS)[request.param]


def said(*asked: str) -> list[str]:
    return [text for one in asked for text in (one, f"to {one}")]


def clients(url: str, token: str, retries: Retries | None = None) -> tuple[Client, AsyncClient]:
    return Client(url, token, retries=retries), AsyncClient(url, token, retries=retries)


def test_a_conversation_is_remembered(service: Service, turn: Turn) -> None:
    """By processes that know its name alone; another's of that name is another."""
    name = str(uuid4())
    both = clients(service.url, service.token("alice"))
    # ChatKit's own server takes no lone surrogate.
    odd = ODD.replace("\ud800", "") if turn is SERVER_TURNS["ChatKit"] else ODD
    assert turn(*both, name, odd) == said(odd)
    assert turn(*both, name, "two") == said(odd, "two")
    assert turn(*both, f"{name} 2", "three") == said("three")
    assert turn(*clients(service.url, service.token("bob")), name, "four") == said("four")


def test_what_is_stored_can_be_read_by_every_client(service: Service, turn: Turn) -> None:
    name = str(uuid4())
    client, asynchronous = clients(service.url, service.token("alice"))
    turn(client, asynchronous, name, "one")
    (session,) = [one for one in client.sessions() if name in (one["external_id"] or "")]
    shown = [m for m in client.messages(session["id"], view="text") if m["content"]]
    assert [(m["role"], m["content"]) for m in shown] == [("user", "one"), ("assistant", "to one")]


@pytest.mark.parametrize("times", [1, 3])
def test_lost_answers_double_nothing(
    service: Service, proxy: LosingProxy, turn: Turn, times: int
) -> None:
    name = str(uuid4())
    both = clients(proxy.url, service.token("alice"), QUICK)
    turn(*both, name, "one")
    proxy.lose(*(["POST", "PUT", "GET"] * times))
    assert turn(*both, name, "two") == said("one", "two")
    assert len(proxy.lost) >= 2


def test_a_service_that_is_restarted_loses_nothing(service: Service, turn: Turn) -> None:
    """It is killed while turns are taken."""
    name = str(uuid4())
    both = clients(service.url, service.token("alice"), PATIENT)
    asked = [str(number) for number in range(6)]
    turn(*both, name, asked[0])
    restart = threading.Thread(target=service.restart)
    restart.start()
    for one in asked[1:]:
        remembered = turn(*both, name, one)
    restart.join()
    assert remembered == said(*asked)


def test_two_writers_lose_nothing(service: Service, turn: Turn) -> None:
    """What they say is there once, each one's own in its order."""
    name = str(uuid4())
    token = service.token("alice")
    turn(*clients(service.url, token), name, "first")

    def write(writer: str) -> list[str]:
        both = clients(service.url, token)
        asked = [f"{writer}{number}" for number in range(4)]
        for one in asked:
            turn(*both, name, one)
        return said(*asked)

    with ThreadPoolExecutor() as pool:
        written = list(pool.map(write, ["a", "b"]))
    remembered = turn(*clients(service.url, token), name, "last")
    assert sorted(remembered) == sorted([*said("first", "last"), *written[0], *written[1]])
    for one in written:
        assert [text for text in remembered if text in one] == one
