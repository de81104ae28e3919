"""What a request costs, in what cannot be noisy: statements and round trips.

A number here may sink. Where one has to grow, the commit says what for.
"""

import asyncio
import json
from collections.abc import AsyncIterator, Awaitable, Callable, Iterator, Mapping, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from datetime import datetime
from itertools import count, repeat
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit
from uuid import UUID

import anyio.to_thread
import pytest

from adapters.memory import MemoryStorage
from adapters.sql import SqlStorage
from adapters.sql.observer import NULL_OBSERVER, Observer
from adapters.sql.postgresql import PostgresqlDatabase
from adapters.sql.sqlite import SqliteDatabase
from application.ports.storage import Storage
from entrypoints.http.etags import page_tag
from tests.databases import database_file, empty_database, patient
from tests.entrypoints.conftest import Api, before_storage, opened
from tests.faults.proxy import Proxy, listening
from tests.routes import ROUTE, ROUTES, Lines

SAID = {"role": "user", "content": "x" * 300}

POLL = "a conditional GET"
STATEMENTS = {**{route.operation: route.statements for route in ROUTES}, POLL: (1, 1)}

READS = {route.operation for route in ROUTES if route.method == "GET"}
ROUND_TRIPS = {
    name: of + (of > 1 and name not in READS)
    for name, (_, of) in STATEMENTS.items()
    if name != "exportSessions"
}
"""To PostgreSQL: one, or those of a transaction that looks before it writes."""


@pytest.mark.parametrize("backend", ["sqlite", "postgresql"])
async def test_a_request_runs_no_more_statements_than_that(backend: str, tmp_path: Path) -> None:
    tally, run = Tally(), {}
    async with asked_of(STORAGES[backend](tmp_path, tally, ""), tmp_path) as (api, requests):
        for name, request in requests.items():
            await answered(api, request)
            tally.told.clear()
            await answered(api, request)
            run[name] = [*tally.told]
    expected = {name: of[backend == "postgresql"] for name, of in STATEMENTS.items()}
    assert {name: len(told) for name, told in run.items()} == expected, run


async def test_a_request_asks_postgresql_no_more_often_than_that(tmp_path: Path) -> None:
    """Once its statements are prepared."""
    url = urlsplit(empty_database("plain"))
    async with listening(Counting(url.hostname or "", url.port or 0)) as proxy:
        through = url._replace(netloc=f"postgres@127.0.0.1:{proxy.port}").geturl()
        storage = STORAGES["postgresql"](tmp_path, NULL_OBSERVER, through)
        async with asked_of(storage, tmp_path) as (api, requests):
            found = {}
            for name, request in requests.items():
                await answered(api, request)
                before = proxy.asked
                await answered(api, request)
                found[name] = proxy.asked - before
    del found["exportSessions"]  # it reads each session that the others have made
    assert found == ROUND_TRIPS


@before_storage
async def test_no_request_is_handed_to_a_thread(api: Api, monkeypatch: pytest.MonkeyPatch) -> None:
    """As FastAPI does with every dependency that is a plain function: a hop costs more than most of
    the rest."""
    handed: list[str] = []

    async def run_sync(act: object, *_: object, **__: object) -> None:
        handed.append(repr(act))
        raise AssertionError(handed)

    monkeypatch.setattr(anyio.to_thread, "run_sync", run_sync)
    session_id = (await api.create())["id"]
    for route in ROUTES:
        answer = await api.ask(route.method, route.target(session_id), json=route.body)
        assert answer.status_code == route.status, route.operation
    assert not handed


@dataclass
class Tally(Observer):
    """Every statement, by its name."""

    told: list[str] = field(default_factory=list)

    def statement(self, name: str, seconds: float, error: BaseException | None) -> None:  # noqa: ARG002 - an observer's
        self.told.append(name)

    def pool(self, *_: Any) -> None: ...
    def event(self, *_: Any, **__: Any) -> None: ...


STORAGES: Mapping[str, Callable[[Path, Observer, str], Storage]] = {
    "memory": lambda *_: MemoryStorage(),
    "sqlite": lambda folder, told, _: SqlStorage(SqliteDatabase(database_file(folder), told)),
    "postgresql": lambda _, told, url: SqlStorage(
        PostgresqlDatabase(patient(url or empty_database("plain")), told)
    ),
}

Request = tuple[str, str, bytes, dict[str, str]]


UNLIMITED = {f"rate_limit_{kind}": "1000000/minute" for kind in ("read", "write", "create")}


@asynccontextmanager
async def asked_of(
    storage: Storage, folder: Path
) -> AsyncIterator[tuple[Api, dict[str, Iterator[Request]]]]:
    """A service with 50 sessions, of which one has 50 messages, and the requests to it."""
    async with opened(storage, folder, {"rate_limits": "on"} | UNLIMITED) as api:
        session = await api.create(messages=[SAID] * 50)
        made = [await api.create() for _ in range(49)]
        yield api, requests_to(session, [other["id"] for other in made[:10]])


def requests_to(session: dict[str, Any], doomed: Sequence[str]) -> dict[str, Iterator[Request]]:
    session_id = session["id"]
    path = f"/sessions/{session_id}"
    page = f"{path}/messages?limit=50"
    titles = (json.dumps({"title": f"title {number}"}).encode() for number in count())
    made: dict[str, Iterator[Request]] = {
        route.operation: repeat(
            (
                route.method,
                route.target(session_id),
                _bytes(route.body),
                _media_type(route.body),
            )
        )
        for route in ROUTES
    }
    deletion = ROUTE["deleteSession"]
    instant = datetime.fromisoformat(session["last_updated"])
    # The conditional GET and the export come before anything is appended: what the one knows is
    # still so, and the other reads each session.
    return (
        {
            POLL: repeat(
                ("GET", page, b"", {"if-none-match": page_tag(instant, UUID(session["id"]))})
            )
        }
        | {"exportSessions": made["exportSessions"]}
        | made
        | {
            "listMessages": repeat(("GET", page, b"", {})),
            "removeMessage": (("DELETE", f"{path}/messages/{1 + n}", b"", {}) for n in count()),
            "clearMessages": (
                ("DELETE", f"{path}/messages?before={4 + n}", b"", {}) for n in count()
            ),
            "updateSession": (("PATCH", path, title, {}) for title in titles),
            "deleteSession": ((deletion.method, deletion.target(one), b"", {}) for one in doomed),
        }
    )


def _bytes(body: Any) -> bytes:
    if isinstance(body, Lines):
        return body.encode()
    return json.dumps(body).encode() if body else b""


def _media_type(body: Any) -> dict[str, str]:
    return {"content-type": "application/x-ndjson"} if isinstance(body, Lines) else {}


async def answered(api: Api, requests: Iterator[Request]) -> None:
    scope, receive = heard(api, next(requests))
    statuses = []

    async def send(message: Any) -> None:
        if message["type"] == "http.response.start":
            statuses.append(message["status"])

    await api.app(scope, receive, send)
    assert statuses[0] < 400


def heard(api: Api, request: Request) -> tuple[dict[str, Any], Callable[[], Awaitable[Any]]]:
    """As a server hands it to the application."""
    method, target, body, headers = request
    path, _, query = target.partition("?")
    given = {"host": "127.0.0.1:8000", **api.bearer("alice"), **headers}
    if body:
        given = {"content-type": "application/json", "content-length": str(len(body)), **given}
    scope = {
        "type": "http",
        "asgi": {"version": "3.0"},
        "http_version": "1.1",
        "scheme": "http",
        "server": ("127.0.0.1", 8000),
        "client": ("127.0.0.1", 5),
        "method": method,
        "path": path,
        "raw_path": path.encode(),
        "root_path": "",
        "query_string": query.encode(),
        "headers": [(name.lower().encode(), value.encode()) for name, value in given.items()],
        "state": {},
    }

    async def receive() -> Any:
        return {"type": "http.request", "body": body, "more_body": False}

    return scope, receive


class Counting(Proxy):
    """Counts how often it is asked: a question is one piece, and waits for its answer."""

    asked = 0

    async def _pass(
        self, source: asyncio.StreamReader, to: asyncio.StreamWriter, *open_: asyncio.Event
    ) -> None:
        while piece := await source.read(65536):
            self.asked += len(open_) == 1
            to.write(piece)
