"""The program of docs/python.md runs, and says what the page says."""

import os
import re
import subprocess
import sys
from pathlib import Path

from tests.serving import serving
from tests.waiting import WAIT_SECONDS

ROOT = Path(__file__).parents[2]
PAGE = (ROOT / "docs" / "python.md").read_text()


def block(language: str) -> str:
    (found,) = re.findall(rf"```{language}\n(.*?)```", PAGE, re.DOTALL)
    return str(found)


def test_its_program_says_what_it_says(tmp_path: Path) -> None:
    with serving(tmp_path, CHAT_SESSIONS_DATABASE_URL="memory://") as served:
        given = {"URL": served.url, "TOKEN": served.token("alice")}
        done = subprocess.run(
            [sys.executable, "-c", block("python")],
            env=os.environ | given | {"PYTHONPATH": str(ROOT / "clients" / "python")},
            capture_output=True,
            text=True,
            check=False,
            timeout=WAIT_SECONDS,
        )
    assert (done.returncode, done.stderr, done.stdout) == (0, "", block("text"))
