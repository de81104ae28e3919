"""What is removed is gone: no row, no index and, on SQLite, no page of the file has its text."""

from collections.abc import Awaitable, Callable
from datetime import timedelta
from pathlib import Path
from uuid import UUID, uuid4

import pytest

from adapters.sql import SqlStorage
from adapters.sql.schema import metadata
from adapters.sql.sqlite import SqliteDatabase
from application.ports.storage import Storage
from domain.body import Body
from domain.message import LAST, NewMessage, Role
from domain.session import NewSession, Session
from tests.clock import START
from tests.contract.backends import postgresql
from tests.contract.examples import ALICE, BOB
from tests.databases import empty_database, server

CANARY = "canary7f3a"
LATER = START + timedelta(seconds=1)


def said(place: int) -> NewMessage:
    """A secret in each text that a message has: in a short one, and in one of many pages."""
    return NewMessage(
        Role.USER,
        f"{CANARY} {'x' * 50_000 * (place % 2)}",
        name=f"{CANARY}-name-{place}",
        external_id=f"{CANARY}-id-{place}",
        body=Body.from_mapping({"text": f"{CANARY} {'y' * 50_000}"}),
    )


async def told(storage: Storage) -> UUID:
    messages = {uuid4(): said(place) for place in range(8)}
    session, placed = Session.started(uuid4(), ALICE, START, NewSession("kept"), messages)
    await storage.sessions.add(session, placed)
    kept = {uuid4(): NewMessage(Role.USER, "kept")}
    other, others = Session.started(uuid4(), BOB, START, NewSession("kept"), kept)
    await storage.sessions.add(other, others)
    return session.id


async def remove(storage: Storage, session_id: UUID) -> None:
    for message in (3, LAST, 1, LAST, 2, 4, 5, 6):
        await storage.messages.remove(ALICE, session_id, message, LATER)


async def clear(storage: Storage, session_id: UUID) -> None:
    await storage.messages.clear(ALICE, session_id, 5, LATER)
    await storage.messages.clear(ALICE, session_id, None, LATER)


async def replace(storage: Storage, session_id: UUID) -> None:
    """All but the external ids, which stay."""
    for order in range(1, 9):
        await storage.messages.replace(
            ALICE, session_id, order, NewMessage(Role.USER, "kept"), LATER
        )
    await storage.messages.clear(ALICE, session_id, None, LATER)


async def delete(storage: Storage, session_id: UUID) -> None:
    await storage.sessions.remove(ALICE, session_id)


WAYS = (remove, clear, replace, delete)


@pytest.mark.parametrize("way", WAYS)
async def test_no_page_of_a_sqlite_file_has_what_was_removed(
    tmp_path: Path, way: Callable[[Storage, UUID], Awaitable[None]]
) -> None:
    path = tmp_path / "chat.db"
    storage = SqlStorage(SqliteDatabase(path))
    await storage.open()
    session_id = await told(storage)
    await storage.close()
    assert CANARY.encode() in path.read_bytes()
    await storage.open()
    await way(storage, session_id)
    while await storage.tend_index():
        pass
    await storage.close()
    assert CANARY.encode() not in path.read_bytes()
    assert b"kept" in path.read_bytes()


@pytest.mark.parametrize("way", WAYS)
async def test_no_row_of_any_table_has_what_was_removed(
    way: Callable[[Storage, UUID], Awaitable[None]],
) -> None:
    storage = postgresql(empty_database("plain"))
    await storage.open()
    session_id = await told(storage)
    await way(storage, session_id)
    await storage.close()
    for table in metadata.tables:
        assert CANARY not in server().execute(f'TABLE "{table}"', "plain")
