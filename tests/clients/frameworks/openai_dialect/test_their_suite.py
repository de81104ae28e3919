"""OpenAI's own tests of conversations and items, out of the source archive of their client."""

import os
import re
import subprocess
import sys
import tarfile
from importlib.metadata import version
from pathlib import Path

import pytest

from tests.clients.frameworks.openai_dialect.conftest import Dialect
from tests.clients.frameworks.service import ROOT

LOCK = ROOT / "requirements" / "frameworks.txt"
SUITE = ("tests/api_resources/test_conversations.py", "tests/api_resources/conversations")
ALL = 175

RUN_SECONDS = 500


@pytest.fixture(scope="module")
def suite(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The archive's tests, as the lock has its hash."""
    folder = tmp_path_factory.mktemp("openai")
    (pin,) = re.findall(r"^openai==(?:.*\\\n)*.*$", LOCK.read_text(), re.MULTILINE)
    (folder / "pin.txt").write_text(pin)
    flags = ("--quiet", "--disable-pip-version-check", "--no-deps", "--no-build-isolation")
    command = [sys.executable, "-m", "pip", "download", *flags, "--no-binary", "openai"]
    subprocess.run([*command, "--require-hashes", "-r", "pin.txt"], cwd=folder, check=True)
    (archive,) = folder.glob("openai-*.tar.gz")
    with tarfile.open(archive) as packed:
        packed.extractall(folder, filter="data")
    return folder / f"openai-{version('openai')}"


def test_all_of_them_pass(suite: Path, dialect: Dialect) -> None:
    options = ("-q", "-p", "no:cacheprovider", "-p", "seeding", "-c", os.devnull, "--rootdir", ".")
    done = subprocess.run(
        [sys.executable, "-m", "pytest", *options, "-o", "asyncio_mode=auto", *SUITE],
        cwd=suite,
        env={
            **os.environ,
            "PYTHONPATH": f"{suite}:{Path(__file__).parent}",
            "TEST_API_BASE_URL": dialect.base_url,
            "SEEDING_TOKEN": dialect.token("openai"),
        },
        capture_output=True,
        text=True,
        check=False,
        timeout=RUN_SECONDS,
    )
    assert re.search(rf"^{ALL} passed", done.stdout, re.MULTILINE), done.stdout + done.stderr
