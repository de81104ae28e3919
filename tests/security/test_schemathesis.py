"""schemathesis, with every check on, against the service as a process. What it may be told and why
stands in schemathesis.toml beside this."""

import json
import shutil
import subprocess
import sys
from collections.abc import Callable
from itertools import product
from pathlib import Path

import pytest

from adapters.auth import DevelopmentKey
from adapters.system import SystemClock
from tests.conftest import Sized, is_full
from tests.databases import empty_database
from tests.routes import ROUTES
from tests.serving import Served, serving
from tests.tally import Tally

SETUP = Path(__file__).with_name("schemathesis.toml")
HOOKS = SETUP.with_name("schemathesis_hooks.py")
COMMAND = Path(sys.executable).with_name("schemathesis")

PHASES = {
    "operations": ("examples,coverage", "examples,coverage,fuzzing"),
    "histories": ("stateful", "stateful"),
}
"""Small and full. In a run of their own histories are not led away from what they have made by what
other phases have found: a session that outlives its deletion is then seen whatever the seed."""

DATABASES: dict[str, Callable[[Path], str]] = {
    "sqlite": lambda folder: f"sqlite:///{folder}/chat.db",
    "postgresql": lambda _: empty_database("plain"),
}


def pytest_generate_tests(metafunc: pytest.Metafunc) -> None:
    """In a small run each of the phases is before one database."""
    every = [*product(DATABASES, PHASES)]
    metafunc.parametrize(("database", "phases"), every if is_full(metafunc.config) else every[1:3])


@pytest.mark.timeout(1200)
def test_every_check_of_schemathesis_passes(
    tmp_path: Path, database: str, phases: str, sized: Sized, tally: Tally
) -> None:
    """With stateful links, and two people each of whose sessions the other must not get. That both
    databases answer alike is seen by test_fuzz, and their histories are held against a model."""
    settings = {
        "CHAT_SESSIONS_DATABASE_URL": DATABASES[database](tmp_path),
        "CHAT_SESSIONS_DEVELOPMENT_KEY_FILE": str(tmp_path / "key.pem"),
        "CHAT_SESSIONS_RATE_LIMITS": "off",
    }
    with serving(tmp_path, **settings) as served:
        _write_people(tmp_path)
        asked = subprocess.run(
            _command(served, tmp_path, sized(40, 100), PHASES[phases][sized(0, 1)]),
            cwd=tmp_path,
            capture_output=True,
            text=True,
            check=False,
        )
    report = json.loads((tmp_path / "report.json").read_text())
    operations, cases = report["operations"], report["test_cases"]
    failures = [json.dumps(failure)[:500] for failure in report["failures"]]
    tally.none(
        "P7", f"{database}: what schemathesis finds in {phases}", failures, of=cases["generated"]
    )
    assert not report["errors"]
    least = {
        "operations": operations["total"],
        "histories": len(ROUTES) - 3,
    }  # events, a search and a deletion of many link to nothing
    assert operations["tested"] >= least[phases]
    assert report["complete"]
    assert {status["status"] for status in report["phases"].values()} <= {"success", "skip"}
    assert asked.returncode == 0, asked.stdout[-3000:]


def _write_people(folder: Path) -> None:
    """In the form of the Web Fuzzing Commons."""
    for part in (SETUP, HOOKS):
        shutil.copy(part, folder)
    key = DevelopmentKey(folder / "key.pem")
    people = [
        {
            "name": name,
            "fixedHeaders": [
                {"name": "Authorization", "value": f"Bearer {key.token(name, SystemClock())}"}
            ],
        }
        for name in ("alice", "bob")
    ]
    (folder / "people.json").write_text(json.dumps({"auth": people}))


def _command(served: Served, folder: Path, examples: int, phases: str) -> list[str | Path]:
    return [
        COMMAND,
        "--no-color",
        "run",
        f"{served.url}/openapi.json",
        f"--phases={phases}",
        f"--max-examples={examples}",
        "--seed=1",
        "--continue-on-failure",
        "--generation-database=none",
        "--suppress-health-check=all",  # they are about this machine's speed
        f"--report-json-path={folder / 'report.json'}",
    ]
