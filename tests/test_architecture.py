"""The house keeps its own rules."""

import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).parent.parent

TOOLS = {
    "the imports point inwards": ["lint-imports", "--no-cache"],
    "every type holds": ["mypy"],
    "the code is linted": ["ruff", "check", "."],
    "the code is formatted": ["ruff", "format", "--check", "."],
}


@pytest.mark.parametrize("command", TOOLS.values(), ids=TOOLS.keys())
def test_the_tree_passes_its_own_checks(command: list[str]) -> None:
    program = Path(sys.executable).with_name(command[0])
    done = subprocess.run(
        [program, *command[1:]], cwd=ROOT, capture_output=True, text=True, check=False
    )
    assert done.returncode == 0, done.stdout + done.stderr
