"""The core, and the tests of it, run without a framework."""

import subprocess
import sys
import tomllib
from pathlib import Path

ROOT = Path(__file__).parents[2]
IMPORT = """
import sys
from importlib import import_module
for name in sys.argv[1:]:
    import_module(name)
print(*sorted({name.partition(".")[0] for name in sys.modules}), sep="\\n")
"""


def test_the_core_its_tests_and_the_storage_in_memory_load_no_framework() -> None:
    """The libraries that import-linter keeps from the core, but for `uuid_utils`, which makes ids
    for the tests."""
    contracts = tomllib.loads((ROOT / "pyproject.toml").read_text())["tool"]["importlinter"]
    (forbidden,) = [
        set(contract["forbidden_modules"])
        for contract in contracts["contracts"]
        if contract["name"] == "The core knows no framework"
    ]
    paths = [
        path.relative_to(ROOT).with_suffix("")
        for folder in ("domain", "application", "adapters/memory", "tests/application")
        for path in (ROOT / folder).rglob("*.py")
    ]
    modules = [".".join(path.parts).removesuffix(".__init__") for path in paths]
    loaded = subprocess.run(
        [sys.executable, "-c", IMPORT, *modules],
        cwd=ROOT,
        capture_output=True,
        text=True,
        check=True,
    ).stdout.split()
    assert {"application", "adapters"} <= set(loaded)
    assert not (forbidden - {"uuid_utils"}) & set(loaded)
