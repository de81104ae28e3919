"""A real HAProxy before two service processes, which asks each whether it is ready."""

import os
import shutil
import socket
import subprocess
import tempfile
import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

CONFIGURATION = """
global
    maxconn 4000
    stats socket {control} level operator

defaults
    mode http
    timeout connect 2s
    timeout client 30s
    timeout http-request 10s
    timeout http-keep-alive 60s
    timeout server 30s
    timeout check 2s
    retries 3
    retry-on conn-failure
    option redispatch 1

frontend clients
    bind 127.0.0.1:{port}
    default_backend chat_sessions

backend chat_sessions
    balance roundrobin
    option httpchk GET /readyz
    http-check expect status 200
    default-server check inter 500ms fall 2 rise 1
    server one 127.0.0.1:{one}
    server two 127.0.0.1:{two}
"""

LIFE_SECONDS = 1800
"""One that nobody stopped ends by itself after that."""


@dataclass(frozen=True)
class Haproxy:
    url: str
    control: Path

    def up(self) -> int:
        """How many processes it sends requests to."""
        with socket.socket(socket.AF_UNIX) as asking:
            asking.connect(str(self.control))
            asking.sendall(b"show stat -1 4 -1\n")
            with asking.makefile() as answer:
                rows = [line.split(",") for line in answer if line.strip()]
        return sum(row[rows[0].index("status")] == "UP" for row in rows[1:])

    def wait_for(self, processes: int) -> None:
        for _ in range(600):
            if self.up() == processes:
                return
            time.sleep(0.05)
        raise TimeoutError(f"{self.up()} processes are up, not {processes}")


def free_ports(count: int) -> list[int]:
    """All unlike each other."""
    probes = [socket.create_server(("127.0.0.1", 0)) for _ in range(count)]
    ports = [int(probe.getsockname()[1]) for probe in probes]
    for probe in probes:
        probe.close()
    return ports


@contextmanager
def haproxy(ports: Sequence[int]) -> Iterator[Haproxy]:
    """Before two processes, on these ports of loopback."""
    (port,) = free_ports(1)
    folder = Path(tempfile.mkdtemp(prefix="haproxy-"))
    control = folder / "control"
    one, two = ports
    configuration = CONFIGURATION.format(port=port, one=one, two=two, control=control)
    (folder / "haproxy.cfg").write_text(configuration)
    program = shutil.which("haproxy", path=f"{os.environ['PATH']}:/usr/sbin")
    assert program, "make test-system installs it"
    limit = ["timeout", str(LIFE_SECONDS)] if shutil.which("timeout") else []
    with (folder / "log").open("wb") as log:
        process = subprocess.Popen(
            [*limit, program, "-db", "-f", folder / "haproxy.cfg"],
            stdout=log,
            stderr=log,
        )
    try:
        started = Haproxy(f"http://127.0.0.1:{port}", control)
        for _ in range(200):
            if control.exists() or process.poll() is not None:
                break
            time.sleep(0.05)
        assert process.poll() is None, (folder / "log").read_text()
        yield started
    finally:
        process.kill()
        process.wait()
        shutil.rmtree(folder)
