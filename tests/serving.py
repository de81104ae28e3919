"""The service as its operator runs it: a process of its own on a free port of loopback."""

import json
import os
import re
import signal
import subprocess
import sys
from collections.abc import Iterator, Sequence
from contextlib import contextmanager, redirect_stderr, redirect_stdout
from dataclasses import dataclass
from io import BytesIO, StringIO, TextIOWrapper
from pathlib import Path
from typing import IO, Any
from urllib.parse import urlsplit

import httpx2
import pytest

from adapters.auth import DevelopmentKey
from adapters.system import SystemClock
from entrypoints.cli import main
from tests.certificates import NO_AUTHORITY
from tests.databases import database_file
from tests.waiting import WAIT_SECONDS, wait_until

COMMAND = Path(sys.executable).with_name("chat-sessions")

UNLESS_SET = {
    "CHAT_SESSIONS_PORT": "0",
    "CHAT_SESSIONS_RATE_LIMITS": "off",
    "CHAT_SESSIONS_EVENTS_SECONDS": "0.2",
}
"""Most tests ask more often than a person may, and read every answer to its end."""


@dataclass
class Served:
    process: subprocess.Popen[str]
    folder: Path
    url: str
    welcome: str

    @property
    def address(self) -> tuple[str, int]:
        url = urlsplit(self.url)
        return str(url.hostname), int(url.port or 80)

    def token(self, who: str) -> str:
        """A development token."""
        key = DevelopmentKey(self.folder / "chat-sessions-development-key.pem")
        return key.token(who, SystemClock())

    def client(self, who: str = "alice", token: str | None = None) -> httpx2.Client:
        """For someone with a development token, or with a provider's."""
        headers = {"Authorization": f"Bearer {token or self.token(who)}"}
        return httpx2.Client(
            base_url=self.url, headers=headers, timeout=WAIT_SECONDS, verify=NO_AUTHORITY
        )

    def stop(self, how: signal.Signals) -> int:
        """Send the signal and give the exit code."""
        self.process.send_signal(how)
        return self.process.wait(timeout=WAIT_SECONDS)

    def log(self) -> list[dict[str, Any]]:
        """Its lines so far, as far as they are whole."""
        written = (self.folder / "stdout").read_text()
        return [json.loads(line) for line in written[: written.rfind("\n") + 1].splitlines()]

    def log_of(self, request_id: str, least: int = 1) -> list[dict[str, Any]]:
        """The lines of a request, once there are so many: its answer may be read before them."""

        def found() -> list[dict[str, Any]]:
            return [line for line in self.log() if line.get("request_id") == request_id]

        wait_until(lambda: len(found()) >= least, self.log)
        return found()


@contextmanager
def serving(
    folder: Path, *, command: Sequence[Path | str] = (COMMAND, "serve"), **settings: str
) -> Iterator[Served]:
    """What it writes goes to `stdout` and, past the welcome, `stderr` in the folder. A start makes
    its SQLite file where `CHAT_SESSIONS_DATABASE_URL` is set; else the file is there already."""
    if "CHAT_SESSIONS_DATABASE_URL" not in settings:
        database_file(folder, "chat-sessions.db")
    with (folder / "stdout").open("w") as stdout:
        process = subprocess.Popen(
            command,
            cwd=folder,
            env=environment(**UNLESS_SET | settings),
            stdout=stdout,
            stderr=subprocess.PIPE,
            text=True,
        )
    assert process.stderr
    try:
        welcome = _welcome(process.stderr)
        url = re.search(r"http://\S+", welcome)
        assert url, welcome
        yield Served(process, folder, url[0], welcome)
    finally:
        process.kill()
        process.wait()
        (folder / "stderr").write_text(process.stderr.read())
        process.stderr.close()


@contextmanager
def started(
    *arguments: str, folder: Path, command: Sequence[Path | str] = (COMMAND,), **settings: str
) -> Iterator[subprocess.Popen[str]]:
    """A command that runs while the body does, and what it writes through pipes."""
    process = subprocess.Popen(
        [*command, *arguments],
        cwd=folder,
        env=environment(**UNLESS_SET | settings),
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
    )
    with process:
        try:
            yield process
        finally:
            process.kill()


def run(*arguments: str, folder: Path, **settings: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [COMMAND, *arguments],
        cwd=folder,
        env=environment(**settings),
        capture_output=True,
        text=True,
        check=False,
        timeout=WAIT_SECONDS,
    )


def run_here(*arguments: str, folder: Path, **settings: str) -> subprocess.CompletedProcess[str]:
    """The same in this process, outside a loop: it need not import all that a start does."""
    with (
        pytest.MonkeyPatch.context() as outside,
        redirect_stdout(TextIOWrapper(BytesIO(), write_through=True)) as stdout,
        redirect_stderr(StringIO()) as stderr,
    ):
        outside.chdir(folder)
        for name in os.environ.keys() - environment().keys():
            outside.delenv(name)
        for name, value in settings.items():
            outside.setenv(name, value)
        code = main(arguments)
        stdout.seek(0)
        written = stdout.read()
    return subprocess.CompletedProcess(arguments, code, written, stderr.getvalue())


def environment(**settings: str) -> dict[str, str]:
    """The environment of this process, with no settings but these."""
    kept = {name: value for name, value in os.environ.items() if "CHAT_SESSIONS" not in name}
    return kept | settings


def awaits_signal(process: int, how: signal.Signals) -> bool:
    """Whether the process has come so far that the signal cannot be lost: it is blocked, for the
    thread that waits for it (proc_pid_status(5), SigBlk)."""
    status = Path(f"/proc/{process}/status").read_text()
    (blocked,) = [line.split()[1] for line in status.splitlines() if line.startswith("SigBlk")]
    return bool(int(blocked, 16) & 1 << how - 1)


def _welcome(stream: IO[str]) -> str:
    lines = []
    for line in stream:
        lines.append(line)
        if not line.strip() and lines[-2].startswith("curl "):
            break
    return "".join(lines)
