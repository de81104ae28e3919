"""The frameworks' own tests, out of the source archives of the versions that are locked."""

import os
import re
import subprocess
import sys
import tarfile
from collections.abc import Mapping
from pathlib import Path
from xml.etree import ElementTree as ET

from tests.clients.frameworks.service import ROOT

LOCK = ROOT / "requirements" / "frameworks.txt"
PLUGINS = Path(__file__).parent / "plugins"
DOWNLOAD = (
    "download",
    "--quiet",
    "--disable-pip-version-check",
    "--no-deps",
    "--no-binary",
    ":all:",
)


def source(name: str, folder: Path) -> Path:
    """Where the archive of the locked version is unpacked. Its hash is one of the lock's."""
    found = re.search(rf"^{name}==.*?(?<!\\)$", LOCK.read_text(), re.MULTILINE | re.DOTALL)
    assert found, name
    wanted = folder / f"{name}.txt"
    wanted.write_text(found[0])
    command = [sys.executable, "-m", "pip", *DOWNLOAD, "--no-build-isolation", "--require-hashes"]
    command += ["--dest", str(folder), "--requirement", str(wanted)]
    done = subprocess.run(command, check=False, capture_output=True, text=True, timeout=300)
    assert done.returncode == 0, done.stderr
    (archive,) = folder.glob(f"{name.replace('-', '_')}-*.tar.gz")
    with tarfile.open(archive) as opened:
        opened.extractall(folder, filter="data")
    return archive.with_name(archive.name.removesuffix(".tar.gz"))


def outcomes(
    where: Path, plugin: str, settings: Mapping[str, str], *arguments: str
) -> tuple[set[str], set[str]]:
    """The names of the tests that passed, and of those that did not."""
    report = where / "report.xml"
    command = [sys.executable, "-m", "pytest", "-q", "-p", plugin, "-p", "no:cacheprovider"]
    done = subprocess.run(
        [*command, f"--junitxml={report}", "--timeout=120", *arguments],
        cwd=where,
        env={**os.environ, "PYTHONPATH": str(PLUGINS), **settings},
        capture_output=True,
        text=True,
        check=False,
        timeout=1200,
    )
    assert done.returncode in {0, 1}, done.stdout[-5000:] + done.stderr[-2000:]
    passed: set[str] = set()
    failed: set[str] = set()
    for case in ET.parse(report).iter("testcase"):  # noqa: S314 - pytest has just written it
        parts = {child.tag for child in case}
        if "skipped" not in parts:
            is_failed = parts & {"failure", "error"}
            (failed if is_failed else passed).add(case.attrib["name"])
    return passed, failed
