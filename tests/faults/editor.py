"""A person who replaces and removes messages of sessions that nobody else changes, and knows after
each answer what is there."""

import asyncio
from collections.abc import AsyncIterator, Collection
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from itertools import count
from typing import Any

import httpx2

from tests.certificates import NO_AUTHORITY
from tests.faults.crowd import everything
from tests.faults.ledger import PAUSE
from tests.faults.service import CHANCE, Service
from tests.tally import Tally
from tests.waiting import WAIT_SECONDS

EDITORS = 4


@dataclass
class Editor:
    """Every request of one is sent until it is answered, and may be sent again at no harm."""

    service: Service
    name: str
    stored: dict[int, Any] = field(default_factory=dict)
    """What was answered of each message that was not removed since, by its order."""

    answered: int = 0

    @property
    def session(self) -> str:
        return f"/sessions/ext:{self.name}"

    @property
    def messages(self) -> str:
        return f"{self.session}/messages"

    async def work(self, stop: asyncio.Event) -> None:
        for turn in count():
            await self.add(f"{turn}.a", f"{turn}.b")
            await self.put(f"ext:{turn}.c")
            await self.put(str(CHANCE.choice(list(self.stored))))
            await self.remove(CHANCE.choice(list(self.stored)))
            if turn % 8 == 7:
                await self.clear(before=CHANCE.choice(list(self.stored)))
            if stop.is_set():
                return

    async def add(self, *names: str) -> None:
        said = [self.said() | {"external_id": name} for name in names]
        path = f"{self.messages}?create=true&existing=keep"
        answer = await self.send("POST", path, {201}, json={"messages": said})
        self.stored |= {item["message_order"]: item for item in answer.json()["items"]}

    async def put(self, message: str) -> None:
        answer = await self.send("PUT", f"{self.messages}/{message}", {200, 201}, json=self.said())
        self.stored[answer.json()["message_order"]] = answer.json()

    async def remove(self, order: int) -> None:
        await self.send("DELETE", f"{self.messages}/{order}", {200})
        del self.stored[order]

    async def clear(self, before: int) -> None:
        await self.send("DELETE", f"{self.messages}?before={before}", {204})
        self.stored = {order: item for order, item in self.stored.items() if order >= before}

    def said(self) -> dict[str, Any]:
        text = f"{self.name} {self.answered}"
        return {"role": "user", "content": text, "body": {"text": text}, "format": "x"}

    async def send(
        self, method: str, path: str, done: Collection[int], **request: Any
    ) -> httpx2.Response:
        """The answer. One that is gone at a second try was removed by the first."""
        bearer = {"Authorization": self.service.authorization_of(self.name)}
        for tries in count():
            try:
                answer = await self.service.http.request(method, path, headers=bearer, **request)
            except httpx2.TransportError:
                await asyncio.sleep(PAUSE)
                continue
            if answer.status_code in done or (method, answer.status_code) == ("DELETE", 404):
                assert answer.status_code in done or tries, answer.text
                self.answered += 1
                return answer
            assert answer.status_code == 503, answer.text
            await asyncio.sleep(PAUSE)
        raise AssertionError


@asynccontextmanager
async def editing(service: Service) -> AsyncIterator[list[Editor]]:
    """All editors at once while the body runs."""
    editors = [Editor(service, f"editor {number}") for number in range(EDITORS)]
    stop = asyncio.Event()
    async with asyncio.TaskGroup() as group:
        for editor in editors:
            group.create_task(editor.work(stop))
        yield editors
        stop.set()


async def check(editors: list[Editor], tally: Tally, where: str) -> None:
    """What was replaced is as it was answered, and what was removed is gone."""
    wrong, returned, answered = [], [], 0
    for editor in editors:
        service = editor.service
        http = httpx2.AsyncClient(
            base_url=service.http.base_url,
            headers={"Authorization": service.authorization_of(editor.name)},
            timeout=WAIT_SECONDS,
            verify=NO_AUTHORITY,
        )
        async with http:
            ((session, items),) = (await everything(http)).values()
        found = {item["message_order"]: item for item in items}
        wrong += [one for order, one in editor.stored.items() if found.get(order) != one]
        returned += [one for order, one in found.items() if order not in editor.stored]
        assert session["message_count"] == len(items)
        answered += editor.answered
    tally.none("P1", f"{where}: acknowledged changes lost", wrong, of=answered)
    tally.none("P2", f"{where}: removed messages back, or added twice", returned, of=answered)
