"""`make` notices when the environment in `.venv` holds no longer, and says what hinders it.

The project is a stand-in: the Makefile, nothing to install, and Pythons of its own whose
`ensurepip` does nothing, so that an environment is made in no time.
"""

import os
import shutil
import subprocess
import sys
import tempfile
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from tests.waiting import WAIT_SECONDS

ROOT = Path(__file__).parent.parent
REAL = Path(sys._base_executable).resolve()  # type: ignore[attr-defined]  # noqa: SLF001 - as venv does
LIBRARY = Path(os.__file__).parent
STDERR_OF_MAKE = "make: *** "
OF_MAKE = {"MAKEFLAGS", "MAKELEVEL", "PYTHON"}
"""What a make that runs the tests hands on, the Python that it was given among it."""


def made_python(folder: Path, ensurepip: str | None = "") -> Path:
    """A Python that is none of the machine's, called `python3` too.

    `ensurepip` is what that module does, if it is there.
    """
    library = folder / "lib" / LIBRARY.name
    library.mkdir(parents=True)
    for part in LIBRARY.iterdir():
        if part.name not in {"ensurepip", "site-packages"}:
            (library / part.name).symlink_to(part)
    for shared in LIBRARY.parent.glob("libpython*"):
        (library.parent / shared.name).symlink_to(shared)
    if ensurepip is not None:
        (library / "ensurepip").mkdir()
        (library / "ensurepip" / "__init__.py").touch()
        (library / "ensurepip" / "__main__.py").write_text(ensurepip)
    python = folder / "bin" / REAL.name
    python.parent.mkdir()
    shutil.copy2(REAL, python)
    (python.parent / "python3").symlink_to(python.name)
    return python


class Project:
    """A checkout, and a machine with one Python, `first`; another is found after it."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder / "checkout"
        (self.folder / "requirements").mkdir(parents=True)
        for name in ("Makefile", "pyproject.toml", "requirements/environment.sh"):
            shutil.copy2(ROOT / name, self.folder / name)
        (self.folder / "requirements/runtime.txt").touch()
        self.first = made_python(folder / "first")
        self.second = folder / "second"

    def make(self, *arguments: str, python: Path | None = None, user: str | None = None) -> str:
        """What it prints on stderr: nothing where there was nothing to tell."""
        path = f"{self.first.parent}:{self.second / 'bin'}:{os.environ['PATH']}"
        environment = {name: value for name, value in os.environ.items() if name not in OF_MAKE}
        done = subprocess.run(
            ["make", "INSTALL=@:", "install", *arguments]
            + ([f"PYTHON={python}"] if python else []),
            cwd=self.folder,
            env=environment | {"PATH": path},
            user=user,
            capture_output=True,
            text=True,
            check=False,
            timeout=WAIT_SECONDS,
        )
        lines = [line for line in done.stderr.splitlines() if not line.startswith(STDERR_OF_MAKE)]
        assert (done.returncode == 0) is all(line.startswith("Making") for line in lines), lines
        return "\n".join(lines)

    def runs(self) -> Path:
        """Whose Python the environment has."""
        assert (self.folder / ".venv" / "runtime.txt").exists()
        return (self.folder / ".venv" / "bin" / "python").resolve()


@pytest.fixture
def project(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Project:
    """As under `make PYTHON=... test`, whose Python is none of the project's."""
    monkeypatch.setenv("PYTHON", str(REAL))
    project = Project(tmp_path)
    assert project.make() == ""
    assert project.make() == ""
    return project


def copied(project: Project) -> None:
    shutil.copytree(project.folder, project.folder.parent / "copy", symlinks=True)
    project.folder = project.folder.parent / "copy"


def moved(project: Project) -> None:
    project.folder = project.folder.rename(project.folder.parent / "moved, to another")


def made_by_hand(project: Project) -> None:
    (project.folder / ".venv" / "made-in").unlink()


def python_gone(project: Project) -> None:
    shutil.rmtree(project.first.parent)
    project.first = made_python(project.second)


def python_upgraded(project: Project) -> None:
    """The environment knows only the name `python3`, which leads to another now."""
    link = project.first.parent / "python3"
    project.first = project.first.rename(project.first.parent / "python3.99")
    link.unlink()
    link.symlink_to(project.first.name)


ELSEWHERE = "it is not known to have been made in this folder"


@pytest.mark.parametrize(
    ("happens", "told"),
    [
        (copied, ELSEWHERE),
        (moved, ELSEWHERE),
        (made_by_hand, ELSEWHERE),
        (python_gone, "its Python is gone"),
        (python_upgraded, "its Python was replaced by another"),
    ],
)
def test_an_environment_that_does_not_hold_is_made_anew(
    project: Project, happens: Callable[[Project], None], told: str
) -> None:
    left = project.folder / ".venv" / "left-over"
    left.touch()
    happens(project)
    assert project.make("--dry-run") == ""
    assert (project.folder / ".venv" / "left-over").exists()
    assert project.make("-j4") == f"Making .venv anew: {told}"
    assert not (project.folder / ".venv" / "left-over").exists()
    assert project.runs() == project.first
    assert project.make() == ""


def test_a_python_that_is_named_is_the_environments(project: Project, tmp_path: Path) -> None:
    other = made_python(tmp_path / "another")
    assert project.make(python=project.first) == ""
    assert project.make(python=other) == "Making .venv anew: it is of another Python"
    assert project.runs() == other
    assert project.make(python=other) == ""
    assert project.make() == "", "that it was named once is enough"
    moved(project)
    assert project.make() == f"Making .venv anew: {ELSEWHERE}"
    assert project.runs() == other


def test_what_hinders_it_is_told_in_one_line(project: Project, tmp_path: Path) -> None:
    """And an environment that holds is left as it is."""
    full = 'raise SystemExit("a\\nOSError: [Errno 28] No space left on device\\nb")'
    old = tmp_path / "old"
    old.write_text("#!/bin/sh\necho 3.9 False\n")
    old.chmod(0o700)
    cannot = f"Cannot make {project.folder}/.venv: "
    absent, bare = tmp_path / "absent", made_python(tmp_path / "another", ensurepip=None)
    assert project.make(python=absent).startswith(f"{cannot}{absent} does not run, make PYTHON=")
    assert project.make(python=old).startswith(f"{cannot}Python 3.11 or later is needed and {old} ")
    assert project.make(python=bare) == (
        f"{cannot}{bare} lacks the modules venv and ensurepip (on Debian: apt install python3-venv)"
    )
    assert project.make() == ""
    assert project.make(python=made_python(tmp_path / "third", full)) == (
        "Making .venv anew: it is of another Python\n"
        f"{cannot}OSError: [Errno 28] No space left on device"
    )
    assert not (project.folder / ".venv").exists()


@pytest.fixture
def public() -> Iterator[Path]:
    """A folder that every user may look into."""
    with tempfile.TemporaryDirectory(dir="/tmp") as folder:
        Path(folder).chmod(0o755)
        yield Path(folder)


def test_a_folder_that_cannot_be_written_is_named(public: Path) -> None:
    """One that needs nothing new is served from as it is."""
    project = Project(public)
    project.folder.chmod(0o555)
    user = "nobody" if os.geteuid() == 0 else None
    assert "cannot write in this folder" in project.make(user=user)
    project.folder.chmod(0o755)
    assert project.make() == ""
    project.folder.chmod(0o555)
    assert project.make(user=user) == ""
    project.folder.chmod(0o755)
