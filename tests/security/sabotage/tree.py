"""A copy of the project to break, so that the project itself stays whole."""

import os
import shutil
import subprocess
import sys
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from tempfile import TemporaryDirectory

ROOT = Path(__file__).parents[3]
FOLDERS = ("domain", "application", "adapters", "entrypoints", "tests")
FILES = ("pyproject.toml", "README.md")
SECONDS = 1200


@dataclass(frozen=True)
class Edit:
    """In `file`, `old` stands exactly once; `new` stands in its place afterwards."""

    file: str
    old: str
    new: str

    def applied(self, root: Path = ROOT) -> str:
        """The file's text after it. Raises ValueError where the code is not what it was."""
        text = (root / self.file).read_text()
        if text.count(self.old) != 1:
            raise ValueError(f"{self.file} has {text.count(self.old)} times: {self.old}")
        return text.replace(self.old, self.new)


@dataclass(frozen=True)
class Sabotage:
    name: str
    edits: tuple[Edit, ...]
    test: str
    """Its pytest node."""


@dataclass(frozen=True)
class Tree:
    root: Path

    @contextmanager
    def sabotaged(self, edits: Iterable[Edit]) -> Iterator[None]:
        whole = {edit.file: (self.root / edit.file).read_text() for edit in edits}
        try:
            for edit in edits:
                (self.root / edit.file).write_text(edit.applied(self.root))
            yield
        finally:
            for file, text in whole.items():
                (self.root / file).write_text(text)

    def test(self, *nodes: str) -> int:
        """Pytest's exit code: 0 for green, 1 for red. Its processes see this tree alone."""
        with (self.root / "output").open("w") as output:
            return subprocess.run(
                [
                    sys.executable,
                    "-B",
                    "-m",
                    "pytest",
                    "-x",
                    "-q",
                    "-p",
                    "no:cacheprovider",
                    *nodes,
                ],
                cwd=self.root,
                env={**os.environ, "PYTHONPATH": str(self.root)},
                stdout=output,
                stderr=subprocess.STDOUT,
                check=False,
                timeout=SECONDS,
            ).returncode

    @property
    def said(self) -> str:
        """What the last test said at its end."""
        return (self.root / "output").read_text()[-2000:]


@contextmanager
def copied() -> Iterator[Tree]:
    with TemporaryDirectory() as folder:
        root = Path(folder)
        for name in FOLDERS:
            ignored = shutil.ignore_patterns("__pycache__", "node_modules")
            shutil.copytree(ROOT / name, root / name, ignore=ignored)
        for name in FILES:
            shutil.copy(ROOT / name, root)
        (root / "tests/node/node_modules").symlink_to(ROOT / "tests/node/node_modules")
        yield Tree(root)
