"""A command that is told to stop does, whatever it waits for."""

import signal
import socket
import time
from collections.abc import Iterator
from contextlib import closing, contextmanager
from pathlib import Path

import asyncpg
import pytest

from tests.databases import server
from tests.serving import awaits_signal, serving, started
from tests.waiting import wait_until

SECONDS = 20
"""To end in; what it waits for takes longer, or never comes."""

DRAIN_SECONDS = 8

LOCK = 0x63686174
"""Of those who migrate."""


@contextmanager
def silent() -> Iterator[tuple[socket.socket, str]]:
    """A database that takes connections and never says a word, and its URL."""
    with socket.create_server(("127.0.0.1", 0)) as listener:
        listener.settimeout(60)
        yield listener, f"postgresql://u:secret@127.0.0.1:{listener.getsockname()[1]}/d"


ENDS = [
    ("serve", signal.SIGTERM, 0),
    ("migrate", signal.SIGTERM, -signal.SIGTERM),
    ("migrate", signal.SIGINT, -signal.SIGINT),
]
"""A service was to stop. Any other command has not done its work, and a script goes no further."""


@pytest.mark.parametrize(("command", "how", "code"), ENDS)
def test_a_command_that_waits_for_the_database_ends(
    tmp_path: Path, command: str, how: signal.Signals, code: int
) -> None:
    with (
        silent() as (database, url),
        started(
            command,
            folder=tmp_path,
            CHAT_SESSIONS_DATABASE_URL=url,
            CHAT_SESSIONS_DATABASE_CONNECT_SECONDS="60",
        ) as process,
    ):
        connection, _ = database.accept()
        with connection:
            process.send_signal(how)
            assert process.wait(SECONDS) == code
            assert process.communicate() == ("", "")


@pytest.mark.parametrize("command", ["serve", "openapi"])
def test_a_command_that_has_only_begun_ends(tmp_path: Path, command: str) -> None:
    """Its imports take most of a start."""
    with started(command, folder=tmp_path) as process:
        wait_until(lambda: awaits_signal(process.pid, signal.SIGTERM))
        process.send_signal(signal.SIGTERM)
        assert process.wait(SECONDS) == (0 if command == "serve" else -signal.SIGTERM)
        assert process.communicate() == ("", "")
    assert list(tmp_path.iterdir()) == []


async def test_a_migration_that_waits_for_a_lock_ends_on_the_server_too(tmp_path: Path) -> None:
    """Else every statement after it would wait behind what nobody waits for any more."""
    name = f"signals{tmp_path.name.rpartition('_')[2]}"
    url = server().new_database(name)
    waiting = f"SELECT count(*) FROM pg_stat_activity WHERE datname = '{name}' AND wait_event = 'advisory'"  # noqa: E501, S608 - ours
    holder = await asyncpg.connect(url)
    await holder.execute(f"SELECT pg_advisory_lock({LOCK})")
    try:
        with started("migrate", folder=tmp_path, CHAT_SESSIONS_DATABASE_URL=url) as process:
            wait_until(lambda: server().execute(waiting) == "1")
            process.send_signal(signal.SIGTERM)
            assert process.wait(SECONDS) == -signal.SIGTERM
            assert process.communicate() == ("", "")
        wait_until(lambda: server().execute(waiting) == "0")
    finally:
        await holder.close()


def test_the_port_is_closed_until_the_storage_is_open(tmp_path: Path) -> None:
    """A probe is refused, where it would wait for an answer in vain."""
    with closing(socket.create_server(("127.0.0.1", 0))) as free:
        port = free.getsockname()[1]
    with (
        silent() as (database, url),
        started(
            "serve",
            folder=tmp_path,
            CHAT_SESSIONS_PORT=str(port),
            CHAT_SESSIONS_DATABASE_URL=url,
            CHAT_SESSIONS_DATABASE_CONNECT_SECONDS="60",
        ),
    ):
        connection, _ = database.accept()
        with connection, pytest.raises(ConnectionRefusedError):
            socket.create_connection(("127.0.0.1", port), SECONDS)


def test_a_second_signal_cuts_the_drain_and_every_request_short(tmp_path: Path) -> None:
    """The storage is closed as after one."""
    with (
        serving(tmp_path, CHAT_SESSIONS_DRAIN_SECONDS=str(DRAIN_SECONDS)) as served,
        served.client() as client,
        socket.create_connection(served.address, timeout=20) as sender,
    ):
        sender.sendall(b"POST /sessions HTTP/1.1\r\nHost: 127.0.0.1\r\nContent-Length: 9\r\n\r\n{")
        assert client.post("/sessions", json={}).status_code == 201
        began = time.monotonic()
        served.process.send_signal(signal.SIGTERM)
        wait_until(lambda: client.get("/readyz").status_code == 503)
        assert served.stop(signal.SIGTERM) == 0
        assert time.monotonic() - began < DRAIN_SECONDS
    assert not (tmp_path / "chat-sessions.db-wal").exists()
    assert '"service.stopped"' in (tmp_path / "stdout").read_text()
    assert "Traceback" not in (tmp_path / "stderr").read_text() + (tmp_path / "stdout").read_text()
