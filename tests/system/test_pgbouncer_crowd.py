"""Many tasks at once, over the few connections that a pooler has to the server."""

import asyncio
from uuid import UUID

from application.idempotency import Receipt
from application.ports.storage import Storage
from domain.message_page import MessagePageRequest
from tests.clock import START
from tests.contract.examples import ALICE, new_messages, stored_session, walked
from tests.databases import empty_database, server
from tests.system.pgbouncer import CONNECTIONS, pooled_storage

TASKS, ROUNDS = 24, 12


async def test_many_tasks_share_a_few_connections() -> None:
    """Each reads what it wrote, all orders run from 1 with no gap, and nothing is refused."""
    empty_database("plain")
    storages = [pooled_storage("plain") for _ in range(2)]
    for storage in storages:
        await storage.open()
    shared = await stored_session(storages[0])

    async def chat(storage: Storage, name: int) -> None:
        own = await stored_session(storage)
        mine: list[str] = []
        for turn in range(ROUNDS):
            said = [f"{name}.{turn}.{place}" for place in range(1 + turn % 3)]
            for session in (own, shared):
                placed = await storage.messages.append(
                    ALICE, session.id, new_messages(*said), START
                )
                assert not isinstance(placed, Receipt)
                assert [one.content for one in placed] == said
            mine += said
            assert await contents(storage, own.id) == mine
            assert set(mine) <= set(await contents(storage, shared.id))
            assert (await storage.sessions.get(ALICE, own.id)).message_count == len(mine)

    async with asyncio.TaskGroup() as group:
        for name in range(TASKS):
            group.create_task(chat(storages[name % 2], name))
    told = await contents(storages[0], shared.id)
    assert len(told) == len(set(told)) == TASKS * sum(1 + turn % 3 for turn in range(ROUNDS))
    for storage in storages:
        await storage.close()
    query = "SELECT count(*) FROM pg_stat_activity WHERE datname = 'plain'"
    assert server().execute(query) == str(CONNECTIONS)


async def contents(storage: Storage, session: UUID) -> list[str]:
    """Of the whole session, whose orders have no gap."""
    items, _ = await walked(
        lambda offset: storage.messages.page(
            ALICE, session, MessagePageRequest(limit=200, offset=offset)
        )
    )
    assert [item.message_order for item in items] == list(range(1, len(items) + 1))
    assert {item.session_id for item in items} <= {session}
    return [item.content for item in items]
