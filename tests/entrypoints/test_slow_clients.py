"""Clients that are slow, silent or gone, and what the service still does for them and for others.

What takes a client too long takes it far too long here; what is in time, is so by far.
"""

import json
import re
import signal
import socket
import sqlite3
import struct
import time
from collections import defaultdict
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from pathlib import Path
from typing import Any

import pytest
from prometheus_client.parser import text_string_to_metric_families

from tests.serving import COMMAND, Served, serving
from tests.waiting import WAIT_SECONDS, wait_until

HOST = b"Host: 127.0.0.1\r\n"
LIVEZ = b"GET /livez HTTP/1.1\r\n" + HOST + b"\r\n"

SOON = {
    "CHAT_SESSIONS_CLIENT_HEAD_SECONDS": "1",
    "CHAT_SESSIONS_CLIENT_BODY_SECONDS": "1",
    "CHAT_SESSIONS_CLIENT_REQUEST_SECONDS": "3",
    "CHAT_SESSIONS_CLIENT_IDLE_SECONDS": "2",
    "CHAT_SESSIONS_CLIENT_ANSWER_SECONDS": "2",
}
LATE = dict.fromkeys(SOON, "600")
"""Longer than any test waits."""


@pytest.fixture(scope="module")
def hasty(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Served]:
    """A service of little patience."""
    with serving(tmp_path_factory.mktemp("hasty"), **SOON) as served:
        yield served


def creation(served: Served, length: int) -> bytes:
    authorization = served.client().headers["authorization"].encode()
    return (
        b"POST /sessions HTTP/1.1\r\nContent-Type: application/json\r\n" + HOST
        + b"Authorization: %s\r\nContent-Length: %d\r\n\r\n" % (authorization, length)
    )  # fmt: skip


def stored(served: Served) -> int:
    with served.client() as client:
        total: int = client.get("/sessions").json()["pagination"]["total"]
    return total


def rest(client: socket.socket) -> bytes:
    """What comes until the connection ends."""
    answer = b""
    try:
        while received := client.recv(1 << 20):
            answer += received
    except ConnectionError:
        pass
    return answer


def one_answer(client: socket.socket) -> bytes:
    """What comes, as far as the first answer's end."""
    head, body = b"", b""
    while not head.endswith(b"\r\n\r\n"):
        head += client.recv(1)
    length = re.search(rb"content-length: (\d+)", head)
    while length and len(body) < int(length[1]):
        body += client.recv(int(length[1]) - len(body))
    return head + body


def exchanged(served: Served, sent: bytes, *, ends: bool = False) -> bytes:
    with socket.create_connection(served.address, timeout=WAIT_SECONDS) as client:
        client.sendall(sent)
        if ends:
            client.shutdown(socket.SHUT_WR)
        return rest(client)


def problem(answer: bytes, status: int) -> dict[str, Any]:
    head, _, body = answer.partition(b"\r\n\r\n")
    assert head.startswith(b"HTTP/1.1 %d " % status), answer
    assert b"application/problem+json" in head
    assert b"\r\nconnection: close" in head.lower()
    assert b"\r\nx-request-id: " in head
    assert b"\r\nx-content-type-options: nosniff" in head
    assert b"\r\nserver:" not in head.lower()
    told: dict[str, Any] = json.loads(body)
    return told


def test_who_connects_and_says_nothing_is_closed_without_a_word(hasty: Served) -> None:
    """A browser connects in advance, and would take an answer for that of its next request."""
    assert exchanged(hasty, b"") == b""


@pytest.mark.parametrize("before", [b"", LIVEZ])
def test_a_head_that_does_not_end_is_408(hasty: Served, before: bytes) -> None:
    answer = exchanged(hasty, before + b"GET /livez HTTP/1.1\r\nX-Request-ID: of-this")
    if before:
        answer = answer[answer.index(b"HTTP/1.1 ", 1) :]
    assert problem(answer, 408)["status"] == 408


def test_a_body_that_does_not_come_is_408_and_nothing_is_stored(hasty: Served) -> None:
    before = stored(hasty)
    head = creation(hasty, 10).replace(b"\r\n", b"\r\nX-Request-ID: of-this\r\n", 1)
    assert problem(exchanged(hasty, head + b"{"), 408)["request_id"] == "of-this"
    assert stored(hasty) == before


@pytest.mark.parametrize(("body", "status"), [(b"2\r\n{", 408), (b"x\r\n", 400)])
def test_a_request_given_up_halfway_has_one_line_in_the_log(
    hasty: Served, body: bytes, status: int
) -> None:
    which = b"given-up-%d" % status
    head = creation(hasty, 0).replace(b"Content-Length: 0", b"Transfer-Encoding: chunked")
    head = head.replace(b"\r\n", b"\r\nX-Request-ID: %s\r\n" % which, 1)
    problem(exchanged(hasty, head + body), status)
    after = head.replace(which, b"after-" + which)
    exchanged(hasty, after + b"2\r\n{}\r\n0\r\n\r\n", ends=True)
    hasty.log_of(f"after-given-up-{status}")
    (line,) = hasty.log_of(which.decode())
    assert (line["event"], line["status"]) == ("request.refused", status)


def test_a_request_given_up_halfway_counts_once_with_all_its_time(hasty: Served) -> None:
    before = posts(hasty)
    head = creation(hasty, 10).replace(b"\r\n", b"\r\nX-Request-ID: counted\r\n", 1)
    problem(exchanged(hasty, head + b"{"), 408)
    (line,) = hasty.log_of("counted")

    def growth() -> dict[tuple[str, str], float]:
        after = posts(hasty)
        return {what: after[what] - before[what] for what in after if after[what] != before[what]}

    grown = wait_until(growth)
    seconds = grown.pop(("http_server_request_duration_seconds_sum", "408"))
    assert grown == {("http_server_request_duration_seconds_count", "408"): 1}
    assert seconds >= float(SOON["CHAT_SESSIONS_CLIENT_BODY_SECONDS"])
    assert line["duration_ms"] == pytest.approx(seconds * 1000, abs=0.01)


def posts(served: Served) -> dict[tuple[str, str], float]:
    """What is measured of requests that are POSTs, by its name and their status."""
    with served.client() as client:
        families = text_string_to_metric_families(client.get("/metrics").text)
    found: dict[tuple[str, str], float] = defaultdict(float)
    for sample in (sample for family in families for sample in family.samples):
        if sample.labels.get("http_request_method") == "POST" and "le" not in sample.labels:
            found[sample.name, sample.labels.get("http_response_status_code", "")] += sample.value
    return found


def trickled(served: Served, begin: bytes, piece: bytes, pause: float) -> bytes:
    """What comes for pieces that never stop, each in time."""
    with socket.create_connection(served.address, timeout=WAIT_SECONDS) as client:
        client.sendall(begin)
        client.settimeout(pause)
        for _ in range(round(30 / pause)):
            try:
                begun = client.recv(1 << 16)
            except TimeoutError:
                client.sendall(piece)
            else:
                client.settimeout(WAIT_SECONDS)
                return begun + rest(client)
    raise AssertionError("it was never ended")


def test_a_head_that_trickles_is_ended_by_the_whole(hasty: Served) -> None:
    problem(trickled(hasty, b"GET /livez HTTP/1.1\r\nX: ", b"x", 0.2), 408)


@pytest.mark.parametrize("piece", [b" ", b"1\r\n \r\n"])
def test_a_body_that_trickles_is_ended_by_the_whole(hasty: Served, piece: bytes) -> None:
    head = creation(hasty, 1000)
    if b"\n" in piece:
        head = head.replace(b"Content-Length: 1000", b"Transfer-Encoding: chunked")
    began = time.monotonic()
    problem(trickled(hasty, head, piece, 0.2), 408)
    assert time.monotonic() - began >= 3 - 0.1


def test_a_chunk_that_never_begins_is_ended_as_no_body(hasty: Served) -> None:
    head = creation(hasty, 0).replace(b"Content-Length: 0", b"Transfer-Encoding: chunked")
    problem(trickled(hasty, head + b"1;", b"x", 0.2), 408)


def test_a_connection_that_idles_is_closed_and_not_before(hasty: Served) -> None:
    with socket.create_connection(hasty.address, timeout=WAIT_SECONDS) as client:
        for _ in range(4):
            client.sendall(LIVEZ)
            assert one_answer(client).startswith(b"HTTP/1.1 200 ")
            time.sleep(0.5)
        began = time.monotonic()
        assert rest(client) == b""
        assert time.monotonic() - began >= 1


def test_the_time_that_the_service_takes_is_its_own(tmp_path: Path) -> None:
    """The client has sent all, and waits for a lock with the service."""
    with serving(tmp_path, **dict.fromkeys(SOON, "0.2")) as served:
        database = sqlite3.connect(tmp_path / "chat-sessions.db", isolation_level=None)
        database.execute("BEGIN IMMEDIATE")
        with socket.create_connection(served.address, timeout=WAIT_SECONDS) as client:
            client.sendall(creation(served, 2) + b"{}")
            time.sleep(1)
            database.execute("ROLLBACK")
            assert one_answer(client).startswith(b"HTTP/1.1 201 ")
        database.close()


LONG = 50
PAGES = 5
MEGABYTES = PAGES * 4_000_000


def pages_of_megabytes(served: Served) -> bytes:
    """The requests for them."""
    with served.client() as client:
        path = f"/sessions/{client.post('/sessions', json={}).json()['id']}/messages"
        for _ in range(LONG // 10):
            said = [{"role": "user", "content": "x" * 100_000}] * 10
            assert client.post(path, json={"messages": said}).status_code == 201
        authorization = client.headers["authorization"]
    head = f"GET {path}?limit={LONG} HTTP/1.1\r\nHost: 127.0.0.1\r\n"
    return f"{head}Authorization: {authorization}\r\n\r\n".encode() * PAGES


@contextmanager
def small_window(served: Served) -> Iterator[socket.socket]:
    with socket.socket() as client:
        client.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 8192)
        client.settimeout(WAIT_SECONDS)
        client.connect(served.address)
        yield client


def test_who_does_not_read_is_given_up_and_who_reads_slowly_is_not(hasty: Served) -> None:
    """The one gets a part of the 20 MB and the connection's end, the other gets it all."""
    asked = pages_of_megabytes(hasty)
    with (
        small_window(hasty) as silent,
        socket.create_connection(hasty.address, timeout=WAIT_SECONDS) as slow,
    ):
        silent.sendall(asked + asked)
        assert silent.recv(1)  # it waits longest, so that it goes where too much is held
        slow.sendall(asked + LIVEZ)
        taken = bytearray()
        while not taken.endswith(b'{"status":"alive"}'):
            piece = slow.recv(200_000)
            assert piece, len(taken)
            taken += piece
            time.sleep(0.005)
        assert len(taken) > MEGABYTES
        wait_until(lambda: not is_kept(hasty, silent))
        assert len(rest(silent)) < MEGABYTES


def test_who_reads_steadily_is_not_given_up(hasty: Served) -> None:
    """Though it takes long until there is room again in the kernel's queue of megabytes."""
    asked = pages_of_megabytes(hasty)
    with small_window(hasty) as client:
        client.sendall(asked + LIVEZ)
        begun, taken = time.monotonic(), 0
        while time.monotonic() - begun < 6:
            piece = client.recv(16_384)
            assert piece, taken
            taken += len(piece)
            time.sleep(0.1)
        while not piece.endswith(b'{"status":"alive"}'):
            piece = client.recv(1 << 20)
            assert piece, taken
            taken += len(piece)
    assert taken > MEGABYTES


@pytest.mark.parametrize("requests", [1, 3])
def test_who_ends_its_side_after_a_request_still_gets_the_answer(
    hasty: Served, requests: int
) -> None:
    answer = exchanged(hasty, (creation(hasty, 2) + b"{}") * requests, ends=True)
    assert answer.count(b"HTTP/1.1 201 ") == requests


@pytest.mark.parametrize("sent", [b"GET /livez HT", b"POST", b"body"])
def test_who_ends_its_side_amidst_a_request_is_told_at_once(hasty: Served, sent: bytes) -> None:
    before = stored(hasty)
    whole = creation(hasty, 3) + b"{}"
    answer = exchanged(hasty, whole if sent == b"body" else sent, ends=True)
    problem(answer, 408)
    assert stored(hasty) == before


def test_a_crowd_of_the_silent_keeps_nobody_out(tmp_path: Path) -> None:
    """Past the limit of connections the one that has kept the service waiting longest goes."""
    limit = {"CHAT_SESSIONS_CLIENT_CONNECTIONS": "20"}
    with serving(tmp_path, **LATE, **limit) as served, ExitStack() as stack:
        crowd = []
        for number in range(60):
            crowd.append(
                stack.enter_context(socket.create_connection(served.address, timeout=WAIT_SECONDS))
            )
            if number % 10 == 0:
                with served.client() as client:
                    assert client.post("/sessions", json={}).status_code == 201
        assert [rest(client) for client in crowd[:30]] == [b""] * 30
        crowd[-1].sendall(LIVEZ)
        assert one_answer(crowd[-1]).startswith(b"HTTP/1.1 200 ")


def test_where_files_are_few_it_takes_fewer_connections(tmp_path: Path) -> None:
    """Accepting goes on, whatever has been set."""
    few = ("/bin/sh", "-c", f"ulimit -n 150 && exec {COMMAND} serve")
    with serving(tmp_path, command=few, **LATE) as served, ExitStack() as stack:
        for _ in range(300):
            stack.enter_context(socket.create_connection(served.address, timeout=WAIT_SECONDS))
        with served.client() as client:
            assert client.post("/sessions", json={}).status_code == 201


def test_what_is_held_of_requests_and_answers_is_bounded(tmp_path: Path) -> None:
    """Past 10 MiB, too, who has kept the service waiting longest goes. Who holds nothing stays."""
    with serving(tmp_path, **LATE, CHAT_SESSIONS_RATE_LIMITS="off") as served, ExitStack() as stack:
        idle = stack.enter_context(socket.create_connection(served.address, timeout=WAIT_SECONDS))
        idle.sendall(LIVEZ)
        one_answer(idle)
        crowd = []
        for _ in range(50):
            crowd.append(
                stack.enter_context(socket.create_connection(served.address, timeout=WAIT_SECONDS))
            )
            crowd[-1].sendall(creation(served, 1 << 20) + b" " * ((1 << 20) - 2))
        assert [rest(client) for client in crowd[:10]] == [b""] * 10
        idle.sendall(LIVEZ)
        assert one_answer(idle).startswith(b"HTTP/1.1 200 ")
        crowd[-1].sendall(b"{}")
        assert one_answer(crowd[-1]).startswith(b"HTTP/1.1 201 ")


def test_what_is_dropped_of_a_body_is_not_held(tmp_path: Path) -> None:
    """Nobody has to go for one that was refused, however much of it still comes."""
    with (
        serving(tmp_path, **LATE) as served,
        socket.create_connection(served.address, timeout=WAIT_SECONDS) as small,
        socket.create_connection(served.address, timeout=WAIT_SECONDS) as large,
    ):
        small.sendall(creation(served, 2) + b"{")
        large.sendall(creation(served, 40 << 20) + b" " * (30 << 20))
        small.sendall(b"}")
        assert small.recv(100).startswith(b"HTTP/1.1 201 ")


def test_where_all_are_served_and_there_is_no_room_the_next_is_told_so(tmp_path: Path) -> None:
    with serving(tmp_path, **LATE, CHAT_SESSIONS_CLIENT_CONNECTIONS="1") as served:
        database = sqlite3.connect(tmp_path / "chat-sessions.db", isolation_level=None)
        database.execute("BEGIN IMMEDIATE")
        with socket.create_connection(served.address, timeout=WAIT_SECONDS) as client:
            client.sendall(creation(served, 2) + b"{}")
            wait_until(lambda: has_read(served, client))
            answer = exchanged(served, LIVEZ)
            database.execute("ROLLBACK")
            problem(answer, 503)
            assert b"\r\nretry-after: " in answer
            assert one_answer(client).startswith(b"HTTP/1.1 201 ")
        database.close()


def has_read(served: Served, client: socket.socket) -> bool:
    """Whether the service has taken all that came for it on the connection."""
    return any(row[4].endswith(":00000000") and row[9] != "0" for row in ends(served, client))


def is_kept(served: Served, client: socket.socket) -> bool:
    """Whether the service has not ended the connection."""
    return any(row[3] == "01" for row in ends(served, client))


def ends(served: Served, client: socket.socket) -> list[list[str]]:
    """The service's end of the connection: proc(5), net/tcp."""
    both = [f"{struct.unpack('=I', socket.inet_aton(host))[0]:08X}:{port:04X}" for host, port in (
        served.address, client.getsockname()
    )]  # fmt: skip
    rows = [line.split() for line in Path("/proc/net/tcp").read_text().splitlines()]
    return [row for row in rows if row[1:3] == both]


@pytest.mark.parametrize("how", [signal.SIGTERM, signal.SIGINT])
def test_a_stop_does_not_wait_for_who_is_slow(tmp_path: Path, how: signal.Signals) -> None:
    """Ten of each sort."""
    with (
        serving(tmp_path, **LATE, CHAT_SESSIONS_DRAIN_SECONDS="0.5") as served,
        ExitStack() as stack,
    ):
        page = pages_of_megabytes(served)
        sorts = [b"", b"GET /", LIVEZ, LIVEZ + b"GET", creation(served, 5) + b"{", page]
        for sent in sorts:
            for _ in range(3 if sent is page else 10):
                client = stack.enter_context(small_window(served))
                client.sendall(sent)
        assert stored(served) == 1
        assert served.stop(how) == 0
    assert "Traceback" not in (tmp_path / "stderr").read_text() + (tmp_path / "stdout").read_text()


SMALL_CHUNKS = b"1\r\n \r\n" * 5000
TOO_SMALL_CHUNKS = b"1\r\n \r\n" * 12_000
LONG_CHUNKS = (b"80\r\n" + b" " * 128 + b"\r\n") * 1500
END = b"2\r\n{}\r\n0\r\n\r\n"


def chunked(served: Served, body: bytes) -> bytes:
    head = creation(served, 0).partition(b"Content-Length")[0]
    return exchanged(served, head + b"Transfer-Encoding: chunked\r\n\r\n" + body)


@pytest.mark.parametrize(
    "body",
    [
        TOO_SMALL_CHUNKS + END,
        b"2;" + b"x" * 300 + b"\r\n{}\r\n0\r\n\r\n",
        b"2;\rx\r\n{}\r\n0\r\n\r\n",
        b"2\r\n{}\r\n0\r\n" + b"X: y\r\n" * 101 + b"\r\n",
    ],
    ids=["small chunks", "a long extension", "a bare CR", "many trailers"],
)
def test_framing_that_costs_more_than_it_brings_is_refused(hasty: Served, body: bytes) -> None:
    """And counts as every request of its owner's does."""
    before = stored(hasty)
    answer = chunked(hasty, body)
    told = problem(answer, 400)
    assert stored(hasty) == before
    assert b"date: " in answer.lower()
    found = hasty.log_of(told["request_id"])
    assert {line["user_id"] for line in found} == {"alice"}


@pytest.mark.parametrize("chunks", [SMALL_CHUNKS, LONG_CHUNKS], ids=["one a token", "long"])
def test_many_chunks_are_taken(hasty: Served, chunks: bytes) -> None:
    assert chunked(hasty, chunks + END).startswith(b"HTTP/1.1 201 ")
