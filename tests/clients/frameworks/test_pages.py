"""Each page of docs/frameworks is so: its program runs, and remembers after a restart of both,
whichever pages somebody has followed before."""

import re
import subprocess
import sys
import tomllib
from collections.abc import Iterator

import pytest

from tests.clients.frameworks.service import ROOT, WAIT_SECONDS, Service, running

PAGES = {
    page.stem: page.read_text()
    for page in sorted((ROOT / "docs" / "frameworks").glob("*.md"))
    if "```python\n" in page.read_text()
}
PACKAGE = tomllib.loads((ROOT / "clients" / "python" / "pyproject.toml").read_text())


def blocks(page: str, language: str) -> list[str]:
    return re.findall(rf"```{language}\n(.*?)```", page, re.DOTALL)


def run(program: str, service: Service) -> str:
    done = subprocess.run(
        [sys.executable, "-c", program],
        env={"URL": service.url, "TOKEN": service.token("alice")},
        capture_output=True,
        text=True,
        check=False,
        timeout=WAIT_SECONDS,
    )
    assert done.returncode == 0, done.stderr
    return done.stdout


@pytest.fixture(scope="module")
def shared(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Service]:
    with running(tmp_path_factory.mktemp("pages")) as service:
        yield service


@pytest.mark.parametrize("page", PAGES)
def test_its_program_remembers(page: str, shared: Service) -> None:
    (program,) = blocks(PAGES[page], "python")
    for said in blocks(PAGES[page], "text"):
        assert run(program, shared) == said
        shared.restart()


@pytest.mark.parametrize("page", PAGES)
def test_what_it_installs_is_an_extra(page: str) -> None:
    (extra,) = re.findall(r"chat-sessions-client\[([a-z-]+)\]", blocks(PAGES[page], "sh")[0])
    assert extra in PACKAGE["project"]["optional-dependencies"]
