"""Make a release in dist/, of what is committed and nothing else: a wheel, a source archive, the
lock of what they run on, and a software bill of materials.

Built twice from one commit, all four are the same to the byte.
"""

import os
import re
import shutil
import subprocess
import sys
from datetime import UTC, datetime
from pathlib import Path
from tempfile import TemporaryDirectory

from entrypoints.version import VERSION
from tests.release.sbom import sbom

ROOT = Path(__file__).parents[2]
RELEASED = rf"^## {re.escape(VERSION)} - \d{{4}}-\d\d-\d\d$"
UNRELEASED = r"^## Unreleased\n\s*^(?!## )\S"


def main() -> int:
    try:
        refusal = _refusal()
        if refusal is None:
            _release(ROOT / "dist")
    except subprocess.CalledProcessError as error:
        refusal = f"{' '.join(map(str, error.cmd))} failed: {error.stderr.strip()}"
    if refusal:
        print(f"make release: {refusal}", file=sys.stderr)
    return int(refusal is not None)


def _refusal() -> str | None:
    """Why what is here cannot be released under this version, in one line."""
    changelog = (ROOT / "CHANGELOG.md").read_text()
    if changed := _git("status", "--porcelain"):
        return f"commit or remove what is not committed first: {changed.splitlines()[0][3:]}"
    if not re.search(RELEASED, changelog, re.MULTILINE):
        return f"CHANGELOG.md has no heading for this version: ## {VERSION} - YYYY-MM-DD"
    if re.search(UNRELEASED, changelog, re.MULTILINE):
        return f"CHANGELOG.md has changes under Unreleased: {VERSION} would contain them unsaid"
    return None


def _release(dist: Path) -> None:
    made = datetime.fromtimestamp(int(_git("log", "-1", "--format=%ct")), UTC)
    shutil.rmtree(dist, ignore_errors=True)
    with TemporaryDirectory() as folder:
        tree = Path(folder) / "chat-sessions"
        _git("clone", "--quiet", str(ROOT), str(tree))
        _build(tree, dist, made)
        (wheel,) = dist.glob("*.whl")
        name = f"chat_sessions-{VERSION}"
        shutil.copyfile(tree / "requirements/runtime.txt", dist / f"{name}.requirements.txt")
        (dist / f"{name}.cdx.json").write_text(sbom(tree, wheel, made))
    for path in sorted(dist.iterdir()):
        print(path.relative_to(ROOT))


def _build(tree: Path, dist: Path, made: datetime) -> None:
    """With the build backend that is locked, and no network."""
    subprocess.run(
        [sys.executable, "-m", "hatchling", "build", "-d", dist, "-t", "sdist", "-t", "wheel"],
        cwd=tree,
        env=os.environ | {"SOURCE_DATE_EPOCH": str(int(made.timestamp()))},
        capture_output=True,
        text=True,
        check=True,
    )


def _git(*arguments: str) -> str:
    done = subprocess.run(
        ["/usr/bin/env", "git", *arguments], cwd=ROOT, capture_output=True, text=True, check=True
    )
    return done.stdout.rstrip()


if __name__ == "__main__":
    sys.exit(main())
