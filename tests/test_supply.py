"""What is installed is what was locked, wherever it comes from."""

import json
import re
import subprocess
from importlib.metadata import PackageNotFoundError
from itertools import combinations
from pathlib import Path

import pytest
from packaging.requirements import Requirement
from packaging.utils import canonicalize_name

from tests import postgresql
from tests.locks import LOCKS, ROOT, asked_for, lines, locked


@pytest.mark.parametrize("lock", LOCKS, ids=lambda lock: lock.stem)
def test_every_python_package_has_one_version_and_hashes(lock: Path) -> None:
    """And no address, which would be that of whoever made the lock."""
    for line in lines(lock):
        requirement, *hashes = line.split(" --hash=")
        assert re.fullmatch(r"==[^,*]+", str(Requirement(requirement).specifier)), line
        assert hashes, line
        assert all(re.fullmatch("sha256:[0-9a-f]{64}", one) for one in hashes), line
    assert "://" not in lock.read_text()


@pytest.mark.parametrize("name", ["runtime", "development"])
def test_what_is_asked_for_with_an_extra_is_locked_with_it(name: str) -> None:
    """Or pip before 23.3 takes the extra for a requirement that is not locked, and refuses the lock
    as soon as the package has a newer release."""
    packages = locked(name)
    compared = 0
    for requirement in packages.values():
        try:
            asked = list(asked_for(requirement))
        except PackageNotFoundError:  # it is for another Python or platform
            assert requirement.marker
            continue
        for one in asked:
            found = packages.get(canonicalize_name(one.name))
            if found is not None:
                compared += 1
                assert one.extras <= found.extras, f"{requirement} asks for {one}"
    assert compared > len(packages) / 2


def test_development_runs_on_what_is_served() -> None:
    locks = {"runtime", "development", "cluster", "clients", "frameworks"}
    assert {lock.stem for lock in LOCKS} == locks
    developed = locked("development")
    for name, served in locked("runtime").items():
        found = developed[name]
        assert (found.specifier, found.marker) == (served.specifier, served.marker)
        assert served.extras <= found.extras


def test_what_some_tests_need_goes_beside_the_rest() -> None:
    """A package that two locks name has one version in them, for they share one environment."""
    installed = [locked(name) for name in ("development", "cluster", "clients")]
    for one, other in combinations(installed, 2):
        for name in one.keys() & other.keys():
            assert one[name].specifier == other[name].specifier


@pytest.mark.parametrize("folder", ["tests/node", "clients/typescript"])
def test_every_node_package_has_one_version_and_a_hash(folder: str) -> None:
    lock = json.loads((ROOT / folder / "package-lock.json").read_text())
    for path, package in lock["packages"].items():
        if path:
            assert package["version"], path
            assert package["integrity"].startswith("sha512-"), path
            assert "resolved" not in package, path


def test_postgresql_runs_where_nobody_may_read_the_environment(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """As for root in a home of its own: the programs are copied, with the libraries that they find
    beside them."""
    monkeypatch.delenv("PG_BIN", raising=False)
    monkeypatch.setattr(postgresql, "may_read", lambda path, user: False)  # noqa: ARG005
    programs = postgresql.programs_for(tmp_path, "nobody")
    assert programs.is_relative_to(tmp_path)
    for program in ("initdb", "postgres", "psql"):
        ran = subprocess.run([programs / program, "--version"], check=True, capture_output=True)
        assert b"(PostgreSQL)" in ran.stdout
