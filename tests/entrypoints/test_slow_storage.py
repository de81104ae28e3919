"""What a client hears while the storage takes long."""

import sqlite3
import time
from collections.abc import Iterator
from contextlib import closing
from pathlib import Path

import pytest

from adapters.sql.sqlite import file
from entrypoints import time_limits
from tests.entrypoints.conftest import Api, problem
from tests.waiting import WAIT_SECONDS

PROMISED = time_limits.REQUEST_TIMEOUT
SAID = {"messages": [{"role": "user", "content": "Hello"}]}


@pytest.fixture
def backend() -> str:
    return "sqlite"


@pytest.fixture(autouse=True)
def _waits_long(monkeypatch: pytest.MonkeyPatch) -> None:
    """The file's lock is waited for longer than any request."""
    monkeypatch.setattr(file, "BUSY_SECONDS", WAIT_SECONDS)


@pytest.fixture
def holder(tmp_path: Path) -> Iterator[sqlite3.Connection]:
    """Another program that can lock the file."""
    with closing(sqlite3.connect(tmp_path / "chat.db", isolation_level=None)) as connection:
        yield connection


async def test_no_request_waits_longer_than_five_seconds(
    api: Api, holder: sqlite3.Connection, monkeypatch: pytest.MonkeyPatch
) -> None:
    """It is 503, to be tried again; a write that was begun is carried through, once."""
    assert PROMISED < 5
    monkeypatch.setattr(time_limits, "REQUEST_TIMEOUT", 0.2)
    path = f"/sessions/{(await api.create())['id']}/messages"
    keyed = {"Idempotency-Key": "key"}
    holder.execute("BEGIN IMMEDIATE")
    began = time.monotonic()
    refused = await api.ask("POST", path, json=SAID, headers=keyed)
    assert 0.2 <= time.monotonic() - began < WAIT_SECONDS / 2
    problem(refused, 503)
    assert refused.headers["retry-after"]
    holder.execute("ROLLBACK")
    monkeypatch.setattr(time_limits, "REQUEST_TIMEOUT", WAIT_SECONDS)
    again = await api.ask("POST", path, json=SAID, headers=keyed)
    assert (again.status_code, again.headers["idempotent-replayed"]) == (201, "true")
    assert (await api.ask("GET", path)).json()["pagination"]["total"] == 1
