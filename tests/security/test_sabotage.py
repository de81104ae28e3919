"""The sabotages are still of this code: each can be done, and its test is there."""

from pathlib import Path
from pkgutil import resolve_name

from tests.security.sabotage.table import SABOTAGES

ROOT = Path(__file__).parents[2]
LEAST = 20


def test_what_each_sabotage_changes_is_there_and_its_test_too() -> None:
    assert len(SABOTAGES) >= LEAST
    for sabotage in SABOTAGES.values():
        for name in sabotage.changes:
            resolve_name(name)
        file, *_, test = sabotage.test.split("::")
        assert f"def {test.partition('[')[0]}(" in (ROOT / file).read_text(), sabotage.test
