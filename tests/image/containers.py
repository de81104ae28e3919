"""Containers of the image that `make test-image` builds, as careful platforms run them."""

import json
import os
import socket
import subprocess
import time
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from types import MappingProxyType
from typing import Any
from uuid import uuid4

import httpx2

ENGINE = os.environ.get("ENGINE", "podman")
IMAGE = "localhost/chat-sessions"

ON_LOOPBACK = MappingProxyType({"CHAT_SESSIONS_HOST": "127.0.0.1"})

USER = "10001:10001"
"""The image's own."""

LIMITS = ("--ulimit=nofile=4096:4096", "--ulimit=nproc=4096:4096")
"""The engine's own defaults may be more than this machine allows."""

LOCKED = (
    *("--read-only", "--read-only-tmpfs=false", "--cap-drop=all"),
    "--security-opt=no-new-privileges",
)


def engine(*arguments: str | Path) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [ENGINE, *arguments], capture_output=True, text=True, check=False, timeout=300
    )


def configuration() -> Any:
    """The image's."""
    return json.loads(engine("image", "inspect", IMAGE).stdout)[0]


@dataclass
class Container:
    name: str
    port: int

    def start(self) -> tuple[float, float]:
        """Give the seconds until /readyz was 200 since its first process began, and how many of
        them that had a processor."""
        started = engine("start", self.name)
        assert started.returncode == 0, started.stderr
        with httpx2.Client(base_url=f"http://127.0.0.1:{self.port}", timeout=5) as client:
            until = time.monotonic() + 60
            while not self._is_ready(client):
                assert time.monotonic() < until, self.logs()
                time.sleep(0.005)
        now, fields = time.clock_gettime(time.CLOCK_BOOTTIME), self._times()
        user, system, began = (int(fields[at]) / os.sysconf("SC_CLK_TCK") for at in (11, 12, 19))
        return now - began, user + system

    @staticmethod
    def _is_ready(client: httpx2.Client) -> bool:
        try:
            return client.get("/readyz").status_code == 200
        except httpx2.TransportError:
            return False

    @property
    def _process(self) -> Path:
        pid = engine("inspect", "--format={{.State.Pid}}", self.name).stdout.strip()
        return Path("/proc", pid)

    def _times(self) -> list[str]:
        """The fields from the third on of its first process' stat (proc(5))."""
        return (self._process / "stat").read_text().rpartition(")")[2].split()

    def status(self) -> dict[str, list[str]]:
        """What the kernel says of its first process."""
        lines = (self._process / "status").read_text().splitlines()
        return {name: value.split() for name, _, value in (line.partition(":") for line in lines)}

    def execute(self, *command: str) -> subprocess.CompletedProcess[str]:
        return engine("exec", self.name, *command)

    def run(self) -> tuple[int, str]:
        """Start it and give, once it has ended, its exit code and what it wrote."""
        engine("start", self.name)
        return self._wait(), self.logs()

    def stop(self, signal: str) -> int:
        """Send the signal and give the exit code."""
        engine("kill", f"--signal={signal}", self.name)
        return self._wait()

    def _wait(self) -> int:
        return int(engine("wait", self.name).stdout)

    def logs(self) -> str:
        logs = engine("logs", self.name)
        return logs.stdout + logs.stderr


def free_port() -> int:
    with socket.create_server(("127.0.0.1", 0)) as free:
        port: int = free.getsockname()[1]
    return port


@contextmanager
def container(
    *command: str,
    folder: Path | None = None,
    user: str = USER,
    options: Sequence[str] = (),
    settings: Mapping[str, str] = ON_LOOPBACK,
) -> Iterator[Container]:
    """One that is made and not started, locked up as far as that goes, on this machine's network.

    The folder, where there is one, is its volume.
    """
    name = f"chat-sessions-{uuid4()}"
    settings = {"CHAT_SESSIONS_PORT": str(free_port()), **settings}
    variables = [f"--env={variable}={value}" for variable, value in settings.items()]
    volume = [f"--volume={folder}:/data"] if folder else []
    made = engine(
        *("create", "--name", name, "--network=host", f"--user={user}"),
        *(*LIMITS, *LOCKED, *variables, *volume, *options, IMAGE, *command),
    )
    assert made.returncode == 0, made.stderr
    try:
        yield Container(name, int(settings["CHAT_SESSIONS_PORT"]))
    finally:
        engine("rm", "--force", "--volumes", name)
