"""Following a session of the service as a process."""

import re
import signal
import socket
import struct
import time
from collections.abc import Iterator
from contextlib import contextmanager
from functools import partial
from pathlib import Path

import httpx2
import pytest

from tests.events import Event, events
from tests.serving import Served, serving
from tests.waiting import WAIT_SECONDS, wait_until

SAID = {"messages": [{"role": "user", "content": "a"}]}
FOR_LONG = {"CHAT_SESSIONS_EVENTS_SECONDS": "3600", "CHAT_SESSIONS_CLIENT_ANSWER_SECONDS": "1"}


def _reset(one: socket.socket) -> None:
    one.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
    one.close()


HANG_UPS = {
    "by closing": socket.socket.close,
    "by ending its side": lambda one: one.shutdown(socket.SHUT_WR),
    "by a reset": _reset,
}


@pytest.fixture(scope="module")
def served(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Served]:
    with serving(tmp_path_factory.mktemp("followed"), **FOR_LONG) as served:
        yield served


@contextmanager
def following(
    client: httpx2.Client, path: str, last: str | None = None
) -> Iterator[Iterator[Event]]:
    headers = {} if last is None else {"Last-Event-ID": last}
    with client.stream("GET", f"{path}/events", headers=headers) as response:
        assert response.status_code == 200
        yield events(response.iter_lines())


def created(client: httpx2.Client) -> str:
    made = client.post("/sessions", json=SAID)
    assert made.status_code == 201
    return str(made.headers["location"])


def metric(client: httpx2.Client, name: str) -> float:
    found = re.search(rf"^chat_sessions_{name} (.*)$", client.get("/metrics").text, re.MULTILINE)
    assert found
    return float(found[1])


def test_what_happens_is_heard_at_once_and_in_order(served: Served) -> None:
    with served.client() as client, served.client() as other:
        path = created(client)
        with following(client, path, last="0") as heard:
            for method, target, body, expected in (
                ("POST", "/messages", SAID, None),
                ("PUT", "/messages/1", {"role": "user", "content": "A"}, "replaced 1 A"),
                ("PUT", "/messages/ext:x", {"role": "tool", "content": "b"}, "message 3 b"),
                ("DELETE", "/messages/2", None, "removed message_order 2"),
                ("PATCH", "", {"title": "Lisbon"}, "session Lisbon"),
                ("DELETE", "/messages?before=3", None, "removed message_order 1"),
                ("POST", "/messages", SAID, "message 4 a"),
                ("DELETE", "/messages", None, "removed before 5"),
                ("DELETE", "", None, "ended: session_gone"),
            ):
                other.request(method, path + target, json=body).raise_for_status()
                if expected is None:
                    first = [str(next(heard)) for _ in range(3)]
                    assert first == ["id 0", "message 1 a", "message 2 a"]
                else:
                    assert str(next(heard)) == expected
            assert list(heard) == []
        assert client.get(f"{path}/events").status_code == 404


def test_a_wait_is_answered_at_once_and_longer_than_other_requests_may_take(
    served: Served,
) -> None:
    with served.client() as client:
        path = created(client)
        began = time.monotonic()
        answer = client.get(f"{path}/messages?after=1&wait=5")
        assert (answer.status_code, answer.json()["items"]) == (200, [])
        assert time.monotonic() - began >= 5


def opened(served: Served, path: str) -> socket.socket:
    with served.client() as client:
        authorization = client.headers["authorization"]
    head = f"GET {path} HTTP/1.1\r\nHost: 127.0.0.1\r\nAuthorization: {authorization}\r\n\r\n"
    one = socket.create_connection(served.address, timeout=WAIT_SECONDS)
    one.sendall(head.encode())
    return one


@pytest.mark.parametrize("leave", HANG_UPS.values(), ids=HANG_UPS)
@pytest.mark.parametrize("target", ["/events", "/messages?after=1&wait=30"])
def test_whoever_hangs_up_leaves_its_place_at_once(
    served: Served, target: str, leave: object
) -> None:
    with served.client() as client:
        path = created(client)
        crowd = [opened(served, path + target) for _ in range(5)]
        wait_until(lambda: metric(client, "followers") == 5)
        began = time.monotonic()
        for one in crowd:
            assert callable(leave)
            leave(one)
        wait_until(lambda: metric(client, "followers") == 0)
        assert time.monotonic() - began < 10  # far less, where the machine is not busy
        for one in crowd:
            one.close()


def test_whoever_does_not_read_is_ended(served: Served) -> None:
    """What it has not had yet is not kept for it."""
    large = {"messages": [{"role": "user", "content": "x" * 200_000}] * 20}
    with served.client() as client:
        path = created(client)
        for _ in range(3):
            client.post(f"{path}/messages", json=large).raise_for_status()
        before = metric(client, 'streams_ended_total{reason="slow_client"}'.replace("{", "\\{"))
        with opened(served, path + "/events") as idle, opened(served, path + "/events") as slow:
            slow.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 4096)
            wait_until(lambda: metric(client, "followers") == 2)
            for _ in range(5):
                client.post(f"{path}/messages", json=large).raise_for_status()
            wait_until(lambda: metric(client, "followers") == 0)
            idle.close()
        after = metric(client, 'streams_ended_total{reason="slow_client"}'.replace("{", "\\{"))
        assert after == before + 2


@pytest.mark.parametrize("how", [signal.SIGINT, signal.SIGTERM])
def test_a_stop_ends_followers_at_once_and_cleanly(tmp_path: Path, how: signal.Signals) -> None:
    with (
        serving(tmp_path, **FOR_LONG, CHAT_SESSIONS_DRAIN_SECONDS="1") as served,
        served.client() as client,
    ):
        path = created(client)
        with (
            following(client, path) as heard,
            opened(served, path + "/messages?after=1&wait=30") as one,
        ):
            assert str(next(heard)) == "id 1"
            wait_until(lambda: metric(client, "followers") == 2)
            began = time.monotonic()
            served.process.send_signal(how)
            assert [str(event) for event in heard] == ["ended: stopping"]
            answer = b"".join(iter(partial(one.recv, 10_000), b""))
            assert b'"items":[]' in answer
            assert served.process.wait(timeout=WAIT_SECONDS) == 0
            assert time.monotonic() - began < 10
        lines = [line for line in served.log() if line["event"] == "session.followed"]
        assert lines[0]["status"] == 200
    assert "Traceback" not in (tmp_path / "stderr").read_text() + (tmp_path / "stdout").read_text()
