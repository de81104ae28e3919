"""Where the figures go: sections of docs/performance.md between marks, and plots beside it."""

import os
import platform
import re
import sqlite3
from importlib.metadata import version
from pathlib import Path
from textwrap import fill

from tests.bench.stage import Stage

PAGE = Path(__file__).parents[2] / "docs/performance.md"

LIBRARIES = (
    "FastAPI",
    "Starlette",
    "uvicorn",
    "httptools",
    "uvloop",
    "SQLAlchemy",
    "asyncpg",
    "msgspec",
)


def put(section: str, text: str) -> None:
    """In place of what stands between the marks of that section."""
    begin, end = f"<!-- {section}: by make bench -->", f"<!-- end of {section} -->"
    page = PAGE.read_text()
    pattern = re.compile(rf"{re.escape(begin)}.*?{re.escape(end)}", re.DOTALL)
    changed, found = pattern.subn(lambda _: f"{begin}\n\n{text}\n\n{end}", page)
    if found != 1:
        raise RuntimeError(f"{PAGE} has no section {section}")
    PAGE.write_text(changed)


def machine(made: Stage, rounds: int) -> str:
    loads = "{:.1f}, {:.1f} and {:.1f}".format(*os.getloadavg())
    libraries = ", ".join(f"{name} {version(name)}" for name in LIBRARIES)
    text = (
        f"Measured with PostgreSQL {made.server.execute('SHOW server_version')}, "
        f"SQLite {sqlite3.sqlite_version}, Python {platform.python_version()}, {libraries}, "
        f"on {os.cpu_count()} processors ({_processor()}, Linux {_kernel()}), in {rounds} "
        f"rounds; at the end the machine had a load of {loads} over one, five and fifteen minutes, "
        "this run's own included."
    )
    return fill(text, 100, break_long_words=False, break_on_hyphens=False)


def _processor() -> str:
    found = re.search(r"model name\s*: (.*)", Path("/proc/cpuinfo").read_text(encoding="utf-8"))
    return found[1] if found else platform.machine()


def _kernel() -> str:
    """Its release, without what tells one machine's build."""
    return ".".join(platform.release().split(".")[:2])
