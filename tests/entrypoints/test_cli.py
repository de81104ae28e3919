"""The commands that end by themselves."""

import asyncio
import json
import re
from datetime import UTC, datetime, timedelta
from pathlib import Path
from shutil import copy
from uuid import uuid4

import pytest

from adapters.auth.development import ISSUER
from adapters.sql import SqlStorage
from adapters.sql.sqlite import SqliteDatabase
from application.idempotency import RETENTION, IdempotencyClaim, Operation
from domain.owner import Owner
from entrypoints.cli import main
from entrypoints.cli.commands import commands
from entrypoints.container import Container
from entrypoints.settings import Settings
from entrypoints.version import VERSION
from tests.contract.examples import new_session
from tests.databases import server
from tests.serving import run


@pytest.fixture(autouse=True)
def _here(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)


def test_a_token_is_printed_alone(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["token", "--subject", "alice"]) == 0
    printed = capsys.readouterr()
    assert printed.out.count(".") == 2
    assert printed.out.count("\n") == 1
    assert printed.err == ""


@pytest.mark.parametrize("subject", ["", " alice", "a\0", "a" * 256])
def test_a_subject_that_is_none_is_refused(
    subject: str, capsys: pytest.CaptureFixture[str]
) -> None:
    assert main(["token", "--subject", subject]) == 1
    printed = capsys.readouterr()
    assert printed.out == ""
    assert printed.err.startswith("chat-sessions: --subject must ")


def test_the_key_file_is_beside_the_database_unless_set(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "data").mkdir()
    monkeypatch.setenv("CHAT_SESSIONS_DATABASE_URL", "sqlite:///data/chat.db")
    assert main(["token", "--subject", "alice"]) == 0
    assert (tmp_path / "data" / "chat-sessions-development-key.pem").exists()
    monkeypatch.setenv("CHAT_SESSIONS_DEVELOPMENT_KEY_FILE", "own.pem")
    assert main(["token", "--subject", "alice"]) == 0
    assert (tmp_path / "own.pem").exists()


def test_an_owners_key_is_printed(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["owner", "--issuer", "https://issuer.example", "--subject", "alice"]) == 0
    assert main(["owner", "--subject", "alice"]) == 0
    assert capsys.readouterr().out.split() == [
        str(Owner("https://issuer.example", "alice").key),
        str(Owner(ISSUER, "alice").key),
    ]
    assert main(["owner", "--subject", " "]) == 1
    assert capsys.readouterr().err.startswith("chat-sessions: --subject must ")


def test_with_a_provider_there_is_no_development_token(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("CHAT_SESSIONS_OIDC_ISSUER", "https://login.example")
    monkeypatch.setenv("CHAT_SESSIONS_OIDC_AUDIENCE", "chat")
    assert main(["token", "--subject", "alice"]) == 1
    told = "https://login.example gives the tokens: there is no development key"
    assert capsys.readouterr() == ("", f"chat-sessions: {told}\n")
    assert not list(tmp_path.iterdir())
    assert main(["owner", "--subject", "alice"]) == 0
    assert capsys.readouterr().out.split() == [str(Owner("https://login.example", "alice").key)]


@pytest.mark.parametrize("host", ["0.0.0.0", "::", "192.0.2.1"])  # noqa: S104 - to be refused
def test_beyond_loopback_a_provider_is_needed(
    host: str, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("CHAT_SESSIONS_HOST", host)
    for command in ("check-config", "serve"):
        assert main([command]) == 1
        printed = capsys.readouterr()
        assert printed.out == ""
        assert printed.err.startswith(f"chat-sessions: CHAT_SESSIONS_HOST: {host} can be reached")
        assert printed.err.count("\n") == 1


def test_migrate_makes_the_database(tmp_path: Path) -> None:
    assert main(["migrate"]) == 0
    assert main(["migrate"]) == 0
    assert (tmp_path / "chat-sessions.db").stat().st_size > 0


def test_the_settings_are_checked_and_shown(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("CHAT_SESSIONS_PORT", "9000")
    assert main(["check-config"]) == 0
    shown = capsys.readouterr().out
    assert "CHAT_SESSIONS_PORT=9000\n" in shown
    assert "CHAT_SESSIONS_RATE_LIMIT_READ=600/minute\n" in shown
    assert "CHAT_SESSIONS_HIDE_FOREIGN_SESSIONS=false\n" in shown
    assert f"CHAT_SESSIONS_DATABASE_URL=sqlite:///{tmp_path}/chat-sessions.db\n" in shown
    monkeypatch.setenv("CHAT_SESSIONS_PORT", "70000")
    assert main(["check-config"]) == 1
    assert capsys.readouterr().err.startswith("chat-sessions: CHAT_SESSIONS_PORT: ")


@pytest.mark.parametrize(
    "command", ["migrate", "purge", "token --subject a", "owner --subject a", "check-config"]
)
def test_every_command_tells_of_a_setting_that_is_none(
    command: str, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("CHAT_SESSIONS_DATABASE_URL", "memory://")
    monkeypatch.setenv("CHAT_SESSIONS_DATABSE_URL", "postgresql://u:secret@h/d")
    assert main(command.split()) == 0
    told = capsys.readouterr()
    assert told.err == (
        "chat-sessions: CHAT_SESSIONS_DATABSE_URL is no setting and has no effect: "
        "did you mean CHAT_SESSIONS_DATABASE_URL?\n"
    )
    assert "secret" not in told.out


def test_a_purge_needs_no_key(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """It may run where nothing but the database can be written."""
    monkeypatch.setenv("CHAT_SESSIONS_DATABASE_URL", "memory://")
    assert main(["purge"]) == 0
    assert list(tmp_path.iterdir()) == []


def test_the_description_is_printed(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["openapi"]) == 0
    assert json.loads(capsys.readouterr().out)["info"]["title"] == "chat-sessions"


@pytest.mark.parametrize(
    ("arguments", "told"),
    [
        ("", "Missing command. chat-sessions --help"),
        ("dance", "No such command 'dance'. chat-sessions --help"),
        ("token", "Missing option '--subject'. chat-sessions token --help"),
        ("migrate --chekc", "No such option: --chekc (Possible options: --check, --help). chat-"),
        ("migrate postgresql://u:secret@h/d", "Got unexpected extra argument(s) (***). chat-"),
        ("postgresql://u:secret@h/d", "No such command '***'. chat-sessions --help"),
        ("migrate postgresql://u:a(b)'c secret@h/d", "Got unexpected extra argument(s) (***). "),
        ("migrate u:secret@h/d", "Got unexpected extra argument(s) (***). chat-"),
        (f"purge eyJhbGciOiJFUzI1NiJ9.{'e' * 40}.s", "Got unexpected extra argument(s) (***)"),
        ("purge now", "Got unexpected extra argument(s) (now). chat-sessions purge --help"),
    ],
)
def test_what_cannot_be_understood_is_one_line(
    arguments: str, told: str, capsys: pytest.CaptureFixture[str]
) -> None:
    with pytest.raises(SystemExit) as exit_:
        main(arguments.split())
    assert exit_.value.code == 2
    printed = capsys.readouterr()
    assert printed.out == ""
    assert printed.err.startswith(f"chat-sessions: {told}")
    assert "secret" not in printed.err
    assert printed.err.count("\n") == 1


@pytest.mark.parametrize("name", sorted(str(one.name) for one in commands().registered_commands))
def test_the_help_of_every_command_shows_how_it_is_used(
    name: str, capsys: pytest.CaptureFixture[str]
) -> None:
    assert main([name, "--help"]) == 0
    printed = capsys.readouterr().out
    assert f"Usage: chat-sessions {name}" in printed
    assert re.search(rf"Examples:\n.*chat-sessions {name}", printed, re.DOTALL)


def test_the_version_is_printed(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["--version"]) == 0
    assert capsys.readouterr().out == f"chat-sessions {VERSION}\n"


def test_a_shell_completes_commands(tmp_path: Path) -> None:
    asked = {"_CHAT_SESSIONS_COMPLETE": "complete_bash", "COMP_WORDS": "chat-sessions mig"}
    done = run(folder=tmp_path, COMP_CWORD="1", **asked)
    assert (done.returncode, done.stdout.split(), done.stderr) == (0, ["migrate"], "")


@pytest.fixture(params=["sqlite", "postgresql"])
def database(request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch) -> str:
    """The URL of a database that is not there yet, or has nothing in it."""
    if request.param == "sqlite":
        url = "sqlite:///chat.db"
    else:
        url = server().new_database(f"cli-{uuid4().hex}")
    monkeypatch.setenv("CHAT_SESSIONS_DATABASE_URL", url)
    return url


def test_migrate_check_tells_whether_there_is_anything_to_do(
    database: str, capsys: pytest.CaptureFixture[str], tmp_path: Path
) -> None:
    """By the exit code, and it changes nothing."""
    for _ in range(2):
        assert main(["migrate", "--check"]) == 1
        told = "chat-sessions: the schema is not up to date: run chat-sessions migrate\n"
        assert capsys.readouterr() == ("", told)
    assert list(tmp_path.iterdir()) == []
    assert main(["migrate"]) == 0
    assert main(["migrate", "--check"]) == 0
    assert capsys.readouterr().err == ""
    assert database


def test_purge_forgets_old_keys_and_says_how_many(
    database: str, capsys: pytest.CaptureFixture[str]
) -> None:
    assert main(["migrate"]) == 0
    container = Container(settings=Settings(database_url=database))
    now = datetime.now(UTC)

    async def create() -> None:
        storage = container.storage()
        await storage.open()
        for age in range(5):
            claimed_at = now - RETENTION + timedelta(minutes=age - 2)
            once = IdempotencyClaim(Operation.CREATE_SESSION, str(age), b"", claimed_at)
            await storage.sessions.add(new_session(), (), once)
        await storage.close()

    asyncio.run(create())
    capsys.readouterr()
    assert [main(["purge"]), main(["purge"])] == [0, 0]
    told = capsys.readouterr()
    assert told.out == "forgot 3 idempotency keys\nforgot 0 idempotency keys\n"
    warned = "chat-sessions: database.warning reason=fsync or full_page_writes is off: "
    assert told.err.count(warned) == (2 if database.startswith("postgresql") else 0)


async def test_a_command_tells_of_the_check_of_a_file_on_stderr(tmp_path: Path) -> None:
    """As an unclean stop leaves it: its log is still there."""
    storage = SqlStorage(SqliteDatabase(tmp_path / "chat.db"))
    await storage.open()
    for name in ("chat.db", "chat.db-wal"):
        copy(tmp_path / name, tmp_path / name.replace("chat", "killed"))
    await storage.close()
    url = f"sqlite:///{tmp_path}/killed.db"
    done = await asyncio.to_thread(run, "purge", folder=tmp_path, CHAT_SESSIONS_DATABASE_URL=url)
    assert (done.returncode, done.stdout) == (0, "forgot 0 idempotency keys\n")
    assert "database.check_started" in done.stderr


@pytest.mark.parametrize("command", ["migrate", "purge", "serve"])
def test_a_database_that_is_away_is_one_line(
    command: str, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("CHAT_SESSIONS_DATABASE_URL", "postgresql://u:secret@127.0.0.1:1/chat")
    monkeypatch.setenv("CHAT_SESSIONS_DATABASE_START_SECONDS", "0")
    monkeypatch.setenv("CHAT_SESSIONS_PORT", "0")
    assert main([command]) == 1
    told = capsys.readouterr().err
    assert told.startswith("chat-sessions: cannot connect to PostgreSQL: 127.0.0.1:1: ")
    assert told.count("\n") == 1
    assert "secret" not in told


@pytest.mark.parametrize("name", ["DATABASE_URL", "DATABASE_READ_URL"])
@pytest.mark.parametrize("command", ["check-config", "serve"])
def test_a_url_that_cannot_work_is_refused_with_its_parameter(
    name: str, command: str, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    """Before anything is asked of a server."""
    monkeypatch.setenv("CHAT_SESSIONS_DATABASE_URL", "postgresql://u@h/d")
    monkeypatch.setenv(f"CHAT_SESSIONS_{name}", "postgresql://u:secret@h/d?sslmod=require")
    monkeypatch.setenv("CHAT_SESSIONS_PORT", "0")
    assert main([command]) == 1
    printed = capsys.readouterr()
    assert printed.out == ""
    assert printed.err.startswith(f"chat-sessions: CHAT_SESSIONS_{name}: its parameter sslmod is")
    assert printed.err.count("\n") == 1


def test_the_database_is_tried_and_said_what_it_is(
    database: str, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    """And its standby; nothing is changed. PostgreSQL's schema must be there."""
    is_postgresql = database.startswith("postgresql")
    assert main(["check-config", "--connect"]) == int(is_postgresql)
    printed = capsys.readouterr()
    if is_postgresql:
        at = database.partition("@")[2].partition("/")[0]
        assert f" at {at}, without TLS; its schema is not up to date\n" in printed.out
        told = "chat-sessions: the schema is not up to date: run chat-sessions migrate\n"
        assert printed.err == told
        monkeypatch.setenv("CHAT_SESSIONS_DATABASE_READ_URL", database)
    assert main(["migrate"]) == 0
    assert main(["check-config", "--connect"]) == 0
    last = capsys.readouterr().out.splitlines()[-2:]
    names = ["database", "standby"] if is_postgresql else ["database"]
    assert [line.partition(": ")[0] for line in last[-len(names) :]] == names
    assert all(line.endswith("; its schema is up to date") for line in last[-len(names) :])


def test_a_database_that_is_away_fails_the_check_at_once(
    capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("CHAT_SESSIONS_DATABASE_URL", "postgresql://u:secret@127.0.0.1:1/chat")
    assert main(["check-config"]) == 0
    assert main(["check-config", "--connect"]) == 1
    told = "chat-sessions: cannot connect to PostgreSQL: 127.0.0.1:1: Connection refused\n"
    assert capsys.readouterr().err == told


def test_a_password_is_not_shown(
    capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("CHAT_SESSIONS_DATABASE_URL", "postgresql://u:secret@h:1/d?password=secret")
    assert main(["check-config"]) == 0
    shown = capsys.readouterr().out
    assert "CHAT_SESSIONS_DATABASE_URL=postgresql://u:***@h:1/d?password=***\n" in shown
