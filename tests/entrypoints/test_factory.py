"""The application under a server of one's own, where it cannot start."""

import json
import subprocess
from pathlib import Path

import pytest

from tests.serving import COMMAND, environment


@pytest.mark.parametrize(
    ("settings", "told", "code"),
    [
        (
            {"CHAT_SESSIONS_PORT": "tcp://10.96.0.1:80", "CHAT_SESSIONS_PROT": "80"},
            ["CHAT_SESSIONS_PROT is no setting ", "CHAT_SESSIONS_PORT: is tcp://10.96.0.1:80"],
            1,
        ),
        ({"CHAT_SESSIONS_DATABASE_URL": "sqlite:///none/chat.db"}, ["cannot use the key file "], 1),
        (
            {
                "CHAT_SESSIONS_DATABASE_URL": "sqlite:///none/chat.db",
                "CHAT_SESSIONS_DEVELOPMENT_KEY_FILE": "key.pem",
            },
            ["cannot open "],
            3,
        ),
    ],
)
def test_a_start_that_cannot_be_is_one_clear_line(
    tmp_path: Path, settings: dict[str, str], told: list[str], code: int
) -> None:
    """On standard error and, where the log has begun, in it; the server ends with a failure."""
    done = subprocess.run(
        [COMMAND.with_name("uvicorn"), "--factory", "entrypoints.asgi:create", "--port", "0"],
        cwd=tmp_path,
        env=environment(**settings),
        capture_output=True,
        text=True,
        check=False,
        timeout=60,
    )
    assert done.returncode == code
    lines = [line for line in done.stderr.splitlines() if not line.startswith("INFO:")]
    assert len(lines) == len(told)
    for line, expected in zip(lines, told, strict=True):
        assert line.startswith(f"chat-sessions: {expected}")
    logged = [json.loads(line)["event"] for line in done.stdout.splitlines()]
    assert logged == ([lines[-1], "Application startup failed. Exiting."] if code == 3 else [])
