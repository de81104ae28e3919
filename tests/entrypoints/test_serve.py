"""The service as a process."""

import json
import re
import signal
import socket
import sqlite3
import subprocess
import time
from collections.abc import Iterator
from contextlib import suppress
from pathlib import Path

import httpx2
import pytest

from tests.ports import free_port
from tests.serving import COMMAND, Served, environment, run_here, serving
from tests.waiting import WAIT_SECONDS, wait_until


@pytest.fixture(scope="module")
def shared(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Served]:
    with serving(tmp_path_factory.mktemp("shared")) as served:
        yield served


@pytest.mark.parametrize("how", [signal.SIGINT, signal.SIGTERM])
def test_a_signal_ends_it_with_nothing_to_complain_of(tmp_path: Path, how: signal.Signals) -> None:
    """Also while a client keeps its connection."""
    with serving(tmp_path, CHAT_SESSIONS_DRAIN_SECONDS="0") as served, served.client() as client:
        assert client.post("/sessions", json={}).status_code == 201
        assert served.stop(how) == 0
    assert "Traceback" not in (tmp_path / "stderr").read_text() + (tmp_path / "stdout").read_text()
    assert not (tmp_path / "chat-sessions.db-wal").exists()


FOR_LONG = {"CHAT_SESSIONS_DRAIN_SECONDS": "8", "CHAT_SESSIONS_CLIENT_BODY_SECONDS": "600"}
"""The longest that it drains, and so that no client's own time is up before."""


@pytest.mark.parametrize("how", [signal.SIGINT, signal.SIGTERM])
def test_a_request_that_never_ends_does_not_keep_it(tmp_path: Path, how: signal.Signals) -> None:
    """Whoever is cut off is told so, in the form of every refusal."""
    with (
        serving(tmp_path, **FOR_LONG) as served,
        served.client() as client,
        socket.create_connection(served.address, timeout=WAIT_SECONDS) as sender,
    ):
        sender.sendall(
            b"POST /sessions HTTP/1.1\r\nHost: 127.0.0.1\r\nContent-Type: application/json\r\n"
            b"Authorization: " + client.headers["authorization"].encode() + b"\r\n"
            b"Content-Length: 100\r\n\r\n{"
        )
        assert client.get("/sessions").status_code == 200
        assert served.stop(how) == 0
        answer = sender.recv(10_000)
    assert answer.startswith(b"HTTP/1.1 503 ")
    assert b"application/problem+json" in answer
    assert "Traceback" not in (tmp_path / "stderr").read_text() + (tmp_path / "stdout").read_text()


def test_sigterm_drains_first(tmp_path: Path) -> None:
    """Each answer then says that its connection ends, so that no client, and no proxy that keeps
    connections, sends a request into its end."""
    paths = {"/livez": 200, "/readyz": 503, "/sessions": 200, "/nothing": 404}
    with serving(tmp_path, **FOR_LONG) as served, served.client() as client:
        assert all("connection" not in client.get(path).headers for path in paths)
        served.process.send_signal(signal.SIGTERM)
        wait_until(lambda: client.get("/readyz").status_code == 503)
        answers = {path: client.get(path) for path in paths}
        assert {path: answer.status_code for path, answer in answers.items()} == paths
        assert {answer.headers["connection"] for answer in answers.values()} == {"close"}
        assert served.stop(signal.SIGINT) == 0


def test_what_comes_while_it_cannot_run_is_served_before_it_stops(tmp_path: Path) -> None:
    """A machine with too much to do may leave no moment of the drain's time to the process."""
    drain_seconds = 2.0
    with (
        serving(tmp_path, CHAT_SESSIONS_DRAIN_SECONDS=str(drain_seconds)) as served,
        served.client() as client,
    ):
        served.process.send_signal(signal.SIGTERM)
        wait_until(lambda: client.get("/readyz").status_code == 503)
        served.process.send_signal(signal.SIGSTOP)
        time.sleep(drain_seconds)
        with socket.create_connection(served.address, timeout=WAIT_SECONDS) as late:
            late.sendall(b"GET /readyz HTTP/1.1\r\nHost: 127.0.0.1\r\n\r\n")
            served.process.send_signal(signal.SIGCONT)
            assert everything_from(late).startswith(b"HTTP/1.1 503 ")
        assert served.process.wait(timeout=WAIT_SECONDS) == 0


def test_a_request_in_flight_at_the_signal_is_answered_and_its_connection_ended(
    tmp_path: Path,
) -> None:
    """Its body comes after the signal; there is no drain to hide behind."""
    with (
        serving(tmp_path, CHAT_SESSIONS_DRAIN_SECONDS="0") as served,
        served.client() as client,
        socket.create_connection(served.address, timeout=WAIT_SECONDS) as sender,
    ):
        authorization = b"Authorization: " + client.headers["authorization"].encode() + b"\r\n"
        sender.sendall(HEAD + authorization + b"Content-Length: 14\r\n\r\n{")
        assert client.get("/livez").status_code == 200
        served.process.send_signal(signal.SIGTERM)
        with suppress(httpx2.TransportError):  # until it listens no more
            while client.get("/livez").is_success:
                pass
        sender.sendall(b'"title": "x"}')
        answer = everything_from(sender)
        assert answer.startswith(b"HTTP/1.1 201 ")
        assert b"\r\nconnection: close\r\n" in answer
        assert served.process.wait(timeout=WAIT_SECONDS) == 0


@pytest.mark.parametrize("connection", ["keep-alive", "close", "close\r\nExpect: 100-continue"])
@pytest.mark.parametrize("framing", ["Content-Length: 30000000", "Transfer-Encoding: chunked"])
def test_a_client_that_is_still_sending_gets_to_read_the_refusal(
    shared: Served, framing: str, connection: str
) -> None:
    """It sends 30 MB before it reads a byte, asked for or not."""
    with shared.client() as client:
        head = (
            "POST /sessions HTTP/1.1\r\nHost: 127.0.0.1\r\nContent-Type: application/json\r\n"
            f"Authorization: {client.headers['authorization']}\r\n"
            f"{framing}\r\nConnection: {connection}\r\n\r\n"
        )
        with socket.create_connection(shared.address, timeout=WAIT_SECONDS) as sender:
            sender.sendall(head.encode())
            block = b" " * 100_000
            if "chunked" in framing:
                block = b"%x\r\n%s\r\n" % (len(block), block)
            for _ in range(300):
                sender.sendall(block)
            if "chunked" in framing:
                sender.sendall(b"0\r\n\r\n")
            answer = sender.recv(100_000)
        assert b"HTTP/1.1 413 " in answer
        assert b"application/problem+json" in answer
        assert client.get("/sessions").status_code == 200


def test_a_client_that_asks_before_it_sends_is_spared(shared: Served) -> None:
    with (
        shared.client() as client,
        socket.create_connection(shared.address, timeout=WAIT_SECONDS) as sender,
    ):
        sender.sendall(
            b"POST /sessions HTTP/1.1\r\nHost: 127.0.0.1\r\nContent-Type: application/json\r\n"
            b"Authorization: " + client.headers["authorization"].encode() + b"\r\n"
            b"Content-Length: 30000000\r\nExpect: 100-continue\r\n\r\n"
        )
        assert sender.recv(100).startswith(b"HTTP/1.1 413 ")


@pytest.mark.parametrize("method", ["GET", "OPTIONS"])
def test_a_body_asked_about_in_vain_ends_the_connection(shared: Served, method: str) -> None:
    """Nobody can tell whether it comes before the next request."""
    head = f"{method} /livez HTTP/1.1\r\nHost: 127.0.0.1\r\n".encode()
    answer = exchanged(shared, head + b"Content-Length: 9\r\nExpect: 100-continue\r\n\r\n")
    assert b"\r\nconnection: close\r\n" in answer.lower()


HEAD = b"POST /sessions HTTP/1.1\r\nHost: 127.0.0.1\r\nContent-Type: application/json\r\n"


def exchanged(served: Served, *pieces: bytes) -> bytes:
    """What comes back for bytes as they stand, the connection's end included."""
    with socket.create_connection(served.address, timeout=WAIT_SECONDS) as sender:
        for piece in pieces:
            sender.sendall(piece)
        return everything_from(sender)


def everything_from(sender: socket.socket) -> bytes:
    answer = b""
    while received := sender.recv(100_000):
        answer += received
    return answer


def test_a_trailer_is_no_header(shared: Served) -> None:
    """RFC 9110 section 6.5.1: or it would slip past whoever checked the head."""
    with shared.client() as client:
        authorization = b"Authorization: " + client.headers["authorization"].encode() + b"\r\n"
        chunked = b"Transfer-Encoding: chunked\r\nConnection: close\r\n\r\n2\r\n{}\r\n0\r\n"
        answer = exchanged(shared, HEAD + chunked + authorization + b"\r\n")
        assert answer.startswith(b"HTTP/1.1 401 ")
        answer = exchanged(shared, HEAD + authorization + chunked + b"\r\n")
        assert answer.startswith(b"HTTP/1.1 201 ")


def test_an_upgrade_that_is_offered_may_be_left(shared: Served) -> None:
    """As `curl --http2` offers it: the request is answered over HTTP/1.1 (RFC 9110, 7.8)."""
    with shared.client() as client:
        head = (
            HEAD
            + b"Authorization: "
            + client.headers["authorization"].encode()
            + b"\r\nConnection: Upgrade, HTTP2-Settings, close\r\nUpgrade: h2c\r\n"
            + b"HTTP2-Settings: AAMAAABkAAQAAP__\r\nContent-Length: 14\r\n\r\n"
        )
        for pieces in ((head + b'{"title": "x"}',), (head, b'{"title": "x"}')):
            assert exchanged(shared, *pieces).startswith(b"HTTP/1.1 201 ")


@pytest.mark.parametrize("line", ["FOO /sessions", "get /sessions", f"GET /{'x' * 70_000}"])
def test_what_is_http_is_answered_by_the_service(shared: Served, line: str) -> None:
    head = f"{line} HTTP/1.1\r\nHost: 127.0.0.1\r\nConnection: close\r\n\r\n"
    answer = exchanged(shared, head.encode())
    assert answer.split()[1] in {b"404", b"405"}
    assert b"application/problem+json" in answer
    assert b"x-request-id" in answer


@pytest.mark.parametrize(
    ("line", "status"),
    [
        ("GET http://127.0.0.1/livez", 200),
        ("GET HTTP://127.0.0.1/sessions?limit=1", 401),
        ("GET http://127.0.0.1", 404),
        ("GET http://127.0.0.1?limit=1", 404),
        ("GET http://127.0.0.2/livez", 400),
        ("GET http://user@127.0.0.1/livez", 400),
        ("GET ftp://127.0.0.1/livez", 400),
        ("GET livez", 400),
        ("OPTIONS *", 204),
        ("GET *", 400),
        ("CONNECT 127.0.0.1:80", 400),
    ],
)
def test_a_target_is_a_path_or_a_url_of_the_service_or_for_options_all(
    shared: Served, line: str, status: int
) -> None:
    """RFC 9112 section 3.2."""
    head = f"{line} HTTP/1.1\r\nHost: 127.0.0.1\r\nConnection: close\r\n\r\n"
    answer = exchanged(shared, head.encode())
    assert answer.startswith(b"HTTP/1.1 %d " % status)
    if status == 204:
        assert b"allow: DELETE, GET, HEAD, OPTIONS, PATCH, POST" in answer


def test_a_head_too_large_is_refused_as_such(shared: Served) -> None:
    filler = "".join(f"X-{number}: {'x' * 1000}\r\n" for number in range(99))
    head = f"GET /livez HTTP/1.1\r\nHost: 127.0.0.1\r\n{filler}Connection: close\r\n\r\n"
    answer = exchanged(shared, head.encode())
    assert answer.startswith(b"HTTP/1.1 431 ")
    assert b"application/problem+json" in answer


def test_a_second_process_on_the_file_is_refused(tmp_path: Path) -> None:
    with serving(tmp_path) as served:
        second = run_here("serve", folder=tmp_path, CHAT_SESSIONS_PORT="0")
        assert refused(second) == (
            f"chat-sessions: {tmp_path}/chat-sessions.db is served by another process: "
            "SQLite takes one, PostgreSQL many"
        )
        assert httpx2.get(served.url + "/livez").status_code == 200


def refused(done: subprocess.CompletedProcess[str]) -> str:
    """The one line that a refused start prints."""
    assert done.returncode == 1, done.stderr
    assert done.stdout == ""
    (line,) = done.stderr.splitlines()
    return line


def test_a_start_that_cannot_be_is_one_clear_line(tmp_path: Path) -> None:
    """What is wrong with the settings alone is told by every command: test_cli has it."""
    (tmp_path / "diary.db").write_text("not a database at all, but long enough for one")
    url = {"CHAT_SESSIONS_DATABASE_URL": "sqlite:///diary.db"}
    assert "no SQLite database" in refused(run_here("serve", folder=tmp_path, **url))
    with socket.create_server(("127.0.0.1", 0)) as taken:
        port = str(taken.getsockname()[1])
        assert f"port {port}" in refused(
            run_here("serve", folder=tmp_path, CHAT_SESSIONS_PORT=port)
        )


def test_the_factory_serves_loopback_alone(tmp_path: Path) -> None:
    """However it is started: here by uvicorn itself, on every address of the machine. Its log is
    ours all the same, without paths, and without an address that the service does not know."""
    port = free_port()
    everywhere = ("--host", "0.0.0.0", "--port", str(port))  # noqa: S104 - what is to be refused
    log = (tmp_path / "log").open("w+")
    process = subprocess.Popen(
        [COMMAND.with_name("uvicorn"), "--factory", "entrypoints.asgi:create", *everywhere],
        cwd=tmp_path,
        env=environment(),
        stdout=log,
        stderr=subprocess.DEVNULL,
    )
    try:
        wait_until(lambda: is_served(port))
        with httpx2.Client(timeout=WAIT_SECONDS) as client:
            assert client.get(f"http://127.0.0.1:{port}/readyz").status_code == 200
            outside = f"http://{address_of_this_machine()}:{port}/livez"
            answer = client.get(outside, headers={"Host": "localhost"})
            assert answer.status_code == 503
            assert answer.headers["content-type"] == "application/problem+json"
            client.get(f"http://127.0.0.1:{port}/sessions/private")
    finally:
        process.terminate()
        process.wait(timeout=WAIT_SECONDS)
    with log:
        log.seek(0)
        lines = log.readlines()
    events = {event["event"]: event for event in map(json.loads, lines)}
    assert "auth.failed" in events
    assert "url" not in events["service.started"]
    assert not any("private" in line for line in lines)


def is_served(port: int) -> bool:
    with socket.socket() as probe:
        return probe.connect_ex(("127.0.0.1", port)) == 0


def address_of_this_machine() -> str:
    """Where a packet would leave from; nothing is sent (RFC 5737's address is nobody's)."""
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as probe:
        probe.connect(("198.51.100.1", 9))
        address: str = probe.getsockname()[0]
    return address


def test_the_stored_owner_can_be_found(tmp_path: Path) -> None:
    with serving(tmp_path) as served, served.client("bob") as client:
        client.post("/sessions", json={})
        served.stop(signal.SIGINT)
    printed = run_here("owner", "--subject", "bob", folder=tmp_path).stdout.strip()
    with sqlite3.connect(tmp_path / "chat-sessions.db") as database:
        rows = database.execute("SELECT hex(owner), subject, session_count FROM owners").fetchall()
    database.close()
    assert rows == [(printed.replace("-", "").upper(), "bob", 1)]
    assert COMMAND.exists()


def test_a_worker_keeps_to_its_memory(tmp_path: Path) -> None:
    """About 105 MiB, most of it code."""
    with serving(tmp_path) as served, served.client() as client:
        for number in range(300):
            client.post("/sessions", json={"title": str(number)}).raise_for_status()
            client.get("/sessions?limit=200").raise_for_status()
        status = Path(f"/proc/{served.process.pid}/status").read_text()
    resident = re.search(r"VmRSS:\s+(\d+) kB", status)
    assert resident
    assert int(resident[1]) < 140 * 1024
