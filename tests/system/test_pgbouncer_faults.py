"""A pooler that goes away, and a database that goes away behind it."""

import asyncio
import time
from collections.abc import Callable, Iterator
from itertools import count
from pathlib import Path

import pytest

from tests.faults.databases import server
from tests.faults.ledger import Ledger
from tests.faults.service import running
from tests.serving import run
from tests.system.pgbouncer import Pgbouncer
from tests.tally import Tally

NUMBERS = count()

Fault = tuple[Callable[[Pgbouncer], None], Callable[[Pgbouncer], None]]

FAULTS: dict[str, Fault] = {
    "killed": (Pgbouncer.kill, Pgbouncer.start),
    "hung": (Pgbouncer.hang, Pgbouncer.go_on),
    "database killed": (lambda _: server().kill(), lambda _: server().start()),
}


@pytest.fixture(scope="module")
def pooler() -> Iterator[Pgbouncer]:
    """One to strike at, before a server whose commits are durable."""
    started = Pgbouncer(server())
    yield started
    started.remove()


@pytest.fixture
def settings(pooler: Pgbouncer) -> dict[str, str]:
    """Of a service behind pgbouncer, with a schema that was made through it."""
    name = f"pooled{next(NUMBERS)}"
    server().new_database(name)
    return {
        "CHAT_SESSIONS_DATABASE_URL": pooler.url(name),
        "CHAT_SESSIONS_DATABASE_TRANSACTION_POOLER": "true",
    }


@pytest.mark.parametrize("fault", FAULTS)
async def test_what_happens_to_the_pooler_is_a_503_and_heals(
    tmp_path: Path, pooler: Pgbouncer, settings: dict[str, str], fault: str, longest: float
) -> None:
    """Within 5 s, with no restart of the service; what was acknowledged is stored, once."""
    strike, mend = FAULTS[fault]
    assert run("migrate", folder=tmp_path, **settings).returncode == 0
    async with running(tmp_path, tmp_path / "key.pem", **settings) as service:
        ledger = Ledger(service)
        async with ledger.writing():
            await asyncio.sleep(0.5)
            await asyncio.to_thread(strike, pooler)
            try:
                await asyncio.sleep(1)
                assert (await service.http.get("/readyz")).status_code == 503
            finally:
                await asyncio.to_thread(mend, pooler)
            begun = time.monotonic()
            ledger.progress.clear()
            await ledger.progress.wait()
            healed = time.monotonic() - begun
        assert service.served.process.poll() is None
        await ledger.check(Tally(), fault)
    assert healed < longest
    assert ledger.wrong(longest) == []
    assert ledger.refusals
    assert ledger.unanswered == 0
