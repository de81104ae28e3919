"""Ports of loopback for servers of the tests."""

import secrets
import socket
import subprocess
from contextlib import suppress
from pathlib import Path

from tests.waiting import wait_until

PORTS = range(20_000, 32_000)
"""Below those that a system gives to connections for their own end (from 32768 on, on Linux): none
of them takes the port of a server that has yet to start, or starts again."""


def free_port() -> int:
    """A port at which nobody listens."""
    while True:
        port = secrets.choice(PORTS)
        with socket.socket() as probe, suppress(OSError):
            probe.bind(("127.0.0.1", port))
            return port


def free_ports(count: int) -> list[int]:
    """As many as are asked for, all unlike each other."""
    found: set[int] = set()
    while len(found) < count:
        found.add(free_port())
    return list(found)


def wait_for_port(port: int, process: subprocess.Popen[bytes], log: Path) -> None:
    """Return once the process listens there; raise RuntimeError with its log where it ends."""

    def listens() -> bool:
        if process.poll() is not None:
            raise RuntimeError(log.read_text()[-2000:])
        with socket.socket() as probe:
            return probe.connect_ex(("127.0.0.1", port)) == 0

    wait_until(listens, log.read_text)
