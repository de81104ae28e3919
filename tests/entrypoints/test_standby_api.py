"""Reads from a standby, as clients and operators see them.

The primary is behind a proxy that fails; the standby is the same database without one.
"""

from collections.abc import AsyncIterator
from dataclasses import replace
from pathlib import Path
from urllib.parse import urlsplit

import pytest
from sqlalchemy import text
from structlog.testing import capture_logs

from adapters.sql import SqlStorage
from adapters.sql.postgresql import PostgresqlDatabase
from entrypoints import time_limits
from tests.databases import empty_database, patient, server
from tests.entrypoints.conftest import Api, opened, problem
from tests.faults.proxy import Proxy, listening
from tests.waiting import WAIT_SECONDS


@pytest.fixture
async def proxy() -> AsyncIterator[Proxy]:
    async with listening(Proxy("127.0.0.1", server().port)) as proxy:
        yield proxy


@pytest.fixture
async def api(proxy: Proxy, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> AsyncIterator[Api]:
    """Its primary is not away because it is slow: on a busy machine it may be."""
    monkeypatch.setattr(time_limits, "PRIMARY_TIMEOUT", WAIT_SECONDS)
    url = empty_database("plain")
    through = url.replace(str(urlsplit(url).port), str(proxy.port))
    storage = SqlStorage(PostgresqlDatabase(patient(through)))
    options = {"database_url": through, "database_read_url": url}
    async with opened(storage, tmp_path, options) as api:
        await api.container.reading().open()
        yield api
        await api.container.reading().close()


def take_away(proxy: Proxy) -> None:
    proxy.refusing = True
    proxy.cut()


async def test_reads_are_answered_and_say_so_while_the_primary_is_away(
    api: Api, proxy: Proxy
) -> None:
    session = await api.create(messages=[{"role": "user", "content": "one"}])
    one = f"/sessions/{session['id']}"
    paths = ("/sessions", one, f"{one}/messages")
    before = [await api.ask("GET", path) for path in paths]
    assert not [answer for answer in before if "standby-read" in answer.headers]
    take_away(proxy)
    with capture_logs() as lines:
        after = [await api.ask("GET", path) for path in paths]
        known = await api.ask("GET", one, headers={"If-None-Match": before[1].headers["etag"]})
        refused = await api.ask("PATCH", one, json={"title": "new"})
        ready = await api.client.get("/readyz")
    assert [answer.json() for answer in after] == [answer.json() for answer in before]
    assert {answer.headers["standby-read"] for answer in (*after, known)} == {"true"}
    assert known.status_code == 304
    problem(refused, 503)
    assert "standby-read" not in refused.headers
    assert (ready.status_code, ready.json()) == (200, {"status": "read-only"})
    told = [line for line in lines if line["event"] != "request.unavailable"]
    away, *answered, unavailable = told
    assert (away["event"], unavailable["event"]) == (
        "database.primary_away",
        "database.unavailable",
    )
    assert away["reason"] == unavailable["reason"]
    assert {line["standby"] for line in answered} == {True}


async def test_what_a_standby_lacks_is_not_said_to_be_nowhere(api: Api, proxy: Proxy) -> None:
    """Nor whose it is: 503, and never 403 or 404."""
    session = await api.create()
    others = await api.create("bob")
    take_away(proxy)
    server().execute(f"DELETE FROM sessions WHERE id = '{session['id']}'", "plain")  # noqa: S608 - ours
    for path in (f"/sessions/{session['id']}", f"/sessions/{session['id']}/messages"):
        assert problem(await api.ask("GET", path), 503)
    problem(await api.ask("GET", f"/sessions/{others['id']}"), 503)


async def test_nothing_can_be_written_through_a_standbys_connection() -> None:
    """Even where it leads to a primary."""
    database = PostgresqlDatabase(replace(patient(empty_database("plain")), read_only=True))
    await database.open()
    ((setting,),) = await database.read(text("SHOW transaction_read_only"), {})
    await database.close()
    assert setting == "on"


async def test_without_a_standby_reads_are_refused(proxy: Proxy, tmp_path: Path) -> None:
    url = empty_database("plain").replace(str(server().port), str(proxy.port))
    storage = SqlStorage(PostgresqlDatabase(patient(url)))
    async with opened(storage, tmp_path, {"database_url": url}) as api:
        await api.create()
        take_away(proxy)
        problem(await api.ask("GET", "/sessions"), 503)
        problem(await api.client.get("/readyz"), 503)
