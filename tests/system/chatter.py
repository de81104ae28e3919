"""Clients that keep their connection and never ask again, and what they were told."""

import asyncio
import itertools
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import httpx2

from adapters.auth import DevelopmentKey
from adapters.system import SystemClock
from tests.faults.crowd import everything, said
from tests.faults.ledger import is_in_order
from tests.system.proxies import Proxy
from tests.tally import Tally
from tests.waiting import WAIT_SECONDS

PAUSES = {f"person{number}": 0.001 for number in range(12)} | {
    f"slow{number}": 4.9 + number / 30 for number in range(6)
}
"""The clients, and how many seconds each lets its connection idle between two requests."""


@dataclass
class Chatter:
    proxy: Proxy
    key: Path
    requests: int = 0
    failed: list[str] = field(default_factory=list)
    told: dict[str, list[str]] = field(default_factory=dict)
    """What was acknowledged, by session."""

    def client(self, who: str) -> httpx2.AsyncClient:
        """With one connection, kept as long as the other side keeps it."""
        token = DevelopmentKey(self.key).token(who, SystemClock())
        return httpx2.AsyncClient(
            base_url=self.proxy.url,
            verify=self.proxy.trust,
            headers={"Authorization": f"Bearer {token}"},
            limits=httpx2.Limits(
                max_connections=1, max_keepalive_connections=1, keepalive_expiry=None
            ),
            timeout=WAIT_SECONDS,
        )

    async def ask(
        self, http: httpx2.AsyncClient, method: str, path: str, **request: Any
    ) -> Any | None:
        """The answer's JSON, or None where it failed."""
        self.requests += 1
        try:
            answer = await http.request(method, path, **request)
        except httpx2.HTTPError as error:
            self.failed.append(f"{method} {path}: {error!r}")
            return None
        if not answer.is_success:
            self.failed.append(f"{method} {path}: {answer.status_code} {answer.text}")
            return None
        return answer.json()

    async def chat(self, who: str, stop: asyncio.Event, at_least: int) -> None:
        """Create, append and read, every other write with a key, until told to stop."""
        async with self.client(who) as http:
            session = ""
            for turn in itertools.count():
                if stop.is_set() and self.requests >= at_least:
                    return
                text = f"{who}.{turn}"
                keyed = {"Idempotency-Key": text} if turn % 2 else {}
                if turn % 8 == 0 or not session:
                    made = await self.ask(http, "POST", "/sessions", json=said(text), headers=keyed)
                    session = made["id"] if made else ""
                    if made:
                        self.told[session] = [text]
                elif turn % 8 in {3, 6}:
                    await self.ask(http, "GET", f"/sessions/{session}/messages?sort_order=desc")
                elif turn % 8 == 7:
                    await self.ask(http, "GET", "/sessions?limit=5")
                else:
                    path = f"/sessions/{session}/messages"
                    if await self.ask(http, "POST", path, json=said(text), headers=keyed):
                        self.told[session].append(text)
                await asyncio.sleep(PAUSES[who])

    @asynccontextmanager
    async def chatting(self, at_least: int) -> AsyncIterator[None]:
        """All clients at once while the body runs, and until there are as many requests."""
        stop = asyncio.Event()
        async with asyncio.TaskGroup() as group:
            for who in PAUSES:
                group.create_task(self.chat(who, stop, at_least))
            yield
            stop.set()

    async def check(self, tally: Tally, where: str) -> None:
        """No request failed, and what was acknowledged is stored, once and in order."""
        tally.none("P10", f"{where}: requests failed", self.failed, of=self.requests)
        stored, astray = {}, []
        for who in PAUSES:
            async with self.client(who) as http:
                for session, (one, items) in (await everything(http)).items():
                    stored[session] = [item["content"] for item in items]
                    if not is_in_order(one, items):
                        astray.append(session)
        astray += [one for one in stored | self.told if stored.get(one) != self.told.get(one)]
        tally.none("P1", f"{where}: sessions not stored as told, once", astray, of=len(stored))
