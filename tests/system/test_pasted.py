"""What the service and the README have a person paste into a shell gives the answers shown."""

import json
import re
import subprocess
from pathlib import Path
from typing import Any

from tests.docs.test_readme import section
from tests.serving import COMMAND, environment, serving

ID = re.compile(r"[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}")
TIME = re.compile(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{6}Z")


def alike(answer: str) -> Any:
    """An answer with its ids and times, which differ in each run, numbered as they appear."""
    for name, kind in (("id", ID), ("time", TIME)):
        found = dict.fromkeys(match[0] for match in kind.finditer(answer))
        for number, text in enumerate(found):
            answer = answer.replace(text, f"{name} {number}")
    return json.loads(answer)


def test_the_welcome_can_be_pasted(tmp_path: Path) -> None:
    with serving(tmp_path) as served:
        (token,) = re.findall(r"^export TOKEN=(\S+)$", served.welcome, re.MULTILINE)
        commands = re.findall(r"^curl .*$", served.welcome, re.MULTILINE)
        assert len(commands) == 3
        answers = [
            subprocess.run(
                ["/bin/sh", "-c", command],
                env=environment(TOKEN=token),
                capture_output=True,
                text=True,
                check=True,
            ).stdout
            for command in commands
        ]
    statuses = [answer.splitlines()[0] for answer in answers]
    assert statuses == ["HTTP/1.1 200 OK", "HTTP/1.1 201 Created", "HTTP/1.1 200 OK"]
    assert json.loads(answers[2].splitlines()[-1])["pagination"]["total"] == 1


def test_the_tours_commands_give_the_answers_shown(tmp_path: Path) -> None:
    """Pasted one after another into one shell, from a folder where `.venv` is the project's."""
    (tmp_path / ".venv").symlink_to(COMMAND.parents[1])
    blocks = section("A tour in five minutes")
    mark = "-- the next command --"
    with serving(tmp_path) as served:
        script = f"\necho; echo '{mark}'\n".join(
            text.replace("http://127.0.0.1:8000", served.url)
            for language, text in blocks
            if language == "sh"
        )
        done = subprocess.run(
            ["/bin/sh", "-e"],
            cwd=tmp_path,
            env=environment(),
            input=script,
            capture_output=True,
            text=True,
            check=True,
        )
    answers = [printed.strip() for printed in done.stdout.split(mark) if printed.strip()]
    shown = [text for language, text in blocks if language in {"json", "text"}]
    assert len(answers) == len(shown) == 9
    for answer, expected in zip(answers, shown, strict=True):
        assert alike(answer) == alike(expected)
