"""Clients in many languages, as openapi-generator makes them of `docs/openapi.json`."""

import json
import shutil
import subprocess
from importlib.util import find_spec
from pathlib import Path
from typing import Any

from tests.clients.conftest import DESCRIPTION
from tests.waiting import WAIT_SECONDS

GENERATORS: dict[str, tuple[str, dict[str, str]]] = {
    "csharp": ("csharp", {}),
    "go": ("go", {"packageName": "sessions"}),
    "kotlin": ("kotlin", {}),
    "php": ("php", {}),
    "python": ("python", {"packageName": "chat_sessions"}),
    "swift": ("swift6", {}),
    "typescript": ("typescript-fetch", {}),
}
"""What makes a language's client, which validates what the description lets it, and with what."""

WITHOUT = {f"{part}{kind}": "false" for part in ("api", "model") for kind in ("Docs", "Tests")}
QUICK = ("-XX:TieredStopAtLevel=1", "-XX:+UseSerialGC")


def generate(folder: Path) -> None:
    """Make a folder in it for each language, all in one run of Java. A warning is a failure."""
    batch = []
    for language, (generator, options) in GENERATORS.items():
        settings = {
            "inputSpec": str(DESCRIPTION),
            "generatorName": generator,
            "outputDir": str(folder / language),
            "globalProperties": WITHOUT,
            "additionalProperties": options,
            "gitHost": "example.org",
            "gitUserId": "chat",
            "gitRepoId": "sessions",
        }
        batch.append(folder / f"{language}.json")
        batch[-1].write_text(json.dumps(settings))
    done = subprocess.run(
        [_java(), *QUICK, "-jar", _jar(), "batch", *batch],
        capture_output=True,
        text=True,
        check=False,
        timeout=WAIT_SECONDS,
    )
    told = done.stdout + done.stderr
    assert done.returncode == 0, told
    assert not [line for line in told.splitlines() if "WARN" in line or "ERROR" in line], told


def _java() -> str:
    found = shutil.which("java")
    assert found, "make test-system installs Java"
    return found


def _jar() -> Path:
    spec: Any = find_spec("openapi_generator_cli")
    return Path(spec.origin).with_name("openapi-generator.jar")
