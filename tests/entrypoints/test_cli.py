"""The commands that end by themselves."""

import json
from pathlib import Path

import pytest

from adapters.auth.development import ISSUER
from domain.owner import Owner
from entrypoints.cli import main


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


def test_migrate_makes_the_database(tmp_path: Path) -> None:
    assert main(["migrate"]) == 0
    assert main(["migrate"]) == 0
    assert (tmp_path / "chat-sessions.db").stat().st_size > 0


def test_the_settings_are_checked_and_shown(
    capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("CHAT_SESSIONS_PORT", "9000")
    assert main(["check-config"]) == 0
    assert "CHAT_SESSIONS_PORT=9000\n" in capsys.readouterr().out
    monkeypatch.setenv("CHAT_SESSIONS_PORT", "70000")
    assert main(["check-config"]) == 1
    assert capsys.readouterr().err.startswith("chat-sessions: CHAT_SESSIONS_PORT: ")


def test_the_description_is_printed(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["openapi"]) == 0
    assert json.loads(capsys.readouterr().out)["info"]["title"] == "chat-sessions"


@pytest.mark.parametrize("arguments", [[], ["dance"], ["token"]])
def test_an_unknown_command_is_refused(arguments: list[str]) -> None:
    with pytest.raises(SystemExit) as exit_:
        main(arguments)
    assert exit_.value.code == 2
