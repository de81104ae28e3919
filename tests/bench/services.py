"""The services that are measured, each a process of its own on a port of loopback."""

import os
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from subprocess import CompletedProcess

from tests.bench.issuer import AUDIENCE
from tests.ports import free_port, wait_for_port
from tests.serving import COMMAND, environment, serving

NEVER = "1000000000/minute"
LIMITS = {f"CHAT_SESSIONS_RATE_LIMIT_{kind}": NEVER for kind in ("READ", "WRITE", "CREATE", "PEER")}
"""Counted for each request, and refusing none."""


@dataclass(frozen=True, slots=True)
class Service:
    port: int
    pid: int
    server: int | None = None
    """The database server's process, where there is one."""


@dataclass(frozen=True, slots=True)
class Checkout:
    """The service as it is here, or in the folder of another checkout: by the environment in it,
    or else by this one's."""

    folder: Path | None = None

    def command(self, *arguments: str) -> list[Path | str]:
        if self.folder is None:
            return [COMMAND, *arguments]
        own = self.folder / ".venv/bin" / COMMAND.name
        if own.exists():
            return [own, *arguments]
        return [
            sys.executable,
            "-c",
            "from entrypoints.cli import main; raise SystemExit(main())",
            *arguments,
        ]

    @property
    def settings(self) -> dict[str, str]:
        return {"PYTHONPATH": str(self.folder)} if self.folder else {}

    def migrate(self, folder: Path, database: str) -> None:
        self._run("migrate", folder, database).check_returncode()

    def reindex(self, folder: Path, database: str) -> None:
        """Another checkout may be from before there was a search."""
        ended = self._run("reindex", folder, database)
        if self.folder is None:
            ended.check_returncode()

    def _run(self, command: str, folder: Path, database: str) -> CompletedProcess[bytes]:
        settings = self.settings | {"CHAT_SESSIONS_DATABASE_URL": database}
        return subprocess.run(
            self.command(command),
            cwd=folder,
            env=environment(**settings),
            stdout=subprocess.DEVNULL,
            stderr=subprocess.DEVNULL if self.folder else None,
            check=False,
        )

    @contextmanager
    def served(
        self, home: Path, issuer: str, database: str, server: int | None
    ) -> Iterator[Service]:
        """As an operator runs it: tokens of a provider, limits, metrics, and the log in a file."""
        home.mkdir(parents=True)
        settings = {
            "CHAT_SESSIONS_DATABASE_URL": database,
            "CHAT_SESSIONS_OIDC_ISSUER": issuer,
            "CHAT_SESSIONS_OIDC_AUDIENCE": AUDIENCE,
            "CHAT_SESSIONS_RATE_LIMITS": "on",
            **LIMITS,
        }
        if self.folder is None:
            settings["CHAT_SESSIONS_OPENAI_DIALECT"] = "true"
        with serving(home, command=self.command("serve"), **settings, **self.settings) as served:
            yield Service(served.address[1], served.process.pid, server)


@contextmanager
def side(
    module: str, folder: Path, issuer: str, database: str, server: int | None
) -> Iterator[Service]:
    """One of tests.bench.sides."""
    port = free_port()
    told = {"BENCH_ISSUER": issuer, "BENCH_AUDIENCE": AUDIENCE, "BENCH_DATABASE": database}
    log = folder / f"{port}.log"
    with log.open("wb") as written:
        process = subprocess.Popen(
            [sys.executable, "-m", f"tests.bench.sides.{module}", str(port)],
            env=os.environ | told,
            stderr=written,
        )
    try:
        wait_for_port(port, process, log)
        yield Service(port, process.pid, server)
    finally:
        process.kill()
        process.wait()
