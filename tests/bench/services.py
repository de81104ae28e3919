"""The services that are measured, each a process of its own on a port of loopback."""

import os
import shutil
import socket
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

from tests.bench.issuer import AUDIENCE
from tests.serving import run, serving

STARTS_SECONDS = 20

NEVER = "1000000000/minute"
LIMITS = {f"CHAT_SESSIONS_RATE_LIMIT_{kind}": NEVER for kind in ("READ", "WRITE", "CREATE", "PEER")}
"""Counted for each request, and refusing none."""

CONNECTIONS = "5000"
"""More than there are users at once."""


@dataclass(frozen=True, slots=True)
class Service:
    name: str
    port: int
    pid: int
    server: int | None = None
    """The database server's process, where there is one."""


@contextmanager
def ours(
    name: str, folder: Path, issuer: str, database: str, server: int | None = None
) -> Iterator[Service]:
    """As an operator runs it: tokens of a provider, limits, metrics, and the log into a file."""
    home = folder / name
    home.mkdir(parents=True)
    settings = {
        "CHAT_SESSIONS_DATABASE_URL": database,
        "CHAT_SESSIONS_OIDC_ISSUER": issuer,
        "CHAT_SESSIONS_OIDC_AUDIENCE": AUDIENCE,
        "CHAT_SESSIONS_RATE_LIMITS": "on",
        "CHAT_SESSIONS_CLIENT_CONNECTIONS": CONNECTIONS,
        **LIMITS,
    }
    with serving(home, **settings) as served:
        yield Service(name, served.address[1], served.process.pid, server)


@contextmanager
def side(
    name: str, module: str, issuer: str, database: str, server: int | None = None
) -> Iterator[Service]:
    """One of tests.bench.sides."""
    port = free_port()
    told = {"BENCH_ISSUER": issuer, "BENCH_AUDIENCE": AUDIENCE, "BENCH_DATABASE": database}
    process = subprocess.Popen(
        [sys.executable, "-m", f"tests.bench.sides.{module}", str(port)],
        env=os.environ | told,
    )
    try:
        wait_for(port, process)
        yield Service(name, port, process.pid, server)
    finally:
        process.kill()
        process.wait()


def wait_for(port: int, process: subprocess.Popen[bytes], within: float = STARTS_SECONDS) -> None:
    """Until it takes connections."""
    for _ in range(int(within * 20)):
        if process.poll() is not None:
            break
        with socket.socket() as probe:
            if probe.connect_ex(("127.0.0.1", port)) == 0:
                return
        time.sleep(0.05)
    raise RuntimeError(f"{process.args!r} does not serve")


def migrated(folder: Path, database: str) -> None:
    done = run("migrate", folder=folder, CHAT_SESSIONS_DATABASE_URL=database)
    if done.returncode:
        raise RuntimeError(done.stderr)


def copied(path: Path, name: str) -> Path:
    """A SQLite file of a side's own, since the service shares its with nobody."""
    copy = path.with_name(name)
    shutil.copy(path, copy)
    return copy


def free_port() -> int:
    with socket.create_server(("127.0.0.1", 0)) as free:
        port: int = free.getsockname()[1]
        return port
