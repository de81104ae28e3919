"""What writers sent and what was acknowledged to them, held against what is stored."""

import asyncio
import itertools
import time
from collections import defaultdict
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from typing import Any

import httpx2

from tests.faults.answers import is_refused_for_now
from tests.faults.crowd import everything
from tests.faults.service import Service
from tests.tally import Tally

PAUSE = 0.02


@dataclass(frozen=True)
class Attempt:
    path: str
    texts: tuple[str, ...]
    """Unlike those of any other attempt."""

    @property
    def body(self) -> dict[str, Any]:
        said: dict[str, Any] = {"messages": [{"role": "user", "content": t} for t in self.texts]}
        return said | {"title": self.texts[0]} if self.path == "/sessions" else said

    @property
    def headers(self) -> dict[str, str]:
        return {"Idempotency-Key": self.texts[0]}


@dataclass
class Ledger:
    service: Service
    attempts: list[Attempt] = field(default_factory=list)
    acknowledged: list[tuple[Attempt, Any]] = field(default_factory=list)
    refusals: list[httpx2.Response] = field(default_factory=list)
    seconds: list[float] = field(default_factory=list)
    """How long each answer took, refusals included."""
    times: list[float] = field(default_factory=list)
    """When each was acknowledged."""
    unanswered: int = 0
    progress: asyncio.Event = field(default_factory=asyncio.Event)
    """Set whenever something is acknowledged."""

    async def send(self, attempt: Attempt) -> Any:
        """The answer's JSON. Sent with its one key until it is acknowledged."""
        self.attempts.append(attempt)
        while True:
            begun = time.monotonic()
            try:
                answer = await self.service.http.post(
                    attempt.path, json=attempt.body, headers=attempt.headers
                )
            except httpx2.TransportError:
                self.unanswered += 1
                await asyncio.sleep(PAUSE)
                continue
            self.seconds.append(time.monotonic() - begun)
            if answer.status_code == 201:
                self.acknowledged.append((attempt, answer.json()))
                self.times.append(time.monotonic())
                self.progress.set()
                return self.acknowledged[-1][1]
            assert answer.status_code == 503, answer.text
            self.refusals.append(answer)
            await asyncio.sleep(PAUSE)

    async def write(self, name: str, shared: str, stop: asyncio.Event) -> None:
        """Sessions of its own, and batches for them and for the shared one, until told to stop."""
        own = shared
        for turn in itertools.count():
            if stop.is_set():
                return
            texts = tuple(f"{name}.{turn}.{place}" for place in range(1 + turn % 3))
            if turn % 16 == 0:
                own = (await self.send(Attempt("/sessions", texts)))["id"]
            else:
                target = shared if turn % 2 else own
                await self.send(Attempt(f"/sessions/{target}/messages", texts))

    @asynccontextmanager
    async def writing(self, writers: int = 8) -> AsyncIterator[None]:
        """All writers at once while the body runs, with a session that they share."""
        name, stop = str(len(self.attempts)), asyncio.Event()
        shared = (await self.send(Attempt("/sessions", (name,))))["id"]
        async with asyncio.TaskGroup() as group:
            for writer in range(writers):
                group.create_task(self.write(f"{name}.{writer}", shared, stop))
            yield
            stop.set()

    def wrong(self, longest: float) -> list[str]:
        """Refusals that are not as the contract has them, and answers that came too late."""
        late = [f"after {seconds:.1f} s" for seconds in self.seconds if seconds > longest]
        return late + [one.text for one in self.refusals if not is_refused_for_now(one)]

    async def check(self, tally: Tally, where: str) -> None:
        """What was acknowledged is stored, once, whole and in order."""
        stored = await everything(self.service.http)
        messages = {item["id"]: item for _, items in stored.values() for item in items}
        told = [item for _, answer in self.acknowledged for item in answer.get("items", [])]
        made = [(one, answer) for one, answer in self.acknowledged if "items" not in answer]
        lost = [item for item in told if messages.get(item["id"]) != item]
        lost += [one for one, answer in made if not begins_with(stored.get(answer["id"]), one)]
        tally.none("P1", f"{where}: acknowledged writes lost", lost, of=len(told) + len(made))

        places = defaultdict(list)
        for item in messages.values():
            places[item["content"]].append((item["session_id"], item["message_order"]))
        torn = [one for one in self.attempts if not is_whole([places[text] for text in one.texts])]
        tally.none("P1", f"{where}: batches torn", torn, of=len(self.attempts))
        astray = [session for session, items in stored.values() if not is_in_order(session, items)]
        tally.none("P3", f"{where}: sessions out of order", astray, of=len(stored))
        doubled = [text for text, found in places.items() if len(found) > 1]
        tally.none("P2", f"{where}: messages stored twice", doubled, of=len(messages))


def begins_with(found: tuple[Any, list[Any]] | None, attempt: Attempt) -> bool:
    """Whether the session that was found is the one that was asked for."""
    if found is None:
        return False
    session, items = found
    first = tuple(item["content"] for item in items[: len(attempt.texts)])
    return session["title"] == attempt.texts[0] and first == attempt.texts


def is_whole(places: list[list[tuple[str, int]]]) -> bool:
    """Whether a batch lies together and in its order, or is absent."""
    if not any(places):
        return True
    session, first = next(found[0] for found in places if found)
    return all((session, first + place) in found for place, found in enumerate(places))


def is_in_order(session: Any, items: list[Any]) -> bool:
    orders = [item["message_order"] for item in items]
    times = [item["timestamp"] for item in items]
    counted = list(range(1, session["message_count"] + 1))
    return orders == counted and times == sorted(set(times))
