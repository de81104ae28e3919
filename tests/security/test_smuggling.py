"""Requests hidden in a message that can be read in two ways, sent as they stand."""

import socket
from collections.abc import Iterator

import pytest

from tests.serving import Served, serving
from tests.smuggling import Smuggler, answers, statuses
from tests.tally import Tally
from tests.waiting import WAIT_SECONDS

LAST = b"GET /livez HTTP/1.1\r\nHost: 127.0.0.1\r\nConnection: close\r\n\r\n"
"""A request after which the connection ends."""

WAITED_FOR = 408
"""The answer to what was not refused, but may still have become a message."""


@pytest.fixture(scope="module")
def served(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Served]:
    folder = tmp_path_factory.mktemp("smuggled")
    with serving(folder, CHAT_SESSIONS_RATE_LIMITS="off") as service:
        yield service


@pytest.fixture
def smuggler(served: Served) -> Smuggler:
    return Smuggler("127.0.0.1", served.client().headers["authorization"])


def carried_out(served: Served) -> int:
    with served.client() as client:
        items = client.get("/sessions?limit=200").json()["items"]
    return sum(item["title"] == Smuggler.title for item in items)


def sent(served: Served, message: bytes) -> bytes:
    with socket.create_connection(served.address, timeout=WAIT_SECONDS) as connection:
        return answers(connection, message)


def test_what_is_ambiguous_is_refused_and_its_connection_closed(
    served: Served, smuggler: Smuggler, tally: Tally
) -> None:
    before = carried_out(served)
    found, executed = {}, []
    for wrong, message in smuggler.messages().items():
        found[wrong] = statuses(sent(served, message))
        if carried_out(served) != before:
            executed.append(wrong)
            before = carried_out(served)
    tally.none("P5", "smuggled requests carried out", executed, of=len(found))
    unclear = {
        wrong: told
        for wrong, told in found.items()
        if len(told) != 1 or told[0] // 100 != 4 or told[0] == WAITED_FOR
    }
    tally.none("P7", "smuggling messages not refused with one 4xx", unclear.items(), of=len(found))


def test_a_body_is_never_taken_for_a_request(
    served: Served, smuggler: Smuggler, tally: Tally
) -> None:
    """Whether anybody wants it or not; the next request on the connection is the next request."""
    before = carried_out(served)
    executed = []
    for name, message in smuggler.bodies().items():
        told = statuses(sent(served, message + LAST))
        assert len(told) <= 3, (name, told)
        assert max(told) < 500
        if carried_out(served) != before:
            executed.append(name)
    tally.none("P5", "bodies taken for a request", executed, of=len(smuggler.bodies()))


def test_the_hidden_request_would_be_carried_out(served: Served, smuggler: Smuggler) -> None:
    """So the tests before this one prove something."""
    before = carried_out(served)
    assert statuses(sent(served, smuggler.hidden + LAST)) == [201, 200]
    assert carried_out(served) == before + 1
