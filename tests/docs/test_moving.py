"""What docs/move-in.md and docs/move-out.md show is run as it stands."""

import json
import re
import subprocess
from pathlib import Path

from tests.adapters.test_importers import CLAUDE
from tests.serving import COMMAND, environment

DOCS = Path(__file__).parents[2] / "docs"
BLOCK = re.compile(r"^```(\w+)\n(.*?)^```$", re.MULTILINE | re.DOTALL)
HERE = "http://127.0.0.1:8000"
DATABASE = "CHAT_SESSIONS_DATABASE_URL"
TRIP = {"external_id": "trip-1", "title": "Lisbon", "messages": [{"role": "user", "content": "hi"}]}


def blocks(page: str, title: str, language: str = "sh") -> list[str]:
    """The fenced blocks under a heading."""
    (text,) = re.findall(
        rf"^## {title}\n(.*?)(?=^## |\Z)", (DOCS / page).read_text(), re.MULTILINE | re.DOTALL
    )
    return [block for found, block in BLOCK.findall(text) if found == language]


def pasted(script: str, folder: Path, **settings: str) -> str:
    done = subprocess.run(
        ["/bin/bash", "-euo", "pipefail", "-c", script],
        cwd=folder,
        env=environment(**settings) | {"PATH": f"{COMMAND.parent}:/usr/bin:/bin"},
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 0, done.stderr
    return done.stdout


def test_moving_in_and_out_on_the_command_line(tmp_path: Path) -> None:
    """With the file of another program, and the session that the page names."""
    named = [{**CLAUDE[0], "uuid": "trip-1"}, *CLAUDE[1:]]
    (tmp_path / "conversations.json").write_text(json.dumps(named))
    (bring,) = blocks("move-in.md", "From another chat program")
    told = pasted(bring, tmp_path)
    assert "would be created: 3 sessions with 6 messages\n" in told
    assert "\ncreated: 3 sessions with 6 messages\n" in told
    (take,) = blocks("move-out.md", "On the command line")
    pasted(take, tmp_path)
    assert (tmp_path / "alice.ndjson.gz").stat().st_size > 0
    trip = (tmp_path / "trip.ndjson").read_text().splitlines()
    assert json.loads(trip[-1]) == {"type": "footer", "sessions": 1, "messages": 2}
