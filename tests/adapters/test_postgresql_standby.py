"""PostgreSQL whose commits wait for a standby, and servers that change what they are."""

import asyncio
from collections.abc import AsyncIterator, Iterator
from dataclasses import replace

import pytest

from adapters.sql import SqlStorage
from adapters.sql.postgresql import PostgresqlDatabase
from application.errors import Unavailable
from application.idempotency import IdempotencyClaim, Operation, Receipt
from domain.message_page import MessagePageRequest
from tests.clock import START
from tests.contract.examples import ALICE, new_messages, stored_session
from tests.databases import patient
from tests.postgresql import PostgresqlServer
from tests.waiting import wait_until

ONCE = IdempotencyClaim(Operation.APPEND_MESSAGES, "key", b"a" * 32, START)


@pytest.fixture
def server() -> Iterator[PostgresqlServer]:
    server = PostgresqlServer()
    yield server
    server.remove()


@pytest.fixture
async def storage(server: PostgresqlServer) -> AsyncIterator[SqlStorage]:
    storage = SqlStorage(PostgresqlDatabase(patient(server.new_database("chat"))))
    await storage.migrate()
    await storage.open()
    yield storage
    await storage.close()


def wait_for_standby(server: PostgresqlServer, name: str) -> None:
    server.execute(f"ALTER SYSTEM SET synchronous_standby_names = '{name}'")
    server.execute("SELECT pg_reload_conf()")
    wait_until(lambda: server.execute("SHOW synchronous_standby_names") == name)


async def test_what_no_standby_has_is_not_acknowledged(
    storage: SqlStorage, server: PostgresqlServer
) -> None:
    """Although the primary has it, and shows it to the retry, which finds its own receipt there."""
    session = await stored_session(storage)
    messages = new_messages("one")
    wait_for_standby(server, "absent")
    hasty = SqlStorage(
        PostgresqlDatabase(replace(patient(server.url("chat")), statement_timeout=1))
    )
    await hasty.open()
    for _ in range(2):
        with pytest.raises(Unavailable):
            await hasty.messages.append(ALICE, session.id, messages, START, ONCE)
    await hasty.close()
    assert (await storage.sessions.get(ALICE, session.id)).message_count == 1
    wait_for_standby(server, "")
    again = await storage.messages.append(ALICE, session.id, messages, START, ONCE)
    assert again == Receipt(ONCE, session.id, 1)


async def test_all_of_a_pool_leaves_a_server_that_stops(
    storage: SqlStorage, server: PostgresqlServer
) -> None:
    """One request finds out, and no other pays for it."""
    session = await stored_session(storage)
    read = replace(MessagePageRequest(), limit=1)

    async def all_at_once() -> list[object]:
        reads = (storage.messages.page(ALICE, session.id, read) for _ in range(8))
        return await asyncio.gather(*reads, return_exceptions=True)

    await all_at_once()
    server.stop()
    with pytest.raises(Unavailable):
        await storage.messages.page(ALICE, session.id, read)
    server.start()
    assert not [one for one in await all_at_once() if isinstance(one, BaseException)]


async def test_a_server_that_is_not_ready_yet_is_unavailable(
    storage: SqlStorage, server: PostgresqlServer
) -> None:
    """It takes connections, and refuses each, here for there being too many."""
    session = await stored_session(storage)
    await storage.close()
    server.execute("CREATE ROLE app LOGIN")
    server.execute("GRANT ALL ON ALL TABLES IN SCHEMA public TO app", "chat")
    url = server.url("chat").replace("postgres@", "app@")
    other = SqlStorage(PostgresqlDatabase(patient(url)))
    await other.open()
    server.execute("ALTER ROLE app CONNECTION LIMIT 0")
    server.stop()
    server.start()
    with pytest.raises(Unavailable):
        await other.sessions.get(ALICE, session.id)
    await other.close()
