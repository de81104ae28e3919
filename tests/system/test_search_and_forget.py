"""What docs/search.md and docs/forget.md show is run as it stands."""

import json
import re
import subprocess
from pathlib import Path

from tests.serving import COMMAND, environment, serving

DOCS = Path(__file__).parents[2] / "docs"
HERE = "http://127.0.0.1:8000"
SAID = [{"role": "user", "content": text} for text in ("A hotel in Lisbon, please", "Gladly")]
TRIP = {"external_id": "trip-1", "title": "Weekend", "messages": SAID}


def blocks(page: str, language: str = "sh") -> list[str]:
    return re.findall(
        rf"^```{language}\n(.*?)^```$", (DOCS / page).read_text(), re.MULTILINE | re.DOTALL
    )


def pasted(script: str, folder: Path, **settings: str) -> list[str]:
    """The lines that it prints."""
    done = subprocess.run(
        ["/bin/bash", "-euo", "pipefail", "-c", script.replace(".venv/bin/", f"{COMMAND.parent}/")],
        cwd=folder,
        env=environment(**settings),
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 0, done.stderr
    return done.stdout.replace("}{", "}\n{").splitlines()


def shape(value: object) -> object:
    """The members, whatever the values."""
    if isinstance(value, dict):
        return {name: shape(member) for name, member in value.items()}
    return [shape(value[0])] if isinstance(value, list) and value else type(value)


def test_searching(tmp_path: Path) -> None:
    first, second, reindex = blocks("search.md")
    with serving(tmp_path) as served:
        with served.client() as alice:
            assert alice.post("/sessions", json=TRIP).status_code == 201
        given = {"TOKEN": served.token("alice")}
        (found,) = pasted(first.replace(HERE, served.url), tmp_path, **given)
        (example,) = blocks("search.md", "json")
        assert shape(json.loads(found)) == shape(json.loads(example))
        assert (
            json.loads(found)["items"][0]["snippet"] == json.loads(example)["items"][0]["snippet"]
        )
        (found,) = pasted(second.replace(HERE, served.url), tmp_path, **given)
        assert json.loads(found)["pagination"]["total"] == 1
    assert pasted(reindex, tmp_path) == ["indexed 3 texts"]


def test_being_forgotten(tmp_path: Path) -> None:
    deletions, erasure, retention = blocks("forget.md")
    deleted, receipt = map(json.loads, blocks("forget.md", "json"))
    with serving(tmp_path) as served:
        with served.client() as alice:
            assert alice.post("/sessions", json=TRIP).status_code == 201
            given = {"TOKEN": served.token("alice")}
            rehearsal, done = pasted(deletions.replace(HERE, served.url), tmp_path, **given)
            assert alice.post("/sessions", json=TRIP).status_code == 201
        assert json.loads(rehearsal) == {**deleted, "dry_run": True}
        assert json.loads(done) == deleted
    rehearsal = "\n".join(pasted(erasure, tmp_path))
    assert json.loads(rehearsal)["left"]["messages"] == 2
    printed = json.loads((tmp_path / "receipt.json").read_text())
    varying = {"at": None, "owner": None}
    assert {**printed, **varying} == {**receipt, **varying}
    assert printed.keys() == receipt.keys()
    assert pasted(retention, tmp_path)[-1] == (
        "removed 0 sessions with 0 messages, unchanged for 365 days"
    )
