import asyncio
import time
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass, field

from tests.faults.answers import LONGEST, is_refused_for_now
from tests.faults.ledger import Ledger

PAUSE = 0.02


@dataclass
class Reader:
    """Reads what was acknowledged last, by the process that it was acknowledged by."""

    ledger: Ledger
    asked: int = 0
    wrong: list[str] = field(default_factory=list)

    async def read(self) -> None:
        """One answer that is neither right nor a refusal, or that is late, is noted."""
        items = next(
            told["items"] for _, told in reversed(self.ledger.acknowledged) if "items" in told
        )
        last = items[-1]
        after = last["message_order"] - 1
        path = f"/sessions/{last['session_id']}/messages?limit=1&after={after}"
        self.asked += 1
        begun = time.monotonic()
        answer = await self.ledger.service.http.get(path)
        if (seconds := time.monotonic() - begun) > LONGEST:
            self.wrong.append(f"read after {seconds:.1f} s")
        if answer.status_code == 200 and answer.json()["items"] == [last]:
            return
        if not is_refused_for_now(answer):
            self.wrong.append(f"{answer.status_code} {answer.text}, not {last}")

    async def _read_on(self, stop: asyncio.Event) -> None:
        while not stop.is_set():
            if any("items" in told for _, told in self.ledger.acknowledged[-50:]):
                await self.read()
            await asyncio.sleep(PAUSE)

    @asynccontextmanager
    async def reading(self, readers: int = 2) -> AsyncIterator[None]:
        stop = asyncio.Event()
        async with asyncio.TaskGroup() as group:
            for _ in range(readers):
                group.create_task(self._read_on(stop))
            yield
            stop.set()
