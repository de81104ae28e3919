"""Processes killed at random moments while eight writers write, and others replace and remove."""

import asyncio
import time
from pathlib import Path

from tests.conftest import Sized
from tests.faults.databases import Database, postgresql
from tests.faults.editor import check, editing
from tests.faults.ledger import Ledger
from tests.faults.service import moment, running
from tests.tally import Tally


async def test_what_was_acknowledged_survives_kills_of_the_service(
    tmp_path: Path, key: Path, database: Database, sized: Sized, tally: Tally
) -> None:
    """It is stored once, whole and in order, also where the answer was lost and asked for again;
    and what was replaced or removed meanwhile stays so."""
    kills = sized(1, 50)
    async with running(tmp_path, key, CHAT_SESSIONS_DATABASE_URL=database.url) as service:
        ledger = Ledger(service)
        async with ledger.writing(), editing(service) as editors:
            for _ in range(kills):
                await moment(0.1, 1)
                await service.restart()
        where = f"{database.name}, {kills} kills of the service"
        await ledger.check(tally, where)
        await check(editors, tally, where)


async def test_what_was_acknowledged_survives_kills_of_the_database(
    tmp_path: Path, key: Path, sized: Sized, longest: float, tally: Tally
) -> None:
    """The service stays, says 503 meanwhile, and serves again within 5 s."""
    database = postgresql(tmp_path)
    kills, late = sized(1, 20), []
    async with running(tmp_path, key, CHAT_SESSIONS_DATABASE_URL=database.url) as service:
        ledger = Ledger(service)
        async with ledger.writing(), editing(service) as editors:
            for _ in range(kills):
                await moment(0.2, 0.8)
                await asyncio.to_thread(database.server.kill)
                await moment(0, 1)
                await asyncio.to_thread(database.server.start)
                begun = time.monotonic()
                ledger.progress.clear()
                await ledger.progress.wait()
                if (seconds := time.monotonic() - begun) > longest:
                    late.append(seconds)
        where = f"postgresql, {kills} kills of the database"
        await ledger.check(tally, where)
        await check(editors, tally, where)
        assert service.served.process.poll() is None
    tally.none("P11", f"{where}: not healed in 5 s", late, of=kills)
    tally.none(
        "P11", f"{where}: answers wrong or late", ledger.wrong(longest), of=len(ledger.seconds)
    )
    assert ledger.unanswered == 0
    assert ledger.refusals
