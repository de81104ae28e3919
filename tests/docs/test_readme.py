"""What the README says is so: its commands give its answers, its table is the settings."""

import re
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

from entrypoints.settings import PREFIX, Settings
from tests.serving import environment

ROOT = Path(__file__).parents[2]
README = (ROOT / "README.md").read_text()
BLOCK = re.compile(r"^```(\w+)\n(.*?)^```$", re.MULTILINE | re.DOTALL)


def section(title: str) -> list[tuple[str, str]]:
    """The fenced blocks under a heading, each with its language."""
    text = README.split(f"\n## {title}\n")[1].split("\n## ")[0]
    return BLOCK.findall(text)


def test_the_program_prints_what_is_shown(tmp_path: Path) -> None:
    (_, program), (_, expected) = section("From Python, without HTTP")
    assert len(program.split("async def main")[1].split("asyncio.run")[0].splitlines()) <= 10
    done = subprocess.run(
        [sys.executable, "-c", program],
        cwd=tmp_path,
        env=environment(),
        capture_output=True,
        text=True,
        check=True,
    )
    assert done.stdout == expected


def test_the_table_of_settings_is_the_settings() -> None:
    rows = re.findall(rf"^\| `{PREFIX}(\w+)` \| (?:`(.*?)`)? ?\|", README, re.MULTILINE)
    documented = {name.lower(): default for name, default in rows}
    defaults = Settings().model_dump(mode="json")
    assert documented == {name: as_written(value) for name, value in defaults.items()}


def as_written(value: Any) -> str:
    """A setting's value as its variable has it."""
    if isinstance(value, list):
        return ",".join(value)
    return "" if value is None else str(value).lower() if value is False else str(value)


def headings(page: Path) -> set[str]:
    """As links name them."""
    titles = re.findall(r"^#+ (.+)$", BLOCK.sub("", page.read_text()), re.MULTILINE)
    return {re.sub(r"[^\w -]", "", title.lower()).replace(" ", "-") for title in titles}


@pytest.mark.parametrize("page", ["README.md", *sorted(map(str, (ROOT / "docs").rglob("*.md")))])
def test_every_link_leads_somewhere(page: str) -> None:
    path = ROOT / page
    for target in re.findall(r"\]\(([^):]+)\)", path.read_text()):
        name, _, anchor = target.partition("#")
        found = path.parent / name if name else path
        assert found.exists(), target
        assert not anchor or anchor in headings(found), target


def test_the_decision_records_are_listed_in_order() -> None:
    folder = ROOT / "docs" / "adr"
    listed = re.findall(r"^- \[\d{4}\]\((.+)\): ", (folder / "README.md").read_text(), re.MULTILINE)
    assert listed == sorted(path.name for path in folder.glob("0*.md"))
