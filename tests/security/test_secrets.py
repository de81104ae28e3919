"""What is nobody else's stays in: marked secrets are sent every way in, and looked for in all that
comes out beside the answers to whom they belong."""

import secrets
import signal
import sqlite3
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import httpx2
import pytest

from adapters.sql.postgresql import PostgresqlOptions
from entrypoints.cli import main
from entrypoints.container import Container
from entrypoints.settings import Settings
from tests.databases import server
from tests.serving import run_here, serving
from tests.tally import Tally
from tests.telemetry.receiver import Receiver

KINDS = (
    *("title", "text", "metadata", "member", "key", "query", "path", "host", "method", "agent"),
    *("token", "password", "redis"),
)


class Canaries:
    """A marked secret of each kind. `told` is where each was found though it should not be."""

    def __init__(self) -> None:
        self.of = {kind: f"canary{kind}{secrets.token_hex(8)}" for kind in KINDS}
        self.looked_at = 0
        self.told: list[str] = []

    def look(self, where: str, output: str | bytes, *more: str) -> None:
        text = output.decode("latin-1") if isinstance(output, bytes) else output
        self.looked_at += 1
        lowered = text.lower()
        for secret in (*self.of.values(), *more):
            if secret.lower() in lowered:
                self.told.append(f"{secret[:20]} in {where}: {text[:300]}")


@pytest.fixture
def canaries() -> Canaries:
    return Canaries()


@pytest.fixture
def receiver() -> Iterator[Receiver]:
    with Receiver().receiving() as receiver:
        yield receiver


BREAKING = {
    "postgresql": (
        # Its error shows the whole row.
        "ALTER TABLE messages ADD CONSTRAINT empty CHECK (content = '') NOT VALID",
        "ALTER TABLE sessions ADD CONSTRAINT untitled CHECK (title IS NULL) NOT VALID",
    ),
    "sqlite": (
        "CREATE TRIGGER empty BEFORE INSERT ON messages BEGIN SELECT RAISE(ABORT, 'no'); END",
        "CREATE TRIGGER untitled BEFORE INSERT ON sessions BEGIN SELECT RAISE(ABORT, 'no'); END",
    ),
}
GONE = {
    "postgresql": "ALTER TABLE sessions RENAME TO elsewhere",
    "sqlite": "ALTER TABLE sessions RENAME TO elsewhere",
}


@pytest.mark.parametrize(("database", "form"), [("sqlite", "console"), ("postgresql", "json")])
def test_no_secret_gets_out_of_a_running_service(
    tmp_path: Path, canaries: Canaries, receiver: Receiver, tally: Tally, database: str, form: str
) -> None:
    of = canaries.of
    settings = {
        "CHAT_SESSIONS_LOG_FORMAT": form,
        "CHAT_SESSIONS_OTLP_ENDPOINT": receiver.url,
        "CHAT_SESSIONS_SLOW_STATEMENT_SECONDS": "0",
        "CHAT_SESSIONS_RATE_LIMIT_STORAGE_URL": f"redis://:{of['redis']}@127.0.0.1:1/0",
        "CHAT_SESSIONS_DRAIN_SECONDS": "0",
        **database_of(database, tmp_path, of["password"]),
    }
    with serving(tmp_path, **settings) as served, served.client() as client:
        ask(client, canaries)
        for statement in BREAKING[database]:
            execute(database, tmp_path, statement)
        statuses = ask(client, canaries)
        assert 500 in statuses
        execute(database, tmp_path, GONE[database])
        statuses |= ask(client, canaries)
        assert {400, 401, 404, 405, 415, 421, 422} <= statuses
        token = client.headers["authorization"].removeprefix("Bearer ")
        for line in client.get("/metrics").text.splitlines():
            canaries.look("metrics", line, token)
        canaries.look("the process list", Path(f"/proc/{served.process.pid}/cmdline").read_bytes())
        assert served.stop(signal.SIGTERM) == 0
    lines = (tmp_path / "stdout").read_text().splitlines()
    assert any("request.failed" in line for line in lines)
    for line in lines:
        canaries.look("the log", line, token)
    canaries.look("standard error", (tmp_path / "stderr").read_text(), token)
    spans = receiver.spans()
    assert spans
    for span in spans:
        canaries.look("a span", str(span), token)
    tally.none(
        "P12", f"{database}, {form}: secrets that got out", canaries.told, of=canaries.looked_at
    )


def ask(client: httpx2.Client, canaries: Canaries) -> set[int]:
    """Every way in, with a secret in each place; what refuses it is looked at."""
    of = canaries.of
    statuses = set()

    def send(method: str, path: str, **request: Any) -> httpx2.Response:
        answer = client.request(method, path, **request)
        statuses.add(answer.status_code)
        if answer.is_error:
            token = client.headers["authorization"].removeprefix("Bearer ")
            canaries.look("an answer", f"{answer.headers} {answer.text}", token)
        return answer

    said = {"role": "user", "content": of["text"], "metadata": {of["member"]: of["metadata"]}}
    body = {"title": of["title"], "metadata": {of["member"]: of["metadata"]}, "messages": [said]}
    once = {"Idempotency-Key": of["key"] + secrets.token_hex(2), "User-Agent": of["agent"]}
    created = send("POST", "/sessions", json=body, headers=once)
    send("POST", "/sessions", json=body | {"title": of["title"] + "2"}, headers=once)
    session = created.json().get("id", "01a20abe-9819-7728-aa45-2446966d66bb")
    path = f"/sessions/{session}"
    for said_again in (said, said | {"role": of["text"]}, said | {of["member"]: 1}):
        send("POST", f"{path}/messages", json={"messages": [said_again]}, headers=once)
    send("PATCH", path, json={"title": of["title"] + "3", "metadata": {of["member"]: of["text"]}})
    send("PATCH", path, json={"title": [of["title"]]})
    send("PATCH", path, json={"title": of["title"] * 20}, headers={"If-Match": f'"{of["key"]}"'})
    send("GET", path)
    send("GET", f"{path}/messages?limit={of['query']}&{of['query']}=1")
    send("GET", f"/sessions?cursor={of['query']}")
    send("GET", f"/sessions/{of['path']}")
    send("GET", f"/{of['path']}?{of['query']}")
    send(of["method"].upper(), "/sessions")
    send("GET", "/sessions", headers={"Host": of["host"]})
    send("GET", "/sessions", headers={"traceparent": of["key"], "tracestate": f"a={of['key']}"})
    send("GET", "/sessions", headers={"X-Request-ID": f"{of['key']} {of['key']}"})
    for scheme in ("Bearer", "Basic"):
        send("GET", "/sessions", headers={"Authorization": f"{scheme} {of['token']}"})
    json = {"Content-Type": "application/json"}
    send("POST", "/sessions", content=f'{{"title": {of["text"]}', headers=json)
    send("POST", "/sessions", content=of["text"], headers={"Content-Type": f"text/{of['text']}"})
    send("GET", "/readyz")
    return statuses


def database_of(database: str, folder: Path, password: str) -> dict[str, str]:
    if database == "sqlite":
        return {}
    name = f"secrets{secrets.token_hex(4)}"
    url = server().new_database(name).replace("postgres@", f"postgres:{password}@")
    (folder / "name").write_text(name)
    settings = {"CHAT_SESSIONS_DATABASE_URL": url}
    assert run_here("migrate", folder=folder, **settings).returncode == 0
    return settings


def execute(database: str, folder: Path, statement: str) -> None:
    if database == "sqlite":
        connection = sqlite3.connect(folder / "chat-sessions.db", timeout=10)
        connection.execute(statement)
        connection.commit()
        connection.close()
    else:
        server().execute(statement, (folder / "name").read_text())


def set_up(canaries: Canaries, url: str) -> dict[str, str]:
    return {
        "CHAT_SESSIONS_DATABASE_URL": url.format(canaries.of["password"]),
        "CHAT_SESSIONS_RATE_LIMIT_STORAGE_URL": f"redis://:{canaries.of['redis']}@127.0.0.1:1/0",
        "CHAT_SESSIONS_DATABASE_CONNECT_SECONDS": "0.1",
        "CHAT_SESSIONS_DATABASE_START_SECONDS": "0.1",
        "CHAT_SESSIONS_PORT": "0",
    }


@pytest.mark.parametrize(
    ("command", "url"),
    [
        ("serve", "postgresql://chat:{}@127.0.0.1:1/chat"),
        ("migrate", "postgresql://chat:{}@127.0.0.1:1,127.0.0.1:2/chat"),
        ("purge", "postgresql://127.0.0.1:1/chat?password={}"),
    ],
)
def test_a_start_that_fails_shows_no_password(
    tmp_path: Path, canaries: Canaries, tally: Tally, command: str, url: str
) -> None:
    done = run_here(command, folder=tmp_path, **set_up(canaries, url))
    assert done.returncode == 1
    canaries.look("what it wrote", done.stdout + done.stderr)
    tally.none("P12", "failed starts: secrets shown", canaries.told, of=canaries.looked_at)


@pytest.mark.parametrize(
    "url",
    [
        "postgresql://chat:{}@db.example/chat",
        "postgresql://db.example/chat?password={}",
        "postgresql://db.example/chat?pass%77ord={}",
        "postgresql://chat:{}%zz@db.example/chat",
        "postgresql://chat:{}@db.example/chat?sslmode=verify-full",
        "postgresql://chat@db.example/chat?sslmode={}",
        "postgresql://chat:{}@db.example:99999/chat",
        "postgresql:/chat:{}@db.example/chat",
        "mysql://chat:{}@db.example/chat",
    ],
)
def test_no_check_of_the_settings_shows_a_password(
    canaries: Canaries,
    tally: Tally,
    url: str,
    capsys: pytest.CaptureFixture[str],
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    for name, value in set_up(canaries, url).items():
        monkeypatch.setenv(name, value)
    main(["check-config"])
    written = capsys.readouterr()
    canaries.look("what it wrote", written.out + written.err)
    tally.none("P12", "checks of settings: secrets shown", canaries.told, of=canaries.looked_at)


async def test_nothing_shows_a_password_when_it_is_printed(
    tmp_path: Path, canaries: Canaries, tally: Tally
) -> None:
    url = f"postgresql://chat:{canaries.of['password']}@127.0.0.1:1/chat"
    settings = Settings(
        database_url=url,
        development_key_file=tmp_path / "key.pem",
        rate_limits="on",
        rate_limit_storage_url=f"redis://:{canaries.of['redis']}@127.0.0.1:1/0",
    )
    container = Container(settings=settings)
    shown: list[object] = [settings, container, PostgresqlOptions(url=url), container.settings()]
    shown += [container.storage(), container.use_cases(), container.authenticator()]
    for value in shown:
        canaries.look(type(value).__name__, f"{value!r} {value!s} {vars_of(value)}")
    tally.none("P12", "repr: secrets shown", canaries.told, of=canaries.looked_at)


def vars_of(value: object) -> str:
    """Of what it holds, as a debugger's first look shows it."""
    return repr(getattr(value, "__dict__", "")) if not isinstance(value, Settings) else ""
