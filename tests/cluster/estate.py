"""Service processes on the cluster, which share a Redis for their limits."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import AsyncExitStack, asynccontextmanager
from dataclasses import dataclass
from pathlib import Path

from adapters.sql.postgresql import PostgresqlOptions
from adapters.sql.postgresql.connect import Connector
from tests.cluster.cluster import Cluster
from tests.faults.service import Service, running
from tests.serving import run
from tests.system.redis import RedisServer

UNLIMITED = {
    f"CHAT_SESSIONS_RATE_LIMIT_{which}": "1000000/minute"
    for which in ("READ", "WRITE", "CREATE", "PEER")
}


@dataclass
class Estate:
    cluster: Cluster
    services: dict[str, Service]
    """By their way there: `hosts` is a URL that names each node, `haproxy` one that names that."""
    redis: RedisServer


@asynccontextmanager
async def estate(
    cluster: Cluster, folder: Path, *, standby: bool = False, **settings: str
) -> AsyncIterator[Estate]:
    """With a `standby` reads have one to go to."""
    name = folder.name.replace("-", "_")
    await new_database(cluster, name, folder)
    ways = {"hosts": cluster.hosts_url(name), "haproxy": cluster.proxy_url(name)}
    reads = {"hosts": cluster.hosts_url(name), "haproxy": cluster.standbys_url(name)}
    redis = RedisServer()
    async with AsyncExitStack() as stack:
        stack.callback(redis.remove)
        services = {}
        for way, url in ways.items():
            (own := folder / way).mkdir()
            given = {
                "CHAT_SESSIONS_DATABASE_URL": url,
                "CHAT_SESSIONS_RATE_LIMITS": "on",
                "CHAT_SESSIONS_RATE_LIMIT_STORAGE_URL": redis.url,
                "CHAT_SESSIONS_DATABASE_READ_URL": reads[way] if standby else "",
                **UNLIMITED,
                **settings,
            }
            service = running(own, folder / "key.pem", **given)
            services[way] = await stack.enter_async_context(service)
        yield Estate(cluster, services, redis)


async def new_database(cluster: Cluster, name: str, folder: Path) -> None:
    """With the schema of this release."""
    await execute(cluster, "postgres", f'CREATE DATABASE "{name}"')
    url = cluster.hosts_url(name)
    migrated = await asyncio.to_thread(
        run, "migrate", folder=folder, CHAT_SESSIONS_DATABASE_URL=url
    )
    assert migrated.returncode == 0, migrated.stderr


async def execute(cluster: Cluster, database: str, sql: str) -> None:
    """On the primary."""
    connection = await Connector(PostgresqlOptions(url=cluster.hosts_url(database)))()
    try:
        await connection.execute(sql, timeout=30)
    finally:
        await connection.close(timeout=5)
