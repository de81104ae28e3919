"""The table of what `/readyz` says, row by row, each asked of the service as a process."""

import asyncio
import json
import signal
import sqlite3
from collections.abc import AsyncIterator, Callable
from contextlib import closing
from pathlib import Path

import httpx2
import pytest

from adapters.sql.schema import REVISION
from tests.faults.databases import Postgresql, postgresql
from tests.faults.proxy import Proxy, listening
from tests.faults.service import Service, running
from tests.ports import free_port
from tests.serving import serving

READY = (200, None)
STORAGE_TIMEOUT = 5
NOISE_SECONDS = 15
"""What a machine that is busy may add."""

Told = tuple[int, str | None]


def told(answer: httpx2.Response) -> Told:
    """The status, and the detail, which is all that a refusal says beside its ids."""
    assert answer.elapsed.total_seconds() < STORAGE_TIMEOUT + NOISE_SECONDS
    body = answer.json()
    if answer.status_code == 200:
        assert body == {"status": "ready"}
        return READY
    assert body.keys() == {"type", "title", "status", "detail", "instance", "request_id"}
    assert int(answer.headers["retry-after"]) > 0
    return answer.status_code, body["detail"]


def lacking(*parts: str) -> Told:
    return 503, f"Not ready: {', '.join(parts)}."


async def asked(service: Service) -> Told:
    return told(await service.http.get("/readyz"))


async def healed(service: Service) -> bool:
    """Within the time that is promised, and with no restart."""
    async with asyncio.timeout(STORAGE_TIMEOUT + NOISE_SECONDS):
        while await asked(service) != READY:
            pass
    return True


@pytest.fixture
async def far(tmp_path: Path, key: Path) -> AsyncIterator[tuple[Service, Proxy, Postgresql]]:
    """A service on PostgreSQL, the way to it, and its database."""
    database = postgresql(tmp_path)
    url, port = database.url, database.server.port
    async with listening(Proxy("127.0.0.1", port)) as proxy:
        through = url.replace(str(port), str(proxy.port), 1)
        settings = {"CHAT_SESSIONS_DATABASE_URL": through, "CHAT_SESSIONS_DRAIN_SECONDS": "8"}
        async with running(tmp_path, key, **settings) as service:
            yield service, proxy, database


async def test_postgresql_up_slow_away_and_old(far: tuple[Service, Proxy, Postgresql]) -> None:
    service, proxy, database = far
    assert await asked(service) == READY
    proxy.latency = 0.3
    assert await asked(service) == READY
    proxy.latency = 6
    assert await asked(service) == lacking("database")
    proxy.heal()
    proxy.cut()
    assert await healed(service)
    ways: list[Callable[[], None]] = [proxy.passing.clear, proxy.answering.clear]
    for fail in ways:
        fail()
        assert await asked(service) == lacking("database")
        proxy.heal()
        proxy.cut()
        assert await healed(service)
    proxy.refusing = True
    proxy.cut()
    assert await asked(service) == lacking("database")
    assert (await service.http.get("/livez")).status_code == 200
    proxy.heal()
    assert await healed(service)
    for revision, expected in (("0001", lacking("database")), ("9999", READY), (REVISION, READY)):
        database.seen(f"UPDATE alembic_version SET version_num = '{revision}'")  # noqa: S608 - one of these
        assert await asked(service) == expected
    service.served.process.send_signal(signal.SIGTERM)
    while (answer := await asked(service)) == READY:
        pass
    assert answer == lacking("service")


def test_sqlite_up_old_moved_away_and_draining(tmp_path: Path) -> None:
    file = tmp_path / "chat-sessions.db"
    with serving(tmp_path, CHAT_SESSIONS_DRAIN_SECONDS="8") as served, served.client() as client:
        assert told(client.get("/readyz")) == READY
        for revision, expected in (("0001", lacking("database")), (REVISION, READY)):
            with closing(sqlite3.connect(file)) as other, other:
                other.execute("UPDATE alembic_version SET version_num = ?", [revision])
            assert told(client.get("/readyz")) == expected
        kept = client.post("/sessions", json={}).headers["location"]
        assert client.get(kept).status_code == 200
        file.rename(tmp_path / "moved")
        assert told(client.get("/readyz")) == lacking("database")
        assert client.post("/sessions", json={}).status_code == 503
        assert client.get(kept).status_code in {200, 503}
        served.process.send_signal(signal.SIGTERM)
        while (answer := told(client.get("/readyz"))) == lacking("database"):
            pass
        assert answer == lacking("database", "service")
        (tmp_path / "moved").rename(file)
        assert told(client.get("/readyz")) == lacking("service")
    log = [json.loads(line) for line in (tmp_path / "stdout").read_text().splitlines()]
    told_of = [(line["event"], line.get("reason")) for line in log if "database." in line["event"]]
    assert told_of == [
        ("database.unavailable", f"{file} has the schema 0001"),
        ("database.available", None),
        (
            "database.unavailable",
            f"{file} was taken away while it was open: No such file or directory",
        ),
        ("database.available", None),
    ]


def test_keys_that_were_never_had(tmp_path: Path) -> None:
    """The service runs all the same, and says what it lacks."""
    nobody = f"http://127.0.0.1:{free_port()}"
    settings = {
        "CHAT_SESSIONS_DATABASE_URL": "memory://",
        "CHAT_SESSIONS_OIDC_ISSUER": nobody,
        "CHAT_SESSIONS_OIDC_AUDIENCE": "https://chat.example/api",
    }
    with serving(tmp_path, **settings) as served:
        assert told(httpx2.get(f"{served.url}/readyz")) == lacking("keys")
        assert httpx2.get(f"{served.url}/livez").status_code == 200
