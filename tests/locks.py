"""What the locks in requirements/ have installed."""

from collections.abc import Iterator
from importlib.metadata import requires
from itertools import product
from pathlib import Path

from packaging.requirements import Requirement

ROOT = Path(__file__).parent.parent
LOCKS = sorted((ROOT / "requirements").glob("*.txt"))
PYTHONS = ("3.11", "3.12", "3.13", "3.14")
PLATFORMS = ("linux", "darwin")


def lines(lock: Path) -> list[str]:
    """One a package."""
    joined = lock.read_text().replace(" \\\n    ", " ")
    return [line for line in joined.splitlines() if line and not line.startswith("#")]


def pinned(lock: Path) -> list[tuple[Requirement, list[str]]]:
    """Each package, once for each version of it, with the SHA-256 of its files."""
    split = [line.split(" --hash=sha256:") for line in lines(lock)]
    return [(Requirement(requirement), hashes) for requirement, *hashes in split]


def locked(name: str) -> dict[str, Requirement]:
    """By name, what a lock has installed."""
    path = ROOT / "requirements" / f"{name}.txt"
    return {requirement.name: requirement for requirement, _ in pinned(path)}


def asked_for(requirement: Requirement) -> Iterator[Requirement]:
    """What an installed package asks for, with the extras that it is locked with, on any Python and
    platform that the service runs on."""
    for text in requires(requirement.name) or ():
        asked = Requirement(text)
        environments = (
            {"python_version": python, "python_full_version": f"{python}.0"}
            | {"sys_platform": platform, "extra": extra}
            for python, platform, extra in product(PYTHONS, PLATFORMS, ["", *requirement.extras])
        )
        if asked.marker is None or any(map(asked.marker.evaluate, environments)):
            yield asked
