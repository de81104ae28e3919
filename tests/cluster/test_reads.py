"""Reads: what was written, always, and while there is no primary what a standby has."""

import asyncio
import time
from collections.abc import Awaitable, Callable
from dataclasses import dataclass, field
from itertools import pairwise
from pathlib import Path
from typing import Any
from uuid import uuid4

import httpx2
import pytest

from tests.cluster.cluster import Cluster
from tests.cluster.estate import Estate, estate
from tests.conftest import Sized
from tests.faults.answers import LONGEST, is_refused_for_now
from tests.faults.crowd import by_clients, new_session, said
from tests.faults.service import Service
from tests.tally import Tally


@pytest.mark.timeout(1200)
async def test_you_read_what_you_wrote_through_another_process(
    both: Estate, sized: Sized, tally: Tally
) -> None:
    pairs, wrong = sized(200, 10_000), []
    await both.cluster.healed()
    one, two = (service.http for service in signed_in(both, "pairs"))
    paths = [f"/sessions/{await new_session(one)}/messages" for _ in range(16)]

    async def write_then_read(number: int) -> None:
        writer, reader = (one, two) if number % 2 else (two, one)
        path = paths[number % len(paths)]
        written = await writer.post(path, json=said(str(number)))
        if written.status_code != 201:
            wrong.append(f"{written.status_code} {written.text}")
            return
        (item,) = written.json()["items"]
        read = await reader.get(f"{path}?limit=1&after={item['message_order'] - 1}")
        if read.status_code != 200 or read.json()["items"] != [item]:
            wrong.append(f"{read.status_code} {read.text}, not {item}")

    await by_clients(pairs, write_then_read)
    tally.none("P4", "written through one process, not read through the other", wrong, of=pairs)


@dataclass
class Watch:
    """What one process answers to reads of a session, and to writes, over and over."""

    service: Service
    path: str
    items: Any
    times: list[float] = field(default_factory=list)
    """When each read was answered."""
    standby: int = 0
    refused: int = 0
    wrong: list[str] = field(default_factory=list)
    ready: set[Any] = field(default_factory=set)
    probes: list[float] = field(default_factory=list)
    """How long each took."""

    async def until(self, stop: asyncio.Event) -> None:
        """Reads, writes and probes, none of which waits for another."""
        async with asyncio.TaskGroup() as group:
            for act, pause in ((self.read, 0.05), (self.write, 0.5), (self.probe, 0.5)):
                group.create_task(self._repeat(act, pause, stop))

    @staticmethod
    async def _repeat(
        act: Callable[[], Awaitable[None]], pause: float, stop: asyncio.Event
    ) -> None:
        while not stop.is_set():
            await act()
            await asyncio.sleep(pause)

    async def probe(self) -> None:
        answer = await self.ask("GET", "/readyz")
        self.ready.add(answer.json()["status"])
        self.probes.append(answer.elapsed.total_seconds())

    async def read(self) -> None:
        answer = await self.ask("GET", f"{self.path}?limit=3")
        if answer.status_code == 200 and answer.json()["items"] == self.items:
            self.times.append(time.monotonic())
            self.standby += answer.headers.get("Standby-Read") == "true"
        elif is_refused_for_now(answer):
            self.refused += 1
        else:
            self.wrong.append(f"{answer.status_code} {answer.text}")

    async def write(self) -> None:
        key = str(uuid4())
        headers = {"Idempotency-Key": key}
        answer = await self.ask("POST", self.path, json=said(key), headers=headers)
        is_right = answer.status_code == 201 or is_refused_for_now(answer)
        if not is_right or "Standby-Read" in answer.headers:
            self.wrong.append(f"{answer.status_code} {answer.text}")

    async def ask(self, method: str, path: str, **request: Any) -> httpx2.Response:
        begun = time.monotonic()
        answer = await self.service.http.request(method, path, **request)
        if (seconds := time.monotonic() - begun) > LONGEST:
            self.wrong.append(f"{method} {path} after {seconds:.1f} s")
        return answer


@pytest.mark.timeout(600)
@pytest.mark.parametrize("how", ["kill", "cut_off"])
async def test_reads_go_on_while_there_is_no_primary(
    nodes: Cluster, how: str, tmp_path: Path, tally: Tally
) -> None:
    """From a standby, which each answer says; writes are 503 until there is a primary again."""
    async with estate(nodes, tmp_path, standby=True) as both:
        await nodes.healed()
        watches, stop = (
            [await watched(service) for service in signed_in(both, "watch")],
            asyncio.Event(),
        )
        async with asyncio.TaskGroup() as group:
            for watch in watches:
                group.create_task(watch.until(stop))
            await asyncio.sleep(2)
            before = await nodes.primary()
            await asyncio.to_thread(getattr(before, how))
            await nodes.another_primary(before)
            if how == "kill":
                before.start()
            else:
                before.join()
            await nodes.healed()
            await asyncio.sleep(2)
            told = [watch.standby for watch in watches]
            await asyncio.sleep(1)
            stop.set()
        assert [watch.standby for watch in watches] == told
    for way, watch in zip(both.services, watches, strict=True):
        where = f"machine {how.replace('_', ' ')}, by {way}"
        gap = max(after - before for before, after in pairwise(watch.times))
        figures = f"{gap:.1f} s; {watch.standby} of {len(watch.times)} from a standby"
        tally.note("P11", f"{where}: longest read gap", f"{figures}, {watch.refused} refused")
        asked = len(watch.times) + watch.refused
        tally.none(
            "P11", f"{where}: wrong or late beside reads of a standby", watch.wrong, of=asked
        )
        assert watch.standby
        tally.note("P11", f"{where}: longest probe", f"{max(watch.probes):.1f} s")
        assert watch.ready == {"ready", "read-only"}


def signed_in(both: Estate, who: str) -> list[Service]:
    for service in both.services.values():
        service.sign_in(who)
    return list(both.services.values())


async def watched(service: Service) -> Watch:
    path = f"/sessions/{await new_session(service.http)}/messages"
    answer = await service.http.post(path, json=said("one", "two", "three"))
    assert answer.status_code == 201
    return Watch(service, path, answer.json()["items"])
