"""Run each sabotage's test with the defence taken away.

Names, or parts of them, as arguments pick some. Ends with 1 unless all are caught.
"""

import os
import subprocess
import sys
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

from tests.security.sabotage.table import SABOTAGES

STARTUP = Path(__file__).with_name("startup")
OPTIONS = ("-x", "-q", "-p", "no:cacheprovider")
SECONDS = 1200


def run(*tests: str, sabotage: str = "") -> subprocess.CompletedProcess[str]:
    """Pytest, which ends with 0 for green and with 1 for red."""
    return subprocess.run(
        [sys.executable, "-m", "pytest", *OPTIONS, *tests],
        env=os.environ | {"SABOTAGE": sabotage, "PYTHONPATH": str(STARTUP)},
        capture_output=True,
        text=True,
        check=False,
        timeout=SECONDS,
    )


def is_caught(name: str) -> bool:
    done = run(SABOTAGES[name].test, sabotage=name)
    caught = done.returncode == 1
    print(f"{'caught' if caught else 'MISSED'}  {name}: {SABOTAGES[name].test}", flush=True)
    if not caught:
        print(done.stdout[-2000:], done.stderr[-2000:])
    return caught


def main(*wanted: str) -> int:
    chosen = [name for name in SABOTAGES if not wanted or any(part in name for part in wanted)]
    if not chosen:
        print("No sabotage has such a name.")
        return 1
    whole = run(*dict.fromkeys(SABOTAGES[name].test for name in chosen))
    if whole.returncode:
        print(f"The tests fail before anything is taken away:\n{whole.stdout}{whole.stderr}")
        return 1
    with ThreadPoolExecutor(os.cpu_count()) as pool:
        caught = list(pool.map(is_caught, chosen))
    print(f"{sum(caught)} of {len(chosen)} caught")
    return int(not all(caught))


if __name__ == "__main__":
    sys.exit(main(*sys.argv[1:]))
