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
    locked = {lock.stem: {line.split()[0] for line in requirements(lock)} for lock in LOCKS}
    assert locked.keys() == {"runtime", "development", "cluster"}
    assert locked["runtime"] <= locked["development"]


def test_what_the_cluster_needs_goes_beside_the_rest() -> None:
    """A package that both locks name has one version in them, for they share one environment."""
    development, cluster = (
        dict(line.split()[0].split("==") for line in requirements(ROOT / "requirements" / name))
        for name in ("development.txt", "cluster.txt")
    )
    shared = development.keys() & cluster.keys()
    assert shared
    assert {name: cluster[name] for name in shared} == {name: development[name] for name in shared}


def test_every_node_package_has_one_version_and_a_hash() -> None:
    lock = json.loads((ROOT / "tests/node/package-lock.json").read_text())
    for path, package in lock["packages"].items():
        if path:
            assert package["version"], path
            assert package["integrity"].startswith("sha512-"), path
            assert "resolved" not in package, path
