"""A checkout that was copied is not taken for the one that it was copied from."""

import shutil
import subprocess
import sys
from collections.abc import Sequence
from pathlib import Path

import pytest

from tests.waiting import WAIT_SECONDS

COMMAND = Path(sys.prefix) / "bin" / "chat-sessions"


UVICORN = ("--factory", "entrypoints.asgi:create", "--port", "0")


def run(
    command: Path, arguments: Sequence[str] = ("token", "--subject", "alice")
) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [command, *arguments],
        cwd=command.parent,
        capture_output=True,
        text=True,
        check=False,
        timeout=WAIT_SECONDS,
    )


@pytest.mark.parametrize("command", ["chat-sessions", "uvicorn"])
def test_a_copied_environments_command_says_whose_code_it_would_run(
    tmp_path: Path, command: str
) -> None:
    """And how it is made anew: a release has no Makefile."""
    copy = tmp_path / ".venv"
    (copy / "bin").mkdir(parents=True)
    shutil.copy(Path(sys.prefix) / "pyvenv.cfg", copy)
    shutil.copy(COMMAND.with_name(command), copy / "bin")
    for anew in (
        "make a new environment there, and install the release into it",
        f"make install, in {tmp_path}, makes it anew",
    ):
        arguments = [UVICORN] if command == "uvicorn" else []
        done = run(copy / "bin" / command, *arguments)
        assert (done.returncode, done.stdout) == (1, "")
        assert done.stderr == (
            f"chat-sessions: {copy} is a copy whose commands run the code of {sys.prefix}: {anew}\n"
        )
        (tmp_path / "Makefile").touch()


def test_a_command_may_be_linked_to_from_elsewhere(tmp_path: Path) -> None:
    (tmp_path / "bin").mkdir()
    link = tmp_path / "bin" / "chat-sessions"
    link.symlink_to(COMMAND)
    assert run(link).returncode == 0
