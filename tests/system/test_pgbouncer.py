"""PostgreSQL behind a pooler that gives a server's connection for one transaction only.

`transaction_pooler` is set. The suites of every backend run on it too: see the Makefile.
"""

from collections.abc import Iterator
from dataclasses import replace
from datetime import timedelta
from itertools import count

import asyncpg
import pytest

from adapters.sql import SqlStorage
from adapters.sql.postgresql import PostgresqlDatabase, PostgresqlOptions, resolve
from application.errors import StorageRefused, Unavailable
from application.idempotency import IdempotencyClaim, Operation, Receipt
from application.ports.storage import Storage
from domain.message_page import MessagePageRequest
from domain.page import SortOrder
from domain.session_page import Cursor, SessionPageRequest, SessionSort, Side
from tests.clock import START
from tests.contract.examples import ALICE, new_messages, new_session, stored_session
from tests.databases import server
from tests.system.pgbouncer import CONFIGURATION, Pgbouncer, pooler
from tests.system.watched import new_database, watch

NUMBERS = count()


def options_of(way: str, database: str, user: str) -> PostgresqlOptions:
    if way == "pgbouncer":
        return PostgresqlOptions(url=pooler().url(database, user), transaction_pooler=True)
    return PostgresqlOptions(url=server().url(database).replace("postgres@", f"{user}@"))


@pytest.fixture(params=["pgbouncer", "directly"])
async def options(request: pytest.FixtureRequest) -> PostgresqlOptions:
    """The way to a database of its own, for a role whose own settings are others."""
    database = f"watched{next(NUMBERS)}"
    await new_database(database, options_of(request.param, database, "postgres"))
    return options_of(request.param, database, "app")


async def test_every_act_is_at_read_committed_and_under_the_limits(
    options: PostgresqlOptions,
) -> None:
    """Whatever its role has for a default: where one was not, the database would refuse it."""
    storage = SqlStorage(PostgresqlDatabase(options))
    await storage.open()
    watch(options.url.rpartition("/")[2])
    try:
        await every_act(storage)
    finally:
        await storage.close()


async def test_the_watched_database_refuses_a_statement_that_runs_otherwise(
    options: PostgresqlOptions,
) -> None:
    """So the test before this one proves something."""
    watch(options.url.rpartition("/")[2])
    connection = await asyncpg.connect(options.url, statement_cache_size=0)
    with pytest.raises(asyncpg.RaiseError, match="a statement ran at repeatable read, 1h, 1h, 1h"):
        await connection.execute("TABLE alembic_version")
    await connection.close()


async def test_its_setting_is_named_where_it_was_forgotten() -> None:
    """Or is part of the URL, as other clients have it."""
    server().new_database("forgotten")
    url = pooler().url("forgotten")
    with pytest.raises(StorageRefused, match="set CHAT_SESSIONS_DATABASE_TRANSACTION_POOLER=true"):
        await PostgresqlDatabase(PostgresqlOptions(url=url)).migrate()
    await PostgresqlDatabase(resolve(PostgresqlOptions(url=f"{url}?pgbouncer=true"))).migrate()


async def every_act(storage: Storage) -> None:
    """All that the ports have, each with rows to read or write, but the check: it would find that
    the tables are watched through views."""
    sessions, messages = storage.sessions, storage.messages
    session = await stored_session(storage, ALICE, "one", "two")
    creation = IdempotencyClaim(Operation.CREATE_SESSION, "key", bytes(32), START)
    assert await sessions.add(new_session(), (), creation) is None
    assert isinstance(await sessions.add(new_session(), (), creation), Receipt)
    later = replace(creation, claimed_at=START + timedelta(days=2))
    assert await sessions.add(new_session(), (), later) is None
    appending = replace(creation, operation=Operation.APPEND_MESSAGES)
    for once, kind in (None, tuple), (appending, tuple), (appending, Receipt):
        said = await messages.append(ALICE, session.id, new_messages("more"), START, once)
        assert isinstance(said, kind)
    for request in (
        MessagePageRequest(),
        MessagePageRequest(after=1),
        MessagePageRequest(before=3),
        MessagePageRequest(sort_order=SortOrder.DESC, after=3),
    ):
        assert (await messages.page(ALICE, session.id, request)).items
    sort = (SessionSort.LAST_UPDATED, SortOrder.DESC)
    for side in (None, *Side):
        cursor = side and Cursor(sort_by=sort[0], sort_order=sort[1], side=side, key=None)
        assert (await sessions.page(ALICE, SessionPageRequest(cursor=cursor))).total == 3
    assert await sessions.exists(session.id)
    renamed = await sessions.update(ALICE, session.id, lambda one: one._replace(title="new"))
    assert await sessions.get(ALICE, session.id) == renamed
    await sessions.remove(ALICE, session.id, [renamed.version])
    await sessions.remove(ALICE, (await stored_session(storage, ALICE, "gone")).id)
    assert await storage.purge(START + timedelta(days=3)) == 2


@pytest.mark.parametrize(("limit", "lock", "statement"), [("lock", 0.2, 0), ("statement", 0, 0.2)])
async def test_a_statement_that_waits_is_ended_by_its_limit(
    options: PostgresqlOptions, limit: str, lock: float, statement: float
) -> None:
    """Each limit by itself, of a read, a write, and a write that looks first."""
    database = options.url.rpartition("/")[2]
    options = replace(options, lock_timeout=lock, statement_timeout=statement)
    storage = SqlStorage(PostgresqlDatabase(options))
    await storage.open()
    session = await stored_session(storage)
    blocker = await asyncpg.connect(server().url(database))
    try:
        async with blocker.transaction():
            await blocker.execute("LOCK TABLE sessions")
            for act in (
                storage.sessions.get(ALICE, session.id),
                storage.messages.append(ALICE, session.id, new_messages("one"), START),
                storage.sessions.update(ALICE, session.id, lambda one: one),
            ):
                with pytest.raises(Unavailable, match=f"{limit} timeout"):
                    await act
        assert await storage.sessions.get(ALICE, session.id) == session
    finally:
        await blocker.close()
        await storage.close()


SWALLOWING = f"""{CONFIGURATION}
ignore_startup_parameters = {",".join(PostgresqlOptions(url="").limits)}
"""
"""As the web has it, for whoever is told of an unsupported startup parameter."""


@pytest.fixture(scope="module", params=["transaction", "session"])
def swallowing(request: pytest.FixtureRequest) -> Iterator[Pgbouncer]:
    mode = f"pool_mode = {request.param}"
    started = Pgbouncer(server(), SWALLOWING.replace("pool_mode = transaction", mode))
    yield started
    started.remove()


async def test_a_pooler_that_leaves_out_what_a_session_asks_for_stops_the_start(
    swallowing: Pgbouncer,
) -> None:
    """Also where the role has such limits by itself. With the setting that is told it serves."""
    database = f"watched{next(NUMBERS)}"
    await new_database(database, PostgresqlOptions(url=server().url(database)))
    for limit, value in PostgresqlOptions(url="").limits.items():
        if limit != "row_security":
            server().execute(f"ALTER ROLE app IN DATABASE {database} SET {limit} = '{value}'")
    for user in ("postgres", "app"):
        options = PostgresqlOptions(url=swallowing.url(database, user))
        told = "CHAT_SESSIONS_DATABASE_TRANSACTION_POOLER=true"
        for ask in (PostgresqlDatabase.open, PostgresqlDatabase.is_current):
            with pytest.raises(StorageRefused, match=told):
                await ask(PostgresqlDatabase(options))
        storage = SqlStorage(PostgresqlDatabase(replace(options, transaction_pooler=True)))
        await storage.open()
        await stored_session(storage)
        await storage.close()


@pytest.mark.parametrize(
    ("pooled", "told"), [(False, "TRANSACTION_POOLER=true"), (True, "set it by ALTER ROLE")]
)
async def test_what_a_pooler_does_not_pass_on_is_told_with_what_helps(
    *, pooled: bool, told: str
) -> None:
    url = f"{pooler().url('postgres')}?search_path=public"
    options = PostgresqlOptions(url=url, transaction_pooler=pooled)
    with pytest.raises(StorageRefused, match=f"unsupported startup parameter: .*{told}"):
        await PostgresqlDatabase(options).is_current()
