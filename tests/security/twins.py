"""The same service on both databases, asked the same: what differs is wrong."""

from collections.abc import AsyncIterator
from contextlib import AsyncExitStack, asynccontextmanager
from dataclasses import dataclass, field
from itertools import count
from pathlib import Path
from typing import Any
from uuid import UUID

import httpx2

from application.ports.identifiers import Identifiers
from tests.entrypoints.conftest import Api, opened
from tests.routes import sendable
from tests.security.kept import postgresql, sqlite

_FIRST = 0x01A20AB2_0000_7000_8000_000000000000
_ID = "the-same"


@dataclass
class CountedIdentifiers(Identifiers):
    """UUIDv7 (RFC 9562 section 5.7) that are the same on every run."""

    numbers: "count[int]" = field(default_factory=lambda: count(1))

    def new(self) -> UUID:
        return UUID(int=_FIRST + next(self.numbers))


@dataclass
class Twins:
    sqlite: Api
    postgresql: Api
    unlike: list[object] = field(default_factory=list)
    faults: list[object] = field(default_factory=list)

    async def ask(self, method: str, path: str, **request: Any) -> httpx2.Response:
        """What both answered. Where that is not the same, or a 5xx, it is kept."""
        headers = [("X-Request-ID", _ID), *_pairs(request.pop("headers", {}))]
        answers = [
            await api.client.request(method, path, headers=headers, **request)
            for api in (self.sqlite, self.postgresql)
        ]
        first, second = map(_told, answers)
        if first != second:
            self.unlike.append((method, path, request, first, second))
        if answers[0].status_code >= 500 or answers[1].status_code >= 500:
            self.faults.append((method, path, request, first))
        return answers[0]

    async def ask_as(self, who: str, method: str, path: str, **request: Any) -> httpx2.Response:
        request = sendable(request)
        headers = [*self.sqlite.bearer(who).items(), *_pairs(request.pop("headers", {}))]
        return await self.ask(method, path, headers=headers, **request)

    async def send(self, path: str, body: str | bytes, method: str = "POST") -> httpx2.Response:
        """Alice's body as it stands, said to be JSON."""
        headers = {"Content-Type": "application/json"}
        return await self.ask_as("alice", method, path, content=body, headers=headers)

    def move(self, seconds: float) -> None:
        for api in (self.sqlite, self.postgresql):
            api.clock.move(seconds)


def _pairs(headers: Any) -> list[tuple[Any, Any]]:
    return list(headers.items()) if isinstance(headers, dict) else list(headers)


def _told(answer: httpx2.Response) -> tuple[int, list[tuple[str, str]], bytes]:
    return answer.status_code, sorted(answer.headers.multi_items()), answer.content


@asynccontextmanager
async def twins(folder: Path) -> AsyncIterator[Twins]:
    async with AsyncExitStack() as stack:
        apis: list[Api] = []
        for kind in (sqlite, postgresql):
            kept = await stack.enter_async_context(kind(folder))
            made = opened(kept.storage, folder, {}, identifiers=CountedIdentifiers())
            apis.append(await stack.enter_async_context(made))
        yield Twins(apis[0], apis[1])
