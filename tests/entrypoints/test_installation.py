"""A checkout that was copied is not taken for the one that it was copied from."""

import shutil
import subprocess
import sys
from pathlib import Path

from tests.waiting import WAIT_SECONDS

COMMAND = Path(sys.prefix) / "bin" / "chat-sessions"


def run(command: Path) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [command, "token", "--subject", "alice"],
        cwd=command.parent,
        capture_output=True,
        text=True,
        check=False,
        timeout=WAIT_SECONDS,
    )


def test_a_copied_environments_command_says_whose_code_it_would_run(tmp_path: Path) -> None:
    copy = tmp_path / ".venv"
    (copy / "bin").mkdir(parents=True)
    shutil.copy(Path(sys.prefix) / "pyvenv.cfg", copy)
    shutil.copy(COMMAND, copy / "bin")
    done = run(copy / "bin" / COMMAND.name)
    assert (done.returncode, done.stdout) == (1, "")
    assert done.stderr == (
        f"chat-sessions: {copy} is a copy whose commands run the code of {sys.prefix}: "
        f"make install, in {tmp_path}, makes it anew\n"
    )


def test_a_command_may_be_linked_to_from_elsewhere(tmp_path: Path) -> None:
    (tmp_path / "bin").mkdir()
    link = tmp_path / "bin" / "chat-sessions"
    link.symlink_to(COMMAND)
    assert run(link).returncode == 0
