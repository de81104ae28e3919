"""The sabotages are still of this code: each of them can be done, and its test is there."""

import ast
from pathlib import Path

import pytest

from tests.security.sabotage.table import SABOTAGES
from tests.security.sabotage.tree import ROOT, Sabotage

LEAST = 20


def test_there_are_enough_of_different_names() -> None:
    assert len({sabotage.name for sabotage in SABOTAGES}) == len(SABOTAGES) >= LEAST


@pytest.mark.parametrize("sabotage", SABOTAGES, ids=lambda sabotage: sabotage.name)
def test_a_sabotage_changes_one_place_of_the_code_and_its_test_exists(sabotage: Sabotage) -> None:
    for edit in sabotage.edits:
        assert not edit.file.startswith("tests")
        changed = edit.applied()
        assert ast.dump(ast.parse(changed)) != ast.dump(ast.parse((ROOT / edit.file).read_text()))
    file, *_, name = sabotage.test.split("::")
    assert f"def {name.partition('[')[0]}(" in Path(ROOT / file).read_text()
