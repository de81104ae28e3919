"""Many service processes: what they share, and how they start."""

import asyncio
from collections import Counter
from contextlib import AsyncExitStack
from pathlib import Path

import pytest

from tests.cluster.cluster import Cluster
from tests.cluster.estate import estate, execute
from tests.conftest import Sized
from tests.faults.service import running
from tests.serving import run
from tests.tally import Tally

ALLOWED = 30


@pytest.mark.timeout(300)
async def test_one_allowance_holds_for_all_processes(
    nodes: Cluster, tmp_path: Path, tally: Tally
) -> None:
    """Whichever of them is asked."""
    limit = f"{ALLOWED}/hour"
    async with estate(nodes, tmp_path, CHAT_SESSIONS_RATE_LIMIT_CREATE=limit) as both:
        services = list(both.services.values())
        asked = [
            services[number % 2].http.post("/sessions", json={}) for number in range(2 * ALLOWED)
        ]
        statuses = Counter(answer.status_code for answer in await asyncio.gather(*asked))
    beyond = ["beyond"] * abs(statuses[201] - ALLOWED)
    tally.none("P8", "two processes, one allowance: off by", beyond, of=2 * ALLOWED)
    assert statuses == {201: ALLOWED, 429: ALLOWED}


@pytest.mark.timeout(300)
async def test_many_start_at_once_on_a_new_database(
    nodes: Cluster, tmp_path: Path, sized: Sized, tally: Tally
) -> None:
    """All migrate it, and all serve it: none is in another's way."""
    many, name = sized(4, 10), "started_at_once"
    await execute(nodes, "postgres", f"CREATE DATABASE {name}")
    settings = {"CHAT_SESSIONS_DATABASE_URL": nodes.hosts_url(name)}
    migrating = [
        asyncio.to_thread(run, "migrate", folder=tmp_path, **settings) for _ in range(many)
    ]
    migrated = await asyncio.gather(*migrating)
    failed = [done.stderr for done in migrated if done.returncode]
    tally.none("P11", "migrations at once: failed", failed, of=many)
    async with AsyncExitStack() as stack:
        services = []
        for number in range(many):
            (folder := tmp_path / str(number)).mkdir()
            services.append(running(folder, tmp_path / "key.pem", **settings))
        serving = await asyncio.gather(*map(stack.enter_async_context, services))
        answers = [await service.http.get("/readyz") for service in serving]
    not_ready = [answer.text for answer in answers if answer.status_code != 200]
    tally.none("P11", "starts at once: not ready", not_ready, of=many)
