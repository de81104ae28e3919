"""Shows which locked packages lack a wheel for a Python and a platform: python -m tests.wheels.

Exits with 1 if one lacks where the README says that it can be installed.
"""

import json
import subprocess
import sys
import tempfile
from collections.abc import Iterable
from pathlib import Path

from packaging.requirements import Requirement
from packaging.utils import canonicalize_name

from tests.locks import PYTHONS, ROOT, lines


def _linux(machine: str) -> dict[str, list[str]]:
    """Tags of glibc up to 2.28, which RHEL 8 has, and of musl (PEP 600 and 656)."""
    old = ["manylinux2014", *(["manylinux2010", "manylinux1"] if machine == "x86_64" else [])]
    glibc = [f"manylinux_2_{minor}" for minor in range(28, 4, -1)] + old
    return {
        f"glibc {machine}": [f"{tag}_{machine}" for tag in glibc],
        f"musl {machine}": [f"musllinux_1_{minor}_{machine}" for minor in (2, 1)],
    }


PLATFORMS = {
    **_linux("x86_64"),
    **_linux("aarch64"),
    "macOS arm64": ["macosx_14_0_arm64"],
    "macOS x86_64": ["macosx_14_0_x86_64"],
}
PROMISED = {
    "to run": PLATFORMS.keys() - {"macOS x86_64"},
    "to test": {"glibc x86_64", "glibc aarch64", "macOS arm64"},
}


def requirement(line: str) -> Requirement:
    return Requirement(line.partition(" --hash=")[0])


def applies(line: str, python: str, platform: str) -> bool:
    marker = requirement(line).marker
    return marker is None or marker.evaluate(
        {
            "python_version": python,
            "python_full_version": f"{python}.9",
            "sys_platform": "darwin" if platform.startswith("macOS") else "linux",
            "platform_machine": platform.split()[1],
        }
    )


def without_marker(line: str) -> str:
    """Which pip would evaluate for the Python and the platform that it runs on."""
    wanted, mark, hashes = line.partition(" --hash=")
    return wanted.partition(" ;")[0] + mark + hashes


def try_to_install(wanted: Iterable[str], python: str, platform: str) -> tuple[list[str], str]:
    """The names of the files that pip would install, or what it says instead."""
    with tempfile.TemporaryDirectory() as folder:
        given, report = Path(folder, "given.txt"), Path(folder, "report.json")
        given.write_text("\n".join(wanted))
        pip = [sys.executable, "-m", "pip", "install", "--quiet", "--disable-pip-version-check"]
        how = ["--dry-run", "--require-hashes", "--no-deps", "--only-binary=:all:"]
        where = ["--implementation=cp", f"--python-version={python}", f"--target={folder}"]
        tags = [f"--platform={tag}" for tag in PLATFORMS[platform]]
        done = subprocess.run(
            [*pip, *how, *where, *tags, f"--report={report}", f"--requirement={given}"],
            capture_output=True,
            text=True,
            check=False,
        )
        found = json.loads(report.read_text())["install"] if report.exists() else []
    return [one["download_info"]["url"].rpartition("/")[2] for one in found], done.stderr


def found_and_lacking(
    locked: Iterable[str], python: str, platform: str
) -> tuple[list[str], list[str]]:
    """The files that would be installed there, and the packages that have none."""
    wanted = {
        requirement(line).name: without_marker(line)
        for line in locked
        if applies(line, python, platform)
    }
    lacking: list[str] = []
    while wanted:
        files, said = try_to_install(wanted.values(), python, platform)
        if files:
            return files, lacking
        _, found, rest = said.partition("No matching distribution found for ")
        if not found:
            raise SystemExit(said)
        lacking.append(Requirement(rest.split()[0]).name)
        del wanted[lacking[-1]]
    return [], lacking


def built(locked: Iterable[str]) -> list[str]:
    """Those whose wheels are not for every Python 3 and every platform."""
    files, _ = found_and_lacking(locked, PYTHONS[0], "glibc x86_64")
    pure = {canonicalize_name(file.split("-")[0]) for file in files if "-none-any." in file}
    return [line for line in locked if requirement(line).name not in pure]


def main() -> int:
    runtime, development = (
        lines(ROOT / "requirements" / f"{name}.txt") for name in ("runtime", "development")
    )
    needed = {"to run": runtime, "to test": [line for line in development if line not in runtime]}
    broken = False
    print(f"| needed | platform | {' | '.join(PYTHONS)} |\n|---|---|{'---|' * len(PYTHONS)}")
    for name, locked in needed.items():
        considered = built(locked)
        for platform in PLATFORMS:
            lacking = [found_and_lacking(considered, python, platform)[1] for python in PYTHONS]
            broken |= platform in PROMISED[name] and any(lacking)
            cells = [", ".join(names) or "all" for names in lacking]
            print(f"| {name} | {platform} | {' | '.join(cells)} |", flush=True)
    return int(broken)


if __name__ == "__main__":
    raise SystemExit(main())
