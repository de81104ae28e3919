"""The house keeps its own rules."""

import ast
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

ROOT = Path(__file__).parent.parent

TOOLS = {
    "the imports point inwards": ["lint-imports", "--no-cache"],
    "every type holds": ["mypy"],
    "the code is linted": ["ruff", "check", "."],
    "the code is formatted": ["ruff", "format", "--check", "."],
}


@pytest.mark.parametrize("command", TOOLS.values(), ids=TOOLS.keys())
def test_the_tree_passes_its_own_checks(command: list[str]) -> None:
    program = Path(sys.executable).with_name(command[0])
    done = subprocess.run(
        [program, *command[1:]], cwd=ROOT, capture_output=True, text=True, check=False
    )
    assert done.returncode == 0, done.stdout + done.stderr


def partials_of_classes(tree: ast.AST) -> Iterator[int]:
    """The lines where a class has a partial for an attribute."""
    for defined in ast.walk(tree):
        for told in defined.body if isinstance(defined, ast.ClassDef) else ():
            value = told.value if isinstance(told, ast.Assign | ast.AnnAssign) else None
            if isinstance(value, ast.Call) and ast.unparse(value.func).endswith("partial"):
                yield value.lineno


def test_no_class_has_a_partial_for_a_method() -> None:
    """Python 3.14 gives such a one the instance, where older ones do not: `staticmethod` says
    which is meant (What's New In Python 3.14, on functools.partial)."""
    packages = ("domain", "application", "adapters", "entrypoints")
    files = [file for package in packages for file in (ROOT / package).rglob("*.py")]
    found = {file: [*partials_of_classes(ast.parse(file.read_text()))] for file in files}
    assert {str(file): lines for file, lines in found.items() if lines} == {}
    wrong = "class C:\n    read = functools.partial(map, str)"
    assert [*partials_of_classes(ast.parse(wrong))] == [2]
