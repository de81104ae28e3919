"""The release before, whose statements are written here as they were, beside this one."""

from collections.abc import AsyncIterator
from datetime import timedelta
from uuid import UUID, uuid4

import asyncpg
import pytest

from adapters.sql.column_types import microseconds
from application.ports.storage import Storage
from domain.body import Body
from domain.message import LAST, NewMessage, Role
from domain.message_page import MessagePageRequest
from domain.session import NewSession, Session, SessionPatch
from domain.session_page import SessionFilter, SessionPageRequest
from tests.clock import START
from tests.contract.backends import postgresql
from tests.contract.examples import ALICE
from tests.databases import empty_database, server

APPEND = """
WITH head AS (
  UPDATE sessions
  SET last_updated = greatest($3, last_updated + 1), message_count = message_count + 1
  WHERE owner = $1 AND id = $2 RETURNING message_count, last_updated),
stored AS (
  INSERT INTO messages (owner, session_id, message_order, timestamp, id, role, content, metadata)
  SELECT $1, $2, message_count, last_updated, gen_random_uuid(), 'user', $4, '{}' FROM head)
SELECT message_count FROM head
"""
CREATE = """
WITH counted AS (
  INSERT INTO owners (owner, issuer, subject, session_count) VALUES ($1, $3, $4, 1)
  ON CONFLICT (owner) DO UPDATE SET session_count = owners.session_count + 1 RETURNING owner)
INSERT INTO sessions (owner, id, title, metadata, created_at, last_updated, message_count)
SELECT $1, $2, 'old', '{}', $5, $5, 0 FROM counted
"""
DELETE = """
WITH gone AS (DELETE FROM sessions WHERE owner = $1 AND id = $2 RETURNING id)
UPDATE owners SET session_count = session_count - 1
WHERE owner = $1 AND EXISTS (SELECT * FROM gone)
"""
PAGE = """
SELECT sessions.message_count, messages.role, messages.content
FROM sessions LEFT JOIN messages ON messages.owner = $1 AND messages.session_id = $2
  AND messages.message_order > 0 AND messages.message_order <= 50
WHERE sessions.owner = $1 AND sessions.id = $2 ORDER BY messages.message_order
"""


@pytest.fixture
async def storage() -> AsyncIterator[Storage]:
    opened = postgresql(empty_database("plain"))
    await opened.open()
    yield opened
    await opened.close()


@pytest.fixture
async def before() -> AsyncIterator[asyncpg.Connection]:
    connection = await asyncpg.connect(server().url("plain"))
    yield connection
    await connection.close()


async def append_before(before: asyncpg.Connection, session_id: UUID, content: str) -> int:
    now = microseconds(START)
    order: int = await before.fetchval(APPEND, ALICE.key, session_id, now, content)
    return order


async def test_the_release_before_reads_and_goes_on_with_what_this_one_stores(
    storage: Storage, before: asyncpg.Connection
) -> None:
    """Orders are never given twice, whichever of them gives the next one."""
    said = [
        NewMessage(Role.DEVELOPER, "rules", name="ops", external_id="a"),
        NewMessage(Role.USER, body=Body.from_mapping({"text": "hello"}), format="some.message"),
        NewMessage(Role.USER, "mistake"),
    ]
    new = NewSession("ours", external_id="thread-1")
    session, placed = Session.started(uuid4(), ALICE, START, new, {uuid4(): one for one in said})
    await storage.sessions.add(session, placed)
    await storage.messages.remove(ALICE, session.id, LAST, START)
    assert await append_before(before, session.id, "theirs") == 4
    await storage.messages.append(
        ALICE, session.id, {uuid4(): NewMessage(Role.USER, "ours")}, START
    )
    read = await before.fetch(PAGE, ALICE.key, session.id)
    assert [(row["role"], row["content"]) for row in read] == [
        ("system", "rules"),
        ("user", "hello"),
        ("user", "theirs"),
        ("user", "ours"),
    ]
    page = await storage.messages.page(ALICE, session.id, MessagePageRequest())
    assert [(one.message_order, one.role) for one in page.items] == [
        (1, Role.DEVELOPER),
        (2, Role.USER),
        (4, Role.USER),
        (5, Role.USER),
    ]
    found = await storage.sessions.get(ALICE, session.id)
    assert (found.message_count, found.last_order) == (4, 5)


async def test_what_the_release_before_makes_is_whole_here(
    storage: Storage, before: asyncpg.Connection
) -> None:
    id_ = uuid4()
    now = microseconds(START)
    await before.execute(CREATE, ALICE.key, id_, ALICE.issuer, ALICE.subject, now)
    await append_before(before, id_, "one")
    session = await storage.sessions.get(ALICE, id_)
    assert (session.archived, session.pinned, session.external_id) == (False, False, None)
    later = START + timedelta(seconds=1)
    pinned = await storage.sessions.update(
        ALICE, id_, lambda one: one.updated(SessionPatch(pinned=True), later)
    )
    await append_before(before, id_, "two")
    assert (await storage.sessions.get(ALICE, id_)).version > pinned.version
    page = await storage.messages.page(ALICE, id_, MessagePageRequest())
    assert [one.content for one in page.items] == ["one", "two"]
    await before.execute(DELETE, ALICE.key, id_)
    everything = SessionPageRequest(filters=SessionFilter(archived=None))
    assert (await storage.sessions.page(ALICE, everything)).total == 0
