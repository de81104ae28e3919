"""A machine of the cluster: Patroni and its PostgreSQL, behind proxies that can cut it off."""

import asyncio
import atexit
import os
import shutil
import signal
from contextlib import AsyncExitStack, suppress
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import httpx2

from tests.cluster.python import Python
from tests.faults.proxy import Proxy, listening
from tests.ports import free_ports
from tests.postgresql import kill_all, programs_for
from tests.programs import USER, Program, new_folder
from tests.system.proxies import adapted

DOCS = Path(__file__).parents[2] / "docs" / "cluster"


@dataclass
class Ways:
    """The proxies that are the only ways into a machine, and its only way out."""

    database: Proxy
    status: Proxy
    consensus: Proxy

    def each(self) -> tuple[Proxy, Proxy, Proxy]:
        return self.database, self.status, self.consensus


class Node:
    """What others reach it by are `database_port` and `status_port`."""

    def __init__(self, name: str, python: Python) -> None:
        self.name = name
        self._python = python
        self.folder = new_folder(f"node-{name}")
        self.programs = programs_for(self.folder, USER)
        self._database, self._status = free_ports(2)
        self._ways: Ways | None = None
        self._patroni: Program | None = None
        self._http = httpx2.AsyncClient(timeout=2)
        atexit.register(self.kill_postgresql)  # once Patroni is gone, which is registered later

    async def open(self, stack: AsyncExitStack, consensus_port: int) -> None:
        """Start it for the first time."""
        self._ways = Ways(*[
            await stack.enter_async_context(listening(Proxy("127.0.0.1", port)))
            for port in (self._database, self._status, consensus_port)
        ])  # fmt: skip
        (self.folder / "patroni.yml").write_text(self._configuration())
        stack.push_async_callback(self.remove)
        self.start()

    @property
    def ways(self) -> Ways:
        assert self._ways
        return self._ways

    @property
    def database_port(self) -> int:
        return self.ways.database.port

    @property
    def status_port(self) -> int:
        return self.ways.status.port

    def start(self) -> None:
        self._patroni = Program(
            self.folder,
            [self._python.program, "-m", "patroni", self.folder / "patroni.yml"],
            self._python.environment,
        )

    def kill_postgresql(self) -> None:
        """All of its processes at once."""
        with suppress(FileNotFoundError, ProcessLookupError):
            kill_all(self._postmaster())

    def kill(self) -> None:
        """Patroni first, or it would start PostgreSQL again."""
        assert self._patroni
        self._patroni.kill()
        self.kill_postgresql()

    def cut_off(self) -> None:
        """Nobody hears from it, and it from nobody; connections stay, and new ones come about."""
        for way in self.ways.each():
            way.passing.clear()

    def join(self) -> None:
        """End being cut off; what was held up meanwhile is lost."""
        for way in self.ways.each():
            way.cut()
            way.heal()

    async def status(self) -> dict[str, Any]:
        """What Patroni says of itself, asked past the proxies; nothing where it says nothing."""
        try:
            answer = await self._http.get(f"http://127.0.0.1:{self._status}/patroni")
        except httpx2.TransportError:
            return {}
        told: dict[str, Any] = answer.json()
        return told

    async def ask(self, method: str, path: str, **body: Any) -> httpx2.Response:
        return await self._http.request(
            method,
            f"http://127.0.0.1:{self._status}{path}",
            json=body,
            auth=("patroni", "rest-secret"),
            timeout=60,
        )

    async def remove(self) -> None:
        await self._http.aclose()
        if self._patroni:
            await asyncio.to_thread(self.kill)
        shutil.rmtree(self.folder, ignore_errors=True)

    @property
    def log(self) -> str:
        return (self.folder / "log").read_text(errors="replace")

    async def says(self, what: str, since: int = 0) -> None:
        """Wait until its log does, after as many characters."""
        for _ in range(1200):
            if what in self.log[since:]:
                return
            await asyncio.sleep(0.05)
        raise TimeoutError(f"{what}\n{self.log[-3000:]}")

    def _postmaster(self) -> int:
        pid = int((self.folder / "data" / "postmaster.pid").read_text().split()[0])
        os.kill(pid, signal.SIG_DFL)  # raises where it is gone
        return pid

    def _configuration(self) -> str:
        return adapted(DOCS / "patroni.yml", {
            "name: one": f"name: {self.name}",
            "listen: 0.0.0.0:8008": f"listen: 127.0.0.1:{self._status}",
            "connect_address: one.example:8008": f"connect_address: 127.0.0.1:{self.status_port}",
            "  hosts: [etcd-1.example:2379, etcd-2.example:2379, etcd-3.example:2379]":
                f"  hosts: [127.0.0.1:{self.ways.consensus.port}]\n  use_proxies: true",
            "listen: 0.0.0.0:5432": f"listen: 127.0.0.1:{self._database}",
            "connect_address: one.example:5432": f"connect_address: 127.0.0.1:{self.database_port}",
            "/var/lib/postgresql/18/chat": str(self.folder / "data"),
            "/usr/lib/postgresql/18/bin": str(self.programs),
            "/var/lib/postgresql/.pgpass-patroni": str(self.folder / "pgpass"),
            "ssl: 'on'": "ssl: 'off'",
            "mode: required": "mode: 'off'",
            "        max_connections: 200\n": "        max_connections: 200\n"
                f"        unix_socket_directories: {self.folder}\n",
        })  # fmt: skip
