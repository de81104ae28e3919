"""What an operator is told of a command that failed, whatever failed."""

import sys
from collections.abc import Callable
from pathlib import Path

import pytest

from application.errors import StartRefused, StorageRefused, Unavailable
from domain.errors import InvalidValue
from entrypoints import cli
from entrypoints.cli import commands
from entrypoints.failure_messages import described

SAID = "what someone said"


def failed(error: Exception) -> Exception:
    """The error as it is once it was raised while another was handled."""
    try:
        try:
            dict[str, str]()[SAID]
        except KeyError:
            raise error  # noqa: B904 - what it came from is what is wanted
    except Exception as raised:  # noqa: BLE001 - any
        return raised
    raise AssertionError


@pytest.mark.parametrize(
    ("error", "told"),
    [
        (StartRefused("it is so"), "it is so"),
        (StorageRefused("first\nsecond\x1b[2J"), "first second [2J"),
        (Unavailable("away"), "away"),
        (InvalidValue("must be short", "subject"), "--subject must be short"),
        (ModuleNotFoundError("No module named 'x'"), "the installation is not whole: No module "),
        (PermissionError(13, "Permission denied", "/x"), "Permission denied: /x"),
        (OSError(28, "No space left on device"), "No space left on device: standard output, or "),
        (OSError(5, "Input/output error"), "Input/output error: at entrypoints/test_f"),
        (ValueError(SAID), "failed by a fault of its own, please report it: ValueError at entry"),
    ],
)
def test_a_failure_is_one_line_without_what_may_be_secret(error: Exception, told: str) -> None:
    line = described(failed(error))
    assert line.startswith(told)
    assert line.isprintable()
    assert SAID not in line


def test_a_fault_of_ours_names_its_places_and_what_it_came_from() -> None:
    line = described(failed(ValueError(SAID)))
    places = line.partition(" at ")[2].split(", from ")
    assert [place.rpartition(":")[0] for place in places] == [
        "entrypoints/test_failures.py",
        "KeyError at entrypoints/test_failures.py",
    ]


@pytest.mark.parametrize("error", [ValueError, OSError, MemoryError, RecursionError])
def test_a_command_that_fails_exits_with_1_and_one_line(
    error: Callable[[], Exception],
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> None:
    def run(*_: object, **__: object) -> None:
        raise error()

    monkeypatch.setattr(commands, "run", run)
    assert cli.main(["openapi"]) == 1
    printed = capsys.readouterr()
    assert printed.out == ""
    assert printed.err.startswith("chat-sessions: ")
    assert printed.err.count("\n") == 1


@pytest.mark.parametrize("command", ["migrate", "purge", "serve", "check-config"])
def test_a_working_directory_that_is_gone_is_one_line(
    command: str,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> None:
    for name in ("CHAT_SESSIONS_DATABASE_URL", "CHAT_SESSIONS_OIDC_ISSUER"):
        monkeypatch.delenv(name, raising=False)
    monkeypatch.setattr(sys, "argv", [sys.executable])
    (tmp_path / "gone").mkdir()
    monkeypatch.chdir(tmp_path / "gone")
    (tmp_path / "gone").rmdir()
    assert cli.main([command]) == 1
    told = capsys.readouterr().err
    assert told.startswith("chat-sessions: CHAT_SESSIONS_DATABASE_URL: the working directory ")
    assert told.count("\n") == 1
