"""The application under a server of one's own, where it cannot start."""

import json
import subprocess
from pathlib import Path

import pytest

from entrypoints.asgi import create
from tests.serving import COMMAND, environment


def test_a_setting_that_cannot_be_stops_the_server(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setenv("CHAT_SESSIONS_PORT", "tcp://10.96.0.1:80")
    monkeypatch.setenv("CHAT_SESSIONS_PROT", "80")
    with pytest.raises(SystemExit) as ended:
        create()
    assert ended.value.code == 1
    unknown, wrong = capsys.readouterr().err.splitlines()
    assert unknown.startswith("chat-sessions: CHAT_SESSIONS_PROT is no setting ")
    assert wrong.startswith("chat-sessions: CHAT_SESSIONS_PORT: is tcp://10.96.0.1:80")


@pytest.mark.parametrize(
    ("settings", "told", "code"),
    [
        ({}, "cannot use the key file ", 1),
        ({"CHAT_SESSIONS_DEVELOPMENT_KEY_FILE": "key.pem"}, "cannot open ", 3),
    ],
)
def test_a_start_that_cannot_be_is_one_clear_line(
    tmp_path: Path, settings: dict[str, str], told: str, code: int
) -> None:
    """On standard error and, where the log has begun, in it; the server ends with a failure."""
    done = subprocess.run(
        [COMMAND.with_name("uvicorn"), "--factory", "entrypoints.asgi:create", "--port", "0"],
        cwd=tmp_path,
        env=environment(CHAT_SESSIONS_DATABASE_URL="sqlite:///none/chat.db", **settings),
        capture_output=True,
        text=True,
        check=False,
        timeout=60,
    )
    assert done.returncode == code
    (line,) = [line for line in done.stderr.splitlines() if not line.startswith("INFO:")]
    assert line.startswith(f"chat-sessions: {told}")
    logged = [json.loads(line)["event"] for line in done.stdout.splitlines()]
    assert logged == ([line, "Application startup failed. Exiting."] if code == 3 else [])
