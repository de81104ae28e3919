"""What is installed is what was locked, wherever it comes from."""

import json
import re
from pathlib import Path

import pytest

ROOT = Path(__file__).parent.parent
LOCKS = sorted((ROOT / "requirements").glob("*.txt"))
REQUIREMENT = re.compile(r"^([a-z0-9._-]+)(?:\[[a-z,-]+\])?==(\S+)(?: ;.*?)?((?: --hash=\S+)+)$")


def requirements(lock: Path) -> list[str]:
    joined = lock.read_text().replace(" \\\n    ", " ")
    return [line for line in joined.splitlines() if line and not line.startswith("#")]


@pytest.mark.parametrize("lock", LOCKS, ids=lambda lock: lock.stem)
def test_every_python_package_has_one_version_and_hashes(lock: Path) -> None:
    """And no address, which would be that of whoever made the lock."""
    for line in requirements(lock):
        found = REQUIREMENT.match(line)
        assert found, line
        assert all(one.startswith("--hash=sha256:") for one in found[3].split())
    assert "://" not in lock.read_text()


def test_development_runs_on_what_is_served() -> None:
    runtime, development = (
        {line.split()[0] for line in requirements(lock)} for lock in LOCKS[::-1]
    )
    assert {lock.stem for lock in LOCKS} == {"runtime", "development"}
    assert runtime <= development


def test_every_node_package_has_one_version_and_a_hash() -> None:
    lock = json.loads((ROOT / "tests/node/package-lock.json").read_text())
    for path, package in lock["packages"].items():
        if path:
            assert package["version"], path
            assert package["integrity"].startswith("sha512-"), path
            assert "resolved" not in package, path
