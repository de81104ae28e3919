"""The storage guide's steps, followed to the letter: its example is held to the contract."""

import re
import shutil
import subprocess
import sys
from pathlib import Path

from tests.serving import environment

CHECK = """
from entrypoints.cli import main
from entrypoints.container import Container
from entrypoints.settings import Settings
main(["check-config"])
print(type(Container(settings=Settings.from_environment()).storage()).__name__)
"""

ROOT = Path(__file__).parents[2]
GUIDE = (ROOT / "docs" / "adding-a-storage-backend.md").read_text()


def block(language: str, holding: str) -> str:
    """The one fenced block of that language with that text in it."""
    blocks = re.findall(rf"^```{language}\n(.*?)^```$", GUIDE, re.MULTILINE | re.DOTALL)
    (found,) = [text for text in blocks if holding in text]
    return str(found)


def patched(text: str, diff: str) -> str:
    """The text after the diff, whose hunks lie between blank lines."""
    for hunk in diff.split("\n\n"):
        lines = hunk.strip("\n").splitlines()
        before, after = (
            "\n".join(line[1:] for line in lines if line[0] in marks) for marks in (" -", " +")
        )
        assert text.count(before) == 1, before
        text = text.replace(before, after)
    return text


def test_a_stranger_who_follows_the_guide_has_a_storage_that_keeps_the_contract(
    tmp_path: Path,
) -> None:
    for folder in ("domain", "application", "adapters", "entrypoints", "tests"):
        ignored = shutil.ignore_patterns("__pycache__")
        shutil.copytree(ROOT / folder, tmp_path / folder, ignore=ignored)
    shutil.copy(ROOT / "pyproject.toml", tmp_path)

    package = tmp_path / "adapters" / "json_file"
    package.mkdir()
    (package / "storage.py").write_text(block("python", "class JsonFileStorage"))
    (package / "__init__.py").write_text(block("python", "__all__"))

    backends = tmp_path / "tests" / "contract" / "backends.py"
    text = backends.read_text()
    text = text.replace(
        "from adapters.memory",
        "from adapters.json_file import JsonFileStorage\nfrom adapters.memory",
    )
    text = text.replace(
        '    "memory":', f'    {block("text", "lambda folder").strip()}\n    "memory":'
    )
    backends.write_text(text)

    container = tmp_path / "entrypoints" / "container.py"
    text = container.read_text()
    text = text.replace(
        "from adapters.memory",
        "from adapters.json_file import JsonFileStorage\nfrom adapters.memory",
    )
    text = text.replace(
        "        memory=", f"        {block('text', 'providers').strip()}\n        memory="
    )
    container.write_text(text)

    for module, about in (("setting_types", "_database"), ("settings", "json_path")):
        path = tmp_path / "entrypoints" / f"{module}.py"
        path.write_text(patched(path.read_text(), block("diff", about)))
    shown = subprocess.run(
        [sys.executable, "-c", CHECK],
        cwd=tmp_path,
        env=environment(CHAT_SESSIONS_DATABASE_URL="json:///./chat.json"),
        capture_output=True,
        text=True,
        check=True,
    )
    assert "DATABASE_URL=json:///./chat.json" in shown.stdout
    assert shown.stdout.endswith("JsonFileStorage\n")

    done = subprocess.run(
        [
            sys.executable,
            "-m",
            "pytest",
            "-q",
            "-p",
            "no:cacheprovider",
            "-k",
            "json",
            "tests/contract",
        ],
        cwd=tmp_path,
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 0, done.stdout
    assert int(re.findall(r"(\d+) passed", done.stdout)[0]) >= 20
