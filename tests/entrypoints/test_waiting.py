"""A database that starts after the service, as containers that are started together do."""

import json
import signal
import time
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest

from tests.postgresql import PostgresqlServer
from tests.serving import run_here, serving, started
from tests.waiting import WAIT_SECONDS, wait_until

URL = "CHAT_SESSIONS_DATABASE_URL"
WAIT = "CHAT_SESSIONS_DATABASE_START_SECONDS"


@pytest.fixture(scope="module")
def database() -> Iterator[PostgresqlServer]:
    """One to stop, with an empty database."""
    server = PostgresqlServer({"fsync": "off"})
    server.new_database("chat")
    yield server
    server.remove()


def test_migrate_and_serve_wait_for_it_and_say_so(
    database: PostgresqlServer, tmp_path: Path
) -> None:
    """The command on stderr, the service in its log: the cause, once."""
    told = f"cannot connect to PostgreSQL: 127.0.0.1:{database.port}: Connection refused"
    database.stop()
    with started("migrate", folder=tmp_path, **{URL: database.url("chat")}) as migrate:
        assert migrate.stderr
        first = migrate.stderr.readline()
        database.start()
        assert migrate.wait(timeout=WAIT_SECONDS) == 0
        assert first == f"chat-sessions: waiting up to 30 s: {told}\n"
        assert not [line for line in migrate.stderr if told in line]
    database.stop()
    with ThreadPoolExecutor(1) as beside:
        log = tmp_path / "stdout"
        log.unlink(missing_ok=True)
        beside.submit(_start_once_told, database, log)
        with serving(tmp_path, CHAT_SESSIONS_LOG_FORMAT="json", **{URL: database.url("chat")}):
            lines = [json.loads(line) for line in log.read_text().splitlines()]
    waiting = [line for line in lines if line["event"] == "database.waiting"]
    assert [(line["level"], line["cause"]) for line in waiting][:1] == [("warning", told)]
    assert len({line["cause"] for line in waiting}) == len(waiting)


def _start_once_told(database: PostgresqlServer, log: Path) -> None:
    wait_until(lambda: log.exists() and "waiting" in log.read_text())
    database.start()


@pytest.mark.parametrize("command", ["serve", "migrate", "purge"])
def test_a_signal_ends_the_waiting(tmp_path: Path, command: str) -> None:
    settings = {URL: "postgresql://u@127.0.0.1:1/d", WAIT: "3600"}
    with started(command, folder=tmp_path, **settings) as process:
        stream = process.stdout if command == "serve" else process.stderr
        assert stream
        assert "waiting" in stream.readline()
        process.send_signal(signal.SIGTERM)
        process.wait(timeout=WAIT_SECONDS)


def test_it_waits_no_longer_than_it_is_told(tmp_path: Path) -> None:
    settings = {URL: "postgresql://u@127.0.0.1:1/d", WAIT: "0.7"}
    began = time.monotonic()
    refused = run_here("migrate", folder=tmp_path, **settings)
    assert time.monotonic() - began > 0.7
    told = "cannot connect to PostgreSQL: 127.0.0.1:1: Connection refused"
    assert refused.returncode == 1
    assert refused.stderr.splitlines() == [
        f"chat-sessions: waiting up to 0.7 s: {told}",
        f"chat-sessions: {told}",
    ]


@pytest.mark.parametrize(
    ("wrong", "told"),
    [
        ("postgresql://postgres@127.0.0.1:{}/nowhere", 'database "nowhere" does not exist'),
        ("postgresql://stranger@127.0.0.1:{}/chat", 'role "stranger" does not exist'),
        ("postgresql://postgres@127.0.0.1:{}/chat?sslmode=require", "the server speaks no TLS"),
    ],
)
def test_what_does_not_pass_by_waiting_stops_at_once(
    database: PostgresqlServer, tmp_path: Path, wrong: str, told: str
) -> None:
    refused = run_here("migrate", folder=tmp_path, **{URL: wrong.format(database.port)})
    assert refused.returncode == 1
    at = f"chat-sessions: cannot connect to PostgreSQL: 127.0.0.1:{database.port}: "
    assert refused.stderr.startswith(at + told)
    assert refused.stderr.count("\n") == 1
