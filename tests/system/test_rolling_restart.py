"""Two processes behind a proxy that are restarted, and upgraded, while clients chat."""

import asyncio
import signal
import socket
import time
from collections.abc import AsyncIterator
from contextlib import AsyncExitStack, ExitStack, asynccontextmanager
from dataclasses import dataclass
from pathlib import Path

import httpx2
import pytest

from tests.conftest import Sized
from tests.faults.databases import Postgresql, postgresql
from tests.faults.ledger import Ledger
from tests.faults.service import Service, running
from tests.ports import free_port, free_ports
from tests.system.chatter import PAUSES, Chatter
from tests.system.haproxy import connections, ready, wait_for
from tests.system.proxies import Proxy, haproxy
from tests.tally import Tally


@dataclass
class Pair:
    """Two processes on one database, and the proxy before them."""

    database: Postgresql
    services: list[Service]
    proxy: Proxy
    chatter: Chatter


@asynccontextmanager
async def pair(folder: Path) -> AsyncIterator[Pair]:
    database, ports, key = postgresql(folder), free_ports(2), folder / "key.pem"
    async with AsyncExitStack() as stack:
        services = []
        for port in ports:
            (own := folder / str(port)).mkdir()
            settings = {
                "CHAT_SESSIONS_DATABASE_URL": database.url,
                "CHAT_SESSIONS_PORT": str(port),
            }
            services.append(await stack.enter_async_context(running(own, key, **settings)))
        proxy = stack.enter_context(haproxy(*ports))
        await asyncio.to_thread(wait_for, proxy, 2)
        yield Pair(database, services, proxy, Chatter(proxy, key))


async def stopped(service: Service, longest: float) -> str | None:
    """What was wrong with how it stopped, beside clients that never get to the end of a head."""
    with ExitStack() as stack:
        for _ in range(20):
            idler = stack.enter_context(socket.create_connection(service.served.address))
            idler.sendall(b"GET /sessions HTTP/1.1\r\nHost: 127")
        begun = time.monotonic()
        code = await asyncio.to_thread(service.served.stop, signal.SIGTERM)
        seconds = time.monotonic() - begun
    return None if code == 0 and seconds <= longest else f"exit {code} after {seconds:.1f} s"


async def test_a_rolling_restart_drops_nothing(
    tmp_path: Path, sized: Sized, exit_longest: float, tally: Tally
) -> None:
    """Clients that keep their connection through the proxy, and never ask again, notice nothing."""
    restarts, requests = sized(3, 20), sized(300, 10_000)
    async with pair(tmp_path) as both:
        unclean, before = [], connections(both.proxy)
        async with both.chatter.chatting(requests):
            for turn in range(restarts):
                service = both.services[turn % 2]
                if wrong := await stopped(service, exit_longest):
                    unclean.append(wrong)
                await service.restart()
                await asyncio.to_thread(wait_for, both.proxy, 2)
        assert connections(both.proxy) == before + len(PAUSES)
        where = f"{restarts} restarts behind HAProxy"
        tally.none("P10", f"{where}: stops unclean or over 10 s", unclean, of=restarts)
        await both.chatter.check(tally, where)


MIGRATION = """
CREATE TABLE more (owner uuid PRIMARY KEY);
ALTER TABLE sessions ADD COLUMN more text;
ALTER TABLE messages ADD COLUMN more bigint DEFAULT 0 NOT NULL;
UPDATE alembic_version SET version_num = '9999';
"""


async def test_a_newer_release_may_migrate_while_this_one_serves(
    tmp_path: Path, sized: Sized, tally: Tally
) -> None:
    """A migration adds, and takes nothing away: no request fails, and the proxy keeps both."""
    async with pair(tmp_path) as both:
        async with both.chatter.chatting(sized(100, 1_000)):
            await asyncio.sleep(1)
            migrating = (MIGRATION, both.database.database)
            await asyncio.to_thread(both.database.server.execute, *migrating)
            await asyncio.sleep(2)
            assert ready(both.proxy) == 2
        await both.chatter.check(tally, "a newer release's migration")


async def test_without_a_proxy_a_restart_is_a_moment_of_refused_connections(
    tmp_path: Path, sized: Sized, exit_longest: float
) -> None:
    """No more than that: whoever then asks again with the same key is answered, and stored once."""
    port, database = free_port(), postgresql(tmp_path)
    settings = {"CHAT_SESSIONS_DATABASE_URL": database.url, "CHAT_SESSIONS_PORT": str(port)}
    async with running(tmp_path, tmp_path / "key.pem", **settings) as service:
        ledger = Ledger(service)
        async with ledger.writing():
            for _ in range(sized(1, 10)):
                await asyncio.sleep(0.5)
                assert await stopped(service, exit_longest) is None
                async with httpx2.AsyncClient() as http:
                    with pytest.raises(httpx2.ConnectError):
                        await http.get(f"http://127.0.0.1:{port}/livez")
                await service.start()
        assert ledger.refusals == []
        assert ledger.unanswered
        await ledger.check(Tally(), "restarts without a proxy")
