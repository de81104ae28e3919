"""PostgreSQL as a database that comes and goes."""

import asyncio
import socket
import time
from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager, suppress
from dataclasses import replace
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

import asyncpg
import pytest
from sqlalchemy import Connection, text
from sqlalchemy.exc import DBAPIError

from adapters.sql import SqlStorage
from adapters.sql.postgresql import PostgresqlDatabase, PostgresqlOptions
from adapters.sql.postgresql.connect import Connector
from adapters.sql.postgresql.connection_failures import CannotConnect
from application.errors import StorageRefused, Unavailable
from domain.errors import ExternalIdTaken
from domain.instant import TICK
from domain.message_page import MessagePageRequest
from domain.metadata import Metadata
from domain.session import Session
from tests.clock import START
from tests.contract.examples import ALICE, new_messages, new_session, stored_session
from tests.databases import empty_database, patient, server
from tests.faults.proxy import Proxy, listening
from tests.postgresql import PostgresqlServer
from tests.waiting import WAIT_SECONDS, await_until

OPTIONS = patient("")


@asynccontextmanager
async def opened(
    options: PostgresqlOptions,
) -> AsyncIterator[tuple[SqlStorage, PostgresqlDatabase]]:
    database = PostgresqlDatabase(options)
    storage = SqlStorage(database)
    await storage.open()
    try:
        yield storage, database
    finally:
        await storage.close()


@pytest.fixture
def url() -> str:
    return empty_database("plain")


@pytest.fixture
async def storage(url: str) -> AsyncIterator[SqlStorage]:
    async with opened(replace(OPTIONS, url=url)) as (storage, _):
        yield storage


@pytest.fixture
async def other(url: str) -> AsyncIterator[asyncpg.Connection]:
    """A connection of someone else's."""
    connection = await asyncpg.connect(url)
    yield connection
    await connection.close()


@pytest.fixture
def black_hole() -> Iterator[socket.socket]:
    """It takes connections and never answers."""
    with socket.create_server(("127.0.0.1", 0)) as listening:
        listening.setblocking(False)  # noqa: FBT003 - as it is named
        yield listening


async def test_a_first_host_that_never_answers_is_left_for_the_next(
    url: str, black_hole: socket.socket, monkeypatch: pytest.MonkeyPatch
) -> None:
    """From the first connection on, which waits for it no longer than its head start."""
    port = urlsplit(url).port
    several = url.replace(f":{port}", f":{black_hole.getsockname()[1]},127.0.0.1:{port}")
    connect = Connector(replace(OPTIONS, url=several, connect_timeout=60))
    for _ in range(3):
        connection = await connect()
        assert await connection.fetchval("SELECT 1") == 1
        await connection.close()
        monkeypatch.setattr("adapters.sql.postgresql.connect.HEAD_START", WAIT_SECONDS)
    asked, _ = black_hole.accept()
    asked.close()
    with pytest.raises(BlockingIOError):
        black_hole.accept()


async def test_a_host_that_answers_too_late_is_let_go(url: str) -> None:
    """Its connection is closed, though it came about."""
    port = urlsplit(url).port
    async with listening(Proxy("127.0.0.1", port or 0)) as proxy:
        proxy.latency = 0.2
        several = url.replace(f":{port}", f":{proxy.port},127.0.0.1:{port}")
        connect = Connector(replace(OPTIONS, url=several, application_name="too late"))
        connection = await connect()
        await await_until(lambda: is_alone(connection))
        assert await connection.fetchval("SELECT inet_server_port()") == port
        await connection.close()


async def is_alone(connection: asyncpg.Connection) -> bool:
    count = "SELECT count(*) FROM pg_stat_activity WHERE application_name = 'too late'"
    return bool(await connection.fetchval(count) == 1)


async def test_of_several_hosts_a_standby_is_chosen_for_reads(url: str) -> None:
    """Here there is none."""
    port = urlsplit(url).port
    several = url.replace(f":{port}", f":{port},127.0.0.1:{port}")
    connect = Connector(replace(OPTIONS, url=several, read_only=True))
    with pytest.raises(CannotConnect, match="target_session_attrs"):
        await connect()


async def test_of_several_hosts_one_that_takes_writes_is_chosen(url: str) -> None:
    port = urlsplit(url).port
    reading = url.replace("postgres@", "reader@")
    for sql in (
        "DROP ROLE IF EXISTS reader",
        "CREATE ROLE reader LOGIN SUPERUSER",
        "ALTER ROLE reader SET default_transaction_read_only = on",
    ):
        server().execute(sql)
    several = reading.replace(f":{port}", f":{port},127.0.0.1:{port}")
    with pytest.raises(StorageRefused, match="target_session_attrs"):
        async with opened(replace(OPTIONS, url=several)):
            pass


async def test_a_standby_is_preferred_where_there_is_one(url: str) -> None:
    """And among several hosts none is asked first, if the URL says so."""
    connect = Connector(
        replace(OPTIONS, url=f"{url}?target_session_attrs=prefer-standby&load_balance_hosts=random")
    )
    connection = await connect()
    assert await connection.fetchval("SELECT NOT pg_is_in_recovery()")
    await connection.close()


async def test_a_unix_socket_is_a_host(url: str) -> None:
    """By its folder, also in the place of a host; what `options` sets is set."""
    folder = server().execute("SHOW unix_socket_directories")
    port = urlsplit(url).port
    for where in (
        f"/plain?host={folder}&port={port}&",
        f"{folder.replace('/', '%2F')}:{port}/plain?",
    ):
        told = f"postgresql://{where}user=postgres&options=-csearch_path%3Da%2Cb"
        connection = await Connector(replace(OPTIONS, url=told))()
        assert await connection.fetchval("SELECT inet_server_port()") is None
        assert await connection.fetchval("SHOW search_path") == "a,b"
        await connection.close()


async def test_each_host_that_failed_is_named_with_its_cause(
    url: str, black_hole: socket.socket
) -> None:
    """Nobody listens, nobody answers, a name that is none, a server that refuses."""
    silent, port = black_hole.getsockname()[1], urlsplit(url).port
    hosts = f"127.0.0.1:1,127.0.0.1:{silent},no-such.invalid,127.0.0.1:{port}"
    several = f"postgresql://u:secret@{hosts}/nowhere"
    with pytest.raises(CannotConnect) as failed:
        await Connector(replace(OPTIONS, url=several, connect_timeout=2))()
    assert not failed.value.is_transient
    told = str(failed.value).removeprefix("cannot connect to PostgreSQL: ").split("; ")
    assert told[:2] == [
        "127.0.0.1:1: Connection refused",
        f"127.0.0.1:{silent}: no answer within 2 s",
    ]
    assert told[2].startswith("no-such.invalid:5432: the name cannot be looked up (")
    assert told[3] == f'127.0.0.1:{port}: role "u" does not exist'
    with pytest.raises(CannotConnect) as failed:
        await Connector(replace(OPTIONS, url="postgresql://u@127.0.0.1:1,no-such.invalid/d"))()
    assert failed.value.is_transient


async def test_the_cause_is_named_while_serving_too(
    stoppable: SqlStorage, own_server: PostgresqlServer
) -> None:
    own_server.stop()
    told = f"cannot connect to PostgreSQL: 127.0.0.1:{own_server.port}: Connection refused"
    with pytest.raises(Unavailable, match=told):
        await stoppable.check()
    own_server.start()


@pytest.mark.parametrize(
    "broken",
    [
        "postgresql://u:secret@127.0.0.1:1/x",
        "postgresql://u:secret@no-such-host.invalid/x",
        "postgresql://u:secret@no..host/x",
        "postgresql://postgres:secret@127.0.0.1:{port}/no-such-database",
        "postgresql://nobody-there:secret@127.0.0.1:{port}/plain",
    ],
)
async def test_a_database_that_cannot_be_reached_stops_the_start(url: str, broken: str) -> None:
    """With one line that says so and has no password in it."""
    options = replace(OPTIONS, url=broken.format(port=urlsplit(url).port), connect_timeout=0.5)
    for ask in (PostgresqlDatabase.open, PostgresqlDatabase.migrate, PostgresqlDatabase.is_current):
        with pytest.raises(StorageRefused, match=r"cannot connect to PostgreSQL: .+") as refused:
            await ask(PostgresqlDatabase(options))
        assert "secret" not in str(refused.value)
        assert "\n" not in str(refused.value)


@pytest.mark.parametrize("content", [b"127.0.0.1:5432:chat:secret", b"\xff\xfe1\0"])
async def test_a_file_of_passwords_is_read_here_and_not_by_the_driver(
    url: str, content: bytes, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Which ends at a line that it cannot read, and warns in its own words."""
    file = tmp_path / "passwords"
    file.write_bytes(content)
    file.chmod(0o600)
    monkeypatch.setenv("PGPASSFILE", str(file))
    environment = {"PGPASSFILE": str(file)}
    await PostgresqlDatabase(replace(OPTIONS, url=url, environment=environment)).is_current()


async def test_a_check_waits_for_a_lock_no_longer_than_a_statement(url: str) -> None:
    database = PostgresqlDatabase(replace(OPTIONS, url=url, lock_timeout=0.2))
    await database.migrate()
    other = await asyncpg.connect(url)
    try:
        async with other.transaction():
            await other.execute("LOCK TABLE alembic_version")
            with pytest.raises(StorageRefused, match="lock timeout"):
                await asyncio.wait_for(database.is_current(), WAIT_SECONDS)
    finally:
        await other.close()


async def test_a_role_without_the_rights_stops_the_start(url: str) -> None:
    for sql in ("DROP ROLE IF EXISTS stranger", "CREATE ROLE stranger LOGIN"):
        server().execute(sql)
    options = replace(OPTIONS, url=url.replace("postgres@", "stranger@"))
    for ask in (PostgresqlDatabase.open, PostgresqlDatabase.migrate, PostgresqlDatabase.is_current):
        with pytest.raises(StorageRefused, match="cannot use the database: permission denied"):
            await ask(PostgresqlDatabase(options))


LIMITS = {
    "default_transaction_isolation": "read committed",
    "statement_timeout": "1500ms",
    "lock_timeout": "700ms",
    "idle_in_transaction_session_timeout": "2500ms",
    "row_security": "off",
    "application_name": "a test",
}


@pytest.mark.parametrize("pooler", [False, True])
async def test_the_promised_limits_are_in_force(url: str, *, pooler: bool) -> None:
    """Whatever the role's own are, and also where a pooler would not let a session have them."""
    server().execute("ALTER ROLE postgres SET default_transaction_isolation = 'repeatable read'")
    options = replace(
        OPTIONS,
        url=url,
        statement_timeout=1.5,
        lock_timeout=0.7,
        idle_in_transaction_timeout=2.5,
        application_name="a test",
        transaction_pooler=pooler,
    )
    found: dict[str, list[object]] = {}
    async with opened(options) as (_, database):
        for name in ("transaction_isolation", *LIMITS):
            if pooler and name == "default_transaction_isolation":
                continue
            shown = text(f"SHOW {name}")
            read = (await database.read(shown, {}))[0][0]
            written = await database.write(
                lambda connection, shown=shown: connection.execute(shown).scalar()  # type: ignore[misc]
            )
            found[name] = [read, written]
    server().execute("ALTER ROLE postgres RESET default_transaction_isolation")
    expected = {"transaction_isolation": "read committed", **LIMITS}
    assert found == {name: [expected[name]] * 2 for name in found}


async def test_a_full_pool_is_unavailable_and_heals(url: str, other: asyncpg.Connection) -> None:
    options = replace(OPTIONS, url=url, pool_size=2, pool_overflow=0, pool_wait=0.2)
    async with opened(options) as (storage, _):
        session = await stored_session(storage)
        async with _locked(other, session):
            held = [_append(storage, session) for _ in range(2)]
            await _waiting(other, 2)
            began = time.monotonic()
            with pytest.raises(Unavailable, match="pool"):
                await storage.sessions.get(ALICE, session.id)
            assert 0.2 <= time.monotonic() - began < OPTIONS.lock_timeout / 2
        await asyncio.gather(*held)
        assert (await storage.sessions.get(ALICE, session.id)).message_count == 2


async def test_a_write_that_waited_too_long_to_be_sent_is_not_sent(
    url: str, other: asyncpg.Connection
) -> None:
    """Its caller has heard so, and may have written it again."""
    options = replace(OPTIONS, url=url, pool_size=1, pool_overflow=0, answer_timeout=0.3)
    async with opened(options) as (storage, _):
        locked, free = await stored_session(storage), await stored_session(storage)
        async with _locked(other, locked):
            held = _append(storage, locked)
            await _waiting(other, 1)
            with pytest.raises(Unavailable, match="in time"):
                await _append(storage, free)
        with suppress(Unavailable):
            await held
        assert (await storage.sessions.get(ALICE, free.id)).message_count == 0


async def test_a_lock_held_too_long_is_unavailable_and_heals(
    url: str, other: asyncpg.Connection
) -> None:
    async with opened(replace(OPTIONS, url=url, lock_timeout=0.2)) as (storage, _):
        session = await stored_session(storage)
        async with _locked(other, session):
            for write in (
                storage.messages.append(ALICE, session.id, new_messages("x"), START),
                storage.sessions.update(ALICE, session.id, _renamed),
                storage.sessions.remove(ALICE, session.id),
            ):
                with pytest.raises(Unavailable, match="lock timeout"):
                    await write
            assert await storage.sessions.get(ALICE, session.id) == session
        await storage.sessions.update(ALICE, session.id, _renamed)


async def test_a_statement_that_takes_too_long_is_unavailable(url: str) -> None:
    async with opened(replace(OPTIONS, url=url, statement_timeout=0.2)) as (_, database):
        with pytest.raises(Unavailable, match="statement timeout"):
            await database.read(text("SELECT pg_sleep(5)"), {})
        await database.check()


async def test_a_cancelled_write_is_carried_through(
    storage: SqlStorage, other: asyncpg.Connection
) -> None:
    """And leaves no transaction open."""
    session = await stored_session(storage)
    async with _locked(other, session):
        append = _append(storage, session)
        await _waiting(other, 1)
        append.cancel()
        with pytest.raises(asyncio.CancelledError):
            await append

    async def stored() -> int:
        return (await storage.messages.page(ALICE, session.id, MessagePageRequest())).total

    await await_until(stored)
    assert await stored() == 1
    assert not await other.fetch("SELECT 1 FROM pg_stat_activity WHERE state LIKE 'idle in tr%'")


async def test_closing_waits_for_what_was_begun(url: str, other: asyncpg.Connection) -> None:
    async with opened(replace(OPTIONS, url=url)) as (storage, _):
        session = await stored_session(storage)
        async with _locked(other, session):
            append = _append(storage, session)
            await _waiting(other, 1)
            closing = asyncio.create_task(storage.close())
            await asyncio.sleep(0.05)
            assert not closing.done()
        await asyncio.gather(append, closing)
    assert await other.fetchval("SELECT count(*) FROM messages") == 1


DO = "DO $$ BEGIN RAISE EXCEPTION 'told' USING ERRCODE = '{}'; END $$"


@pytest.mark.parametrize(
    ("state", "tries"),
    [
        ("40001", 4),
        ("40P01", 4),
        ("53100", 1),
        ("53200", 1),
        ("55P03", 1),
        ("57014", 1),
        ("57P03", 1),
        ("25006", 1),
        ("58030", 1),
        ("XX001", 1),
        ("08006", 1),
    ],
)
async def test_what_says_that_the_database_is_away_is_unavailable(
    url: str, state: str, tries: int
) -> None:
    """And tried again a few times where the database has undone it all."""
    calls: list[None] = []

    def work(connection: Connection) -> None:
        calls.append(None)
        connection.execute(text(DO.format(state)))

    async with opened(replace(OPTIONS, url=url)) as (_, database):
        with pytest.raises(Unavailable, match="told"):
            await database.write(work)
        await database.check()
    assert len(calls) == tries


@pytest.mark.parametrize("state", ["23505", "22001", "42601"])
async def test_a_mistake_of_ours_is_not_called_unavailable(url: str, state: str) -> None:
    async with opened(replace(OPTIONS, url=url)) as (_, database):
        with pytest.raises(asyncpg.PostgresError, match="told"):
            await database.read(text(DO.format(state)), {})


async def test_what_was_undone_once_is_done_the_second_time(storage: SqlStorage) -> None:
    session = await stored_session(storage)
    told = iter(["40001"])

    def change(found: Session) -> Session:
        for state in told:
            raise _conflict(state)
        return _renamed(found)

    updated = await storage.sessions.update(ALICE, session.id, change)
    assert updated.title == "renamed"


async def test_a_value_that_cannot_be_sent_holds_no_lock(
    storage: SqlStorage, other: asyncpg.Connection
) -> None:
    """The driver notices it in the middle of a statement."""
    session = await stored_session(storage)
    with pytest.raises(DBAPIError):
        await storage.sessions.update(
            ALICE, session.id, lambda found: found._replace(metadata=Metadata('"\ud800"'))
        )
    (said,) = new_messages("x").values()
    no_id: Any = "no id"
    with pytest.raises(asyncpg.DataError):
        await storage.messages.append(ALICE, session.id, {no_id: said}, START)
    assert not await other.fetch(
        "SELECT query FROM pg_stat_activity WHERE state <> 'idle' AND pid <> pg_backend_pid() "
        "AND datname = current_database()"
    )


@pytest.fixture(scope="module")
def own_server() -> Iterator[PostgresqlServer]:
    """One to stop."""
    started = PostgresqlServer({"fsync": "off"})
    yield started
    started.remove()


@pytest.fixture
async def stoppable(own_server: PostgresqlServer) -> AsyncIterator[SqlStorage]:
    own_server.execute("DROP DATABASE IF EXISTS stoppable")
    options = replace(OPTIONS, url=own_server.new_database("stoppable"))
    await PostgresqlDatabase(options).migrate()
    async with opened(options) as (storage, _):
        yield storage


@pytest.mark.parametrize("how", ["stop", "kill"])
async def test_a_server_that_is_away_is_unavailable_and_heals(
    stoppable: SqlStorage, own_server: PostgresqlServer, how: str
) -> None:
    """With no restart of ours, and at once."""
    session = await stored_session(stoppable, ALICE, "one")
    getattr(own_server, how)()
    for ask in (
        lambda: stoppable.sessions.get(ALICE, session.id),
        lambda: stoppable.messages.append(ALICE, session.id, new_messages("x"), START),
        stoppable.check,
    ):
        began = time.monotonic()
        with pytest.raises(Unavailable):
            await ask()
        assert time.monotonic() - began < OPTIONS.connect_timeout / 2
    own_server.start()
    assert await stoppable.sessions.get(ALICE, session.id) == session
    await stoppable.messages.append(ALICE, session.id, new_messages("two"), START)


async def test_a_server_that_takes_no_writes_is_read_and_heals(
    stoppable: SqlStorage, own_server: PostgresqlServer
) -> None:
    session = await stored_session(stoppable)
    own_server.execute("ALTER SYSTEM SET default_transaction_read_only = on")
    own_server.execute("SELECT pg_reload_conf()")
    try:
        with pytest.raises(Unavailable, match="read-only"):
            await _renamed_until_refused(stoppable, session)
        assert (await stoppable.sessions.get(ALICE, session.id)).id == session.id
    finally:
        own_server.execute("ALTER SYSTEM RESET ALL")
        own_server.execute("SELECT pg_reload_conf()")
    await await_until(lambda: takes_writes(stoppable, session))


async def test_a_restart_meanwhile_is_not_noticed(
    stoppable: SqlStorage, own_server: PostgresqlServer
) -> None:
    session = await stored_session(stoppable)
    own_server.stop()
    own_server.start()
    await asyncio.sleep(0.05)
    await stoppable.messages.append(ALICE, session.id, new_messages("x"), START)


async def test_a_read_whose_connection_is_lost_is_asked_again(
    storage: SqlStorage, other: asyncpg.Connection
) -> None:
    session = await stored_session(storage)
    async with _table_locked(other):
        read = asyncio.create_task(storage.sessions.get(ALICE, session.id))
        await _waiting(other, 1)
        await other.execute(
            "SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE wait_event_type = 'Lock'"
        )
    assert await read == session


def _append(storage: SqlStorage, session: Session) -> asyncio.Task[Any]:
    work = storage.messages.append(ALICE, session.id, new_messages("x"), START)
    return asyncio.ensure_future(work)


def _renamed(session: Session) -> Session:
    return session._replace(title="renamed", last_updated=session.last_updated + TICK)


async def takes_writes(storage: SqlStorage, session: Session) -> bool:
    try:
        await storage.messages.append(ALICE, session.id, new_messages("x"), START)
    except Unavailable:
        return False
    return True


async def _renamed_until_refused(storage: SqlStorage, session: Session) -> None:
    while True:
        await storage.sessions.update(ALICE, session.id, _renamed)


def _conflict(state: str) -> Exception:
    origin = Exception("told")
    origin.sqlstate = state  # type: ignore[attr-defined]
    return DBAPIError("statement", {}, origin)


async def _waiting(other: asyncpg.Connection, how_many: int) -> None:
    """Until so many wait for a lock."""
    waiting = "SELECT count(*) FROM pg_stat_activity WHERE wait_event_type = 'Lock'"
    while await other.fetchval(waiting) < how_many:
        await other.execute("SELECT pg_stat_clear_snapshot(), pg_sleep(0.01)")


@asynccontextmanager
async def _locked(other: asyncpg.Connection, session: Session) -> AsyncIterator[None]:
    async with other.transaction():
        await other.execute("SELECT 1 FROM sessions WHERE id = $1 FOR UPDATE", session.id)
        yield


@asynccontextmanager
async def _table_locked(other: asyncpg.Connection) -> AsyncIterator[None]:
    async with other.transaction():
        await other.execute("LOCK TABLE sessions")
        yield


@pytest.mark.parametrize(
    "change",
    ["UPDATE sessions SET archived = true WHERE id = $1", "DELETE FROM sessions WHERE id = $1"],
    ids=["archived", "deleted"],
)
async def test_who_makes_a_session_anew_keeps_nobody_waiting_for_its_owner(
    storage: SqlStorage, other: asyncpg.Connection, change: str
) -> None:
    """It waits for the session that has the external id, and whoever changes that for nothing."""
    there, again = new_session(external_id="trip"), new_session(external_id="trip")
    await storage.sessions.add(there, ())
    async with other.transaction():
        await other.execute(change, there.id)
        adding = asyncio.create_task(storage.sessions.add(again, ()))
        await _waiting(other, 1)
        await other.execute("SET LOCAL lock_timeout = '200ms'")
        await other.execute("UPDATE owners SET archived_count = 0 WHERE owner = $1", ALICE.key)
    if change.startswith("DELETE"):
        assert await adding is None
    else:
        with pytest.raises(ExternalIdTaken):
            await adding
