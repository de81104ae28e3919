"""Three PostgreSQL nodes under Patroni and etcd, with HAProxy before them, all on loopback."""

import asyncio
import shutil
import time
from collections.abc import AsyncIterator
from contextlib import AsyncExitStack, asynccontextmanager
from dataclasses import dataclass
from typing import Any

from tests.cluster.node import DOCS, Node
from tests.cluster.python import Python
from tests.ports import free_ports
from tests.programs import new_folder, running
from tests.system.proxies import adapted

NAMES = ("one", "two", "three")
USER = "postgres:postgres-secret"
READY_SECONDS = 150
"""A node whose rewinding broke off starts for a minute before Patroni copies it anew."""


@dataclass
class Cluster:
    nodes: list[Node]
    proxy_port: int
    standbys_port: int
    started_in: float = 0.0
    """Seconds until both standbys streamed."""

    def hosts_url(self, database: str) -> str:
        hosts = ",".join(f"127.0.0.1:{node.database_port}" for node in self.nodes)
        return f"postgresql://{USER}@{hosts}/{database}"

    def proxy_url(self, database: str) -> str:
        return f"postgresql://{USER}@127.0.0.1:{self.proxy_port}/{database}"

    def standbys_url(self, database: str) -> str:
        return f"postgresql://{USER}@127.0.0.1:{self.standbys_port}/{database}"

    async def primary(self) -> Node:
        """The one that holds the lock and takes writes. Raises LookupError while there is none."""
        for node in self.nodes:
            if (await node.status()).get("role") == "primary":
                return node
        raise LookupError("no primary")

    async def another_primary(self, before: Node | None) -> Node:
        """Once there is one."""
        while True:
            for node in self.nodes:
                if node is not before and (await node.status()).get("role") == "primary":
                    return node
            await asyncio.sleep(0.2)

    async def replaceable(self) -> Node:
        """The one with the lock, once etcd names a standby that may take its place."""
        while True:
            told = (await self.nodes[0].ask("GET", "/cluster")).json()["members"]
            roles = {member["role"]: member["name"] for member in told}
            if {"leader", "sync_standby"} <= roles.keys():
                return next(node for node in self.nodes if node.name == roles["leader"])
            await asyncio.sleep(0.1)

    async def healed(self, within: float = READY_SECONDS) -> None:
        """Wait for one primary and two standbys that stream, one of them synchronous."""
        begun = time.monotonic()
        while not whole(told := [await node.status() for node in self.nodes]):
            if time.monotonic() - begun > within:
                logs = "\n".join(node.log[-3000:] for node in self.nodes)
                raise TimeoutError(f"{told}\n{logs}")
            await asyncio.sleep(0.1)

    async def switch_over(self) -> None:
        """As `patronictl switchover` asks for it."""
        before = await self.primary()
        answer = await before.ask("POST", "/switchover", leader=before.name)
        assert answer.status_code == 200, answer.text


def whole(told: list[dict[str, Any]]) -> bool:
    """By what each node's PostgreSQL says now; what Patroni wrote to etcd may be of before.

    One that has diverged streams too, for a moment, up to where it did: on its old timeline.
    """
    named = [one["patroni"]["name"] for one in told if one.get("sync_standby")]
    primaries = [one for one in told if one.get("role") == "primary"]
    streams = [stream for one in primaries for stream in one.get("replication", [])]
    synchronous = [one["application_name"] for one in streams if one["sync_state"] == "sync"]
    timelines = {one.get("timeline") for one in told}
    return (
        len(primaries) == len(named) == len(timelines) == 1
        and None not in timelines
        and [stream["state"] for stream in streams] == ["streaming"] * 2
        and named == synchronous
    )


@asynccontextmanager
async def cluster() -> AsyncIterator[Cluster]:
    begun = time.monotonic()
    async with AsyncExitStack() as stack:
        etcd = _etcd(stack)
        folder = new_folder("python")
        stack.callback(shutil.rmtree, folder, ignore_errors=True)
        python = await asyncio.to_thread(Python, folder)
        nodes = [Node(name, python) for name in NAMES]
        for node in nodes:
            await node.open(stack, etcd)
        made = Cluster(nodes, *_haproxy(stack, nodes))
        await made.healed()
        made.started_in = time.monotonic() - begun
        yield made


def _etcd(stack: AsyncExitStack) -> int:
    """The port of an etcd with one member, which forgets everything."""
    folder = new_folder("etcd")
    client, peer = free_ports(2)
    at, peers = f"http://127.0.0.1:{client}", f"http://127.0.0.1:{peer}"
    options = {
        "data-dir": str(folder / "data"),
        "listen-client-urls": at,
        "advertise-client-urls": at,
        "listen-peer-urls": peers,
        "initial-advertise-peer-urls": peers,
        "initial-cluster": f"default={peers}",
        "unsafe-no-fsync": "true",
        "log-level": "error",
    }
    command = ["etcd", *(f"--{name}={value}" for name, value in options.items())]
    stack.enter_context(running(folder, command))
    return client


def _haproxy(stack: AsyncExitStack, nodes: list[Node]) -> tuple[int, int]:
    primary, standbys = free_ports(2)
    changes = {
        "bind :5000": f"bind 127.0.0.1:{primary}",
        "bind :5001": f"bind 127.0.0.1:{standbys}",
    }
    for node in nodes:
        old = f"{node.name}.example:5432 check port 8008"
        changes[old] = f"127.0.0.1:{node.database_port} check port {node.status_port}"
    folder = new_folder("haproxy")
    (folder / "haproxy.cfg").write_text(adapted(DOCS / "haproxy.cfg", changes))
    stack.enter_context(running(folder, ["haproxy", "-db", "-f", folder / "haproxy.cfg"]))
    return primary, standbys
