"""Standard streams that are closed, full, or read by nobody."""

import os
import signal
import socket
import subprocess
import sys
from contextlib import closing
from pathlib import Path

import httpx2
import pytest

from tests.serving import COMMAND, UNLESS_SET, environment
from tests.waiting import wait_until

STREAMS = (0, 1, 2)

PROGRAM = """
import os, sys
from entrypoints.streams import open_missing_streams, write_stderr
open_missing_streams()
with open("file", "w") as file:
    print("out", flush=True)
    write_stderr("err")
    os.write(1, b"out")
    os.write(2, b"err")
    sys.exit(file.fileno() <= 2 or os.path.getsize("file"))
"""


def closed(*streams: int) -> str:
    """What a shell has before a command."""
    return "exec " + " ".join(f"{stream}>&-" for stream in streams)


@pytest.mark.parametrize(
    "missing", [(0,), (1,), (2,), (0, 1), (0, 2), (1, 2), STREAMS], ids=lambda some: f"no {some}"
)
def test_no_file_takes_the_place_of_a_stream(tmp_path: Path, missing: tuple[int, ...]) -> None:
    program = f"{closed(*missing)}; exec {sys.executable} -c '{PROGRAM}'"
    done = subprocess.run(
        ["/bin/sh", "-c", program],
        cwd=tmp_path,
        env=environment(PYTHONPATH=str(Path(__file__).parents[2])),
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 0, done.stderr
    assert done.stdout == ("" if 1 in missing else "out\nout")
    assert done.stderr == ("" if 2 in missing else "err\nerr")


@pytest.mark.parametrize("missing", [(2,), STREAMS])
def test_without_them_the_service_serves_and_keeps_its_token(
    tmp_path: Path, missing: tuple[int, ...]
) -> None:
    with closing(socket.create_server(("127.0.0.1", 0))) as free:
        url = f"http://127.0.0.1:{free.getsockname()[1]}"
    settings = UNLESS_SET | {"CHAT_SESSIONS_PORT": url.rpartition(":")[2]}
    with (tmp_path / "stdout").open("w") as stdout:
        process = subprocess.Popen(
            ["/bin/sh", "-c", f"{closed(*missing)}; exec {COMMAND} serve"],
            cwd=tmp_path,
            env=environment(**settings),
            stdout=stdout,
        )
    try:
        with httpx2.Client(base_url=url) as client:
            wait_until(lambda: is_ready(client))
        for stream in missing:
            assert Path(f"/proc/{process.pid}/fd/{stream}").readlink() == Path(os.devnull)
        process.send_signal(signal.SIGTERM)
        assert process.wait(20) == 0
    finally:
        process.kill()
        process.wait()
    log = (tmp_path / "stdout").read_text()
    assert ("service.stopped" in log) == (1 not in missing)
    assert "TOKEN" not in log


def is_ready(client: httpx2.Client) -> bool:
    try:
        return client.get("/readyz").status_code == 200
    except httpx2.TransportError:
        return False


@pytest.mark.parametrize(
    ("redirection", "code", "told"),
    [
        ("| head -c 1 >/dev/null", 1, ""),
        (">/dev/full", 1, "chat-sessions: No space left on device: standard output, or "),
        ("2>/dev/full", 0, ""),
        (">&-", 1, "chat-sessions: standard output is closed, and that is where the answer goes"),
    ],
)
def test_output_that_nobody_takes_is_no_traceback(
    tmp_path: Path, redirection: str, code: int, told: str
) -> None:
    setting = {"CHAT_SESSIONS_UNKNOWN": "x"} if "2>" in redirection else {}
    done = subprocess.run(
        ["/bin/bash", "-c", f"{COMMAND} openapi {redirection}; exit ${{PIPESTATUS[0]}}"],
        cwd=tmp_path,
        env=environment(**setting),
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == code
    assert done.stderr.startswith(told)
    assert done.stderr.count("\n") == bool(told)
