"""A release has what is committed, can be traced to what it runs on, and serves by itself."""

import json
import re
import shutil
import subprocess
import sys
from collections.abc import Iterator
from dataclasses import dataclass
from hashlib import sha256
from importlib.resources import files
from pathlib import Path
from sysconfig import get_path
from tarfile import TarFile
from typing import Any
from zipfile import ZipFile

import pytest
from jsonschema_rs import Draft7Validator, Registry

from entrypoints.http.app import routed_app
from entrypoints.version import VERSION
from tests.locks import ROOT, lines
from tests.serving import environment, serving
from tests.waiting import WAIT_SECONDS

PACKAGES = ("domain/", "application/", "adapters/", "entrypoints/")
NOT_COMMITTED = (".git", ".venv", "node_modules", "__pycache__", ".*_cache", "artefacts", "mutants")
NAME = f"chat_sessions-{VERSION}"
WHEEL, ARCHIVE = f"{NAME}-py3-none-any.whl", f"{NAME}.tar.gz"
SBOM, LOCK = f"{NAME}.cdx.json", f"{NAME}.requirements.txt"


@dataclass(frozen=True)
class Checkout:
    """A repository with the project as its only commit."""

    root: Path

    def git(self, *arguments: str) -> str:
        author = ("-c", "user.name=A", "-c", "user.email=a@example.org")
        command = ("/usr/bin/env", "git", *author, *arguments)
        return self._run(command, check=True).stdout

    def release(self) -> subprocess.CompletedProcess[str]:
        return self._run((sys.executable, "-m", "tests.release"))

    @property
    def files(self) -> set[str]:
        return set(self.git("ls-files").splitlines())

    @property
    def dist(self) -> dict[str, bytes]:
        return {path.name: path.read_bytes() for path in (self.root / "dist").iterdir()}

    def _run(
        self, command: tuple[str, ...], *, check: bool = False
    ) -> subprocess.CompletedProcess[str]:
        kept = {name: text for name, text in environment().items() if not name.startswith("GIT_")}
        return subprocess.run(
            command,
            cwd=self.root,
            env=kept,
            capture_output=True,
            text=True,
            check=check,
            timeout=WAIT_SECONDS,
        )


@pytest.fixture(scope="module")
def checkout(tmp_path_factory: pytest.TempPathFactory) -> Checkout:
    """One that has been released."""
    root = tmp_path_factory.mktemp("release") / "checkout"
    shutil.copytree(ROOT, root, ignore=shutil.ignore_patterns(*NOT_COMMITTED))
    (root / "CHANGELOG.md").write_text(f"## Unreleased\n\n## {VERSION} - 2026-11-29\n")
    made = Checkout(root)
    made.git("init", "--quiet")
    made.git("add", "--all")
    made.git("commit", "--quiet", "--message", "All")
    done = made.release()
    assert done.returncode == 0, done.stderr
    assert done.stdout.split() == [f"dist/{name}" for name in sorted(made.dist)]
    assert made.dist.keys() == {WHEEL, ARCHIVE, SBOM, LOCK}
    return made


def test_the_wheel_has_the_four_packages_and_nothing_else(checkout: Checkout) -> None:
    with ZipFile(checkout.root / "dist" / WHEEL) as wheel:
        packed = set(wheel.namelist())
        fields = wheel.read(f"{NAME}.dist-info/METADATA").decode().partition("\n\n")[0].splitlines()
    about = {f"{NAME}.dist-info/{name}" for name in ("METADATA", "RECORD", "WHEEL")}
    about.add(f"{NAME}.dist-info/entry_points.txt")
    assert packed == about | {name for name in checkout.files if name.startswith(PACKAGES)}
    assert f"Version: {VERSION}" in fields
    assert "Requires-Python: >=3.11" in fields
    assert "Classifier: Private :: Do Not Upload" in fields
    assert "Description-Content-Type: text/markdown" in fields
    assert not [field for field in fields if field.startswith("License")]


def test_the_readme_installs_this_version() -> None:
    readme = (ROOT / "README.md").read_text()
    named = re.findall(r"(chat_sessions-\d\S+)\n", readme)
    assert set(named) == {WHEEL, LOCK}


def test_no_licence_is_told_of_that_was_not_given(checkout: Checkout) -> None:
    """The README says that there is none."""
    files = [name.lower() for name in checkout.files if "/" not in name]
    assert not [name for name in files if name.startswith(("licen", "copying"))]
    assert "license" not in routed_app().openapi()["info"]
    assert "**No licence has been given yet.**" in (ROOT / "README.md").read_text()


def test_the_changelog_has_what_comes_first_and_a_date_for_each_release() -> None:
    """So that `make release` finds the heading of the version."""
    headings = re.findall("^## (.+)$", (ROOT / "CHANGELOG.md").read_text(), re.MULTILINE)
    unreleased, *released = headings
    assert unreleased == "Unreleased"
    assert released
    assert all(re.fullmatch(r"\d+\.\d+\.\d+ - \d{4}-\d\d-\d\d", one) for one in released)


def test_the_source_archive_is_the_checkout(checkout: Checkout) -> None:
    with TarFile.open(checkout.root / "dist" / ARCHIVE) as archive:
        packed = {name.partition("/")[2] for name in archive.getnames()}
    assert packed == checkout.files | {"PKG-INFO"}


def test_the_lock_is_that_of_the_runtime(checkout: Checkout) -> None:
    assert checkout.dist[LOCK] == (ROOT / "requirements" / "runtime.txt").read_bytes()


def validator() -> Draft7Validator:
    """For CycloneDX 1.6, by the schemas that its library carries."""
    folder = files("cyclonedx.schema") / "_res"
    names = ("bom-1.6", "spdx", "jsf-0.82")
    schemas = {
        f"http://cyclonedx.org/schema/{name}": json.loads((folder / name).read_text())
        for name in (f"{name}.SNAPSHOT.schema.json" for name in names)
    }
    known = Registry(list(schemas.items()))
    return Draft7Validator(next(iter(schemas.values())), registry=known)


def test_the_sbom_has_every_package_of_the_lock(checkout: Checkout) -> None:
    sbom: Any = json.loads(checkout.dist[SBOM])
    assert [error.message for error in validator().iter_errors(sbom)] == []
    about = sbom["metadata"]["component"]
    assert (about["name"], about["version"]) == ("chat-sessions", VERSION)
    assert about["hashes"] == [
        {"alg": "SHA-256", "content": sha256(checkout.dist[WHEEL]).hexdigest()}
    ]
    listed = {one["purl"]: one for one in sbom["components"]}
    expected = {}
    for line in lines(ROOT / "requirements" / "runtime.txt"):
        name, version = re.findall(r"^([^=\[]+)(?:\[.+\])?==(\S+)", line)[0]
        expected[f"pkg:pypi/{name}@{version}"] = set(re.findall("sha256:([0-9a-f]+)", line))
    assert {url: hashes(one) for url, one in listed.items()} == expected
    excluded = {one["name"] for one in sbom["components"] if one.get("scope") == "excluded"}
    assert {"hatchling", "trove-classifiers"} <= excluded
    assert excluded & {"fastapi", "greenlet", "starlette", "typing-extensions"} == set()
    asked = {one["ref"]: one.get("dependsOn", []) for one in sbom["dependencies"]}
    assert asked.keys() == {about["bom-ref"], *listed}
    assert listed.keys() >= {url for urls in asked.values() for url in urls}
    (sqlalchemy,) = (url for url in listed if url.startswith("pkg:pypi/sqlalchemy@"))
    assert sqlalchemy in asked[about["bom-ref"]]
    assert any(url.startswith("pkg:pypi/greenlet@") for url in asked[sqlalchemy])


def hashes(component: Any) -> set[str]:
    return {one["content"] for one in component["hashes"]}


def test_a_second_build_is_the_same_to_the_byte(checkout: Checkout) -> None:
    first = checkout.dist
    assert checkout.release().returncode == 0
    assert checkout.dist == first


@pytest.fixture
def changelog(checkout: Checkout) -> Iterator[Path]:
    """Whose changes are taken back."""
    head = checkout.git("rev-parse", "HEAD").strip()
    yield checkout.root / "CHANGELOG.md"
    checkout.git("reset", "--quiet", "--hard", head)


@pytest.mark.parametrize(
    ("heading", "instead", "refusal"),
    [
        (f"## {VERSION} - ", "## 0.0.1 - ", f"has no heading for this version: ## {VERSION} - "),
        ("## Unreleased\n", "## Unreleased\n\n- More.\n", "has changes under Unreleased"),
        ("## Unreleased\n", "## Unreleased\n\n### Fixed\n", "has changes under Unreleased"),
    ],
)
def test_what_the_changelog_does_not_name_is_not_released(
    checkout: Checkout, changelog: Path, heading: str, instead: str, refusal: str
) -> None:
    text = changelog.read_text()
    changelog.write_text(text.replace(heading, instead, 1))
    assert changelog.read_text() != text
    done = checkout.release()
    assert done.returncode == 1
    assert (
        done.stderr == "make release: commit or remove what is not committed first: CHANGELOG.md\n"
    )
    checkout.git("commit", "--quiet", "--all", "--message", "Changed")
    done = checkout.release()
    assert done.returncode == 1
    assert done.stderr.startswith(f"make release: CHANGELOG.md {refusal}")
    assert done.stderr.count("\n") == 1


@pytest.fixture(scope="module")
def installed(checkout: Checkout, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The programs of an environment with the wheel, and with the packages of this one in place of
    those that the network would bring."""
    place = tmp_path_factory.mktemp("installed")
    programs = place / "bin"
    venv = (sys.executable, "-m", "venv", "--without-pip", place)
    pip = (sys.executable, "-m", "pip", "--python", programs / "python", "--quiet")
    install = ("install", "--no-deps", "--no-index", "--disable-pip-version-check")
    for command in (venv, (*pip, *install, checkout.root / "dist" / WHEEL)):
        subprocess.run(command, check=True, timeout=WAIT_SECONDS)
    (site,) = place.glob("lib/python*/site-packages")
    (site / "theirs.pth").write_text(get_path("purelib"))
    return programs


def test_the_wheel_serves_without_the_checkout(installed: Path, tmp_path: Path) -> None:
    """With one version wherever it is asked for."""

    def said(*command: str, folder: Path = tmp_path) -> str:
        return subprocess.run(
            (installed / command[0], *command[1:]),
            cwd=folder,
            env=environment(HOME=str(folder)),
            stdout=subprocess.PIPE,
            text=True,
            check=True,
            timeout=WAIT_SECONDS,
        ).stdout.strip()

    where = Path(said("python", "-c", "import entrypoints; print(entrypoints.__file__)"))
    assert where.is_relative_to(installed.parent)
    assert said("chat-sessions", "--version") == f"chat-sessions {VERSION}"
    said("chat-sessions", "migrate")
    said("chat-sessions", "migrate", "--check")
    with (
        serving(tmp_path, command=(installed / "chat-sessions", "serve")) as served,
        served.client() as client,
    ):
        assert client.get("/readyz").status_code == 200
        assert client.get("/docs").status_code == 200
        assert client.post("/sessions", json={"title": "Lisbon"}).status_code == 201
        assert client.get("/openapi.json").json()["info"]["version"] == VERSION
    (started,) = (
        line
        for line in map(json.loads, (tmp_path / "stdout").read_text().splitlines())
        if line["event"] == "service.started"
    )
    assert started["version"] == VERSION
