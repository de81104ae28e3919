"""What each SQLSTATE means, and what an operator can do to a database that is served meanwhile."""

from collections.abc import AsyncIterator, Awaitable, Mapping
from contextlib import suppress
from itertools import count

import asyncpg
import pytest
from sqlalchemy import text

from adapters.sql import SqlStorage
from adapters.sql.postgresql import PostgresqlDatabase, PostgresqlOptions
from adapters.sql.postgresql.errors import (
    ConnectionLost,
    Undone,
    check,
    is_lost,
    is_servers_end,
)
from adapters.sql.postgresql.sqlstates import CLASSES, CODES, Meaning, meaning_of
from application.errors import Unavailable
from application.ports.storage import Storage
from domain.errors import SessionNotFound
from domain.instant import TICK
from domain.message_page import MessagePageRequest
from domain.session import Session
from domain.session_page import SessionPageRequest
from tests.clock import START
from tests.contract.examples import ALICE, BOB, new_messages, new_session, stored_session
from tests.databases import patient, server

NUMBERS = count()

KNOWN = {
    state
    for kind in vars(asyncpg.exceptions).values()
    if isinstance(state := getattr(kind, "sqlstate", None), str)
}
"""All that the driver has, from PostgreSQL's own list."""


def test_every_class_of_postgresql_is_in_the_table() -> None:
    assert {state[:2] for state in KNOWN} | {"00"} == CLASSES.keys()
    assert CODES.keys() <= KNOWN
    for state, meaning in CODES.items():
        assert CLASSES[state[:2]] is not meaning, state


KINDS = {
    Meaning.UNDONE: Undone,
    Meaning.ENDED: ConnectionLost,
    Meaning.AWAY: ConnectionLost,
    Meaning.UNAVAILABLE: Unavailable,
}

EXPECTED: Mapping[Meaning, str] = {
    Meaning.UNDONE: "0A000 26000 40001 40P01 42P05 72000 XX000",
    Meaning.ENDED: "25P03 25P04 40003 57P05",
    Meaning.AWAY: "08000 08006 08P01 25006 57P01 57P02 57P03 57P04",
    Meaning.UNAVAILABLE: """
        09000 0P000 22P05 23P01 27000 28000 28P01 2F002 38000 39P01 3D000 3F000 42501 42703 42704
        42725 42804 42809 42846 42883 428C9 42P01 42P10 42P17 44000 53100 53200 53300 53400 54000
        54001 55000 55006 55P02 55P03 55P04 57014 58030 58P01 F0000 HV000 HV00N P0001 P0004 XX001
        XX002 CR000 Y1234""",
    Meaning.OURS: """
        01000 02000 03000 0B000 0F000 0L000 0Z000 10608 20000 21000 22001 22021 22P02 23502 23503
        23505 23514 24000 25001 25P02 2B000 2D000 34000 3B000 42601 42702 42P02 42P18""",
}


def test_an_example_of_every_class_is_expected() -> None:
    assert {state[:2] for states in EXPECTED.values() for state in states.split()} >= (
        CLASSES.keys() - {"00"}
    )


@pytest.mark.parametrize(
    ("state", "meaning"),
    [(state, meaning) for meaning, states in EXPECTED.items() for state in states.split()],
)
def test_a_sqlstate_means(state: str, meaning: Meaning) -> None:
    assert meaning_of(state) is meaning
    error = asyncpg.PostgresError.new({"C": state, "M": "told", "S": "ERROR"})
    if meaning is Meaning.OURS:
        check(error)
        return
    with pytest.raises(Unavailable) as raised:
        check(error)
    assert type(raised.value) is KINDS[meaning]
    assert is_servers_end(error) == (meaning is Meaning.AWAY)
    assert is_lost(error) == (
        meaning in {Meaning.AWAY, Meaning.ENDED} or state in {"26000", "42P05"}
    )


@pytest.mark.parametrize(
    ("state", "message"),
    [
        ("26000", 'prepared statement "__asyncpg_stmt_5__" does not exist'),
        ("42P05", 'prepared statement "__asyncpg_stmt_5__" already exists'),
        ("08P01", "bind message supplies 2 parameters, but prepared statement ... requires 3"),
    ],
)
def test_the_log_names_the_setting_where_sessions_are_exchanged(state: str, message: str) -> None:
    error = asyncpg.PostgresError.new({"C": state, "M": message, "S": "ERROR"})
    with pytest.raises(Unavailable, match="CHAT_SESSIONS_DATABASE_TRANSACTION_POOLER=true"):
        check(error)


def renamed(session: Session) -> Session:
    return session._replace(title="renamed", last_updated=session.last_updated + TICK)


def acts(storage: Storage, session: Session) -> Mapping[str, Awaitable[object]]:
    sessions, messages = storage.sessions, storage.messages
    return {
        "get": sessions.get(ALICE, session.id),
        "page": sessions.page(ALICE, SessionPageRequest()),
        "exists": sessions.exists(session.id),
        "messages": messages.page(ALICE, session.id, MessagePageRequest()),
        "update": sessions.update(ALICE, session.id, renamed),
        "append": messages.append(ALICE, session.id, new_messages("more"), START),
        "add": sessions.add(new_session(BOB), ()),
    }


async def failing(storage: Storage, session: Session) -> set[str]:
    """The acts that are Unavailable. The others say the truth, and nothing else is raised."""
    failed = set()
    for name, act in acts(storage, session).items():
        try:
            found = await act
        except Unavailable:
            failed.add(name)
        else:
            assert found is not False
            assert getattr(found, "total", 1) > 0
    return failed


EVERYTHING = {"get", "page", "exists", "messages", "update", "append", "add"}
RAISING = """
CREATE FUNCTION refuse() RETURNS trigger LANGUAGE plpgsql AS
$$ BEGIN RAISE EXCEPTION 'not now'; END $$;
CREATE TRIGGER refuse AFTER INSERT ON messages FOR EACH ROW EXECUTE FUNCTION refuse();
"""

DONE_TO_IT: Mapping[str, tuple[str, str, set[str], bool]] = {
    "row security on sessions": (
        "ALTER TABLE sessions ENABLE ROW LEVEL SECURITY",
        "ALTER TABLE sessions DISABLE ROW LEVEL SECURITY",
        EVERYTHING,
        False,
    ),
    "row security on messages": (
        "ALTER TABLE messages ENABLE ROW LEVEL SECURITY",
        "ALTER TABLE messages DISABLE ROW LEVEL SECURITY",
        {"messages", "append", "add"},
        False,
    ),
    "row security on owners": (
        "ALTER TABLE owners ENABLE ROW LEVEL SECURITY",
        "ALTER TABLE owners DISABLE ROW LEVEL SECURITY",
        {"page", "add"},
        False,
    ),
    "row security on the version": (
        "ALTER TABLE alembic_version ENABLE ROW LEVEL SECURITY",
        "ALTER TABLE alembic_version DISABLE ROW LEVEL SECURITY",
        set(),
        False,
    ),
    "a right revoked": (
        "REVOKE SELECT ON sessions FROM served",
        "GRANT SELECT ON sessions TO served",
        EVERYTHING,
        False,
    ),
    "a right to write revoked": (
        "REVOKE INSERT ON messages FROM served",
        "GRANT INSERT ON messages TO served",
        {"append", "add"},
        True,
    ),
    "a table renamed": (
        "ALTER TABLE sessions RENAME TO gone",
        "ALTER TABLE gone RENAME TO sessions",
        EVERYTHING,
        False,
    ),
    "the schema renamed": (
        "ALTER SCHEMA public RENAME TO gone",
        "ALTER SCHEMA gone RENAME TO public",
        EVERYTHING,
        False,
    ),
    "a column renamed": (
        "ALTER TABLE messages RENAME content TO gone",
        "ALTER TABLE messages RENAME gone TO content",
        {"messages", "append", "add"},
        True,
    ),
    "a column's type changed": (
        "ALTER TABLE sessions ALTER title TYPE integer USING NULL",
        "ALTER TABLE sessions ALTER title TYPE text",
        {"update", "add"},
        True,
    ),
    "a trigger that raises": (
        RAISING,
        "DROP FUNCTION refuse CASCADE",
        {"append"},
        True,
    ),
}
"""The deed, what mends it, which acts it concerns, and whether the service stays ready."""


@pytest.fixture(scope="session")
def role() -> str:
    server().execute("CREATE ROLE served LOGIN")
    return "served"


@pytest.fixture
async def name(role: str) -> str:
    """Of a database that was migrated, in which the role has the rights that it needs."""
    name = f"served{next(NUMBERS)}"
    server().new_database(name)
    await migrate(name, role)
    return name


async def migrate(name: str, role: str) -> None:
    await PostgresqlDatabase(patient(server().url(name))).migrate()
    server().execute(
        f"GRANT SELECT, INSERT, UPDATE, DELETE ON ALL TABLES IN SCHEMA public TO {role}", name
    )


@pytest.fixture(params=[False, True], ids=["session", "pooler"])
async def storage(request: pytest.FixtureRequest, name: str, role: str) -> AsyncIterator[Storage]:
    """Whose limits are the session's, or are sent with every transaction."""
    url = server().url(name).replace("postgres@", f"{role}@")
    options = PostgresqlOptions(url=url, transaction_pooler=request.param)
    storage = SqlStorage(PostgresqlDatabase(options))
    await storage.open()
    yield storage
    await storage.close()


async def test_what_an_operator_does_is_unavailable_and_heals_when_it_is_mended(
    storage: Storage, name: str
) -> None:
    """Never a wrong answer, and never a fault of the service's; with no restart of it."""
    session = await stored_session(storage, ALICE, "one")
    assert await failing(storage, session) == set()
    for deed, (done, mended, concerned, stays_ready) in DONE_TO_IT.items():
        server().execute(done, name)
        assert await failing(storage, session) == concerned, deed
        assert await is_ready(storage) == stays_ready, deed
        server().execute(mended, name)
        assert await failing(storage, session) == set(), deed
        assert await is_ready(storage), deed


async def is_ready(storage: Storage) -> bool:
    with suppress(Unavailable):
        await storage.check()
        return True
    return False


@pytest.mark.parametrize(
    "emptied",
    [
        ("postgres", "DROP DATABASE {0} WITH (FORCE)", "CREATE DATABASE {0}"),
        (
            "{0}",
            "DROP SCHEMA public CASCADE",
            "CREATE SCHEMA public; GRANT USAGE ON SCHEMA public TO {1}",
        ),
    ],
    ids=["database", "schema"],
)
async def test_a_database_that_comes_back_empty_is_unavailable_until_it_is_migrated(
    storage: Storage, name: str, role: str, emptied: tuple[str, str, str]
) -> None:
    session = await stored_session(storage, ALICE, "one")
    database, gone, back = (part.format(name, role) for part in emptied)
    for deed in (gone, back):
        server().execute(deed, database)
        assert await failing(storage, session) == EVERYTHING
        assert not await is_ready(storage)
    await migrate(name, role)
    assert await is_ready(storage)
    with pytest.raises(SessionNotFound):
        await storage.sessions.get(ALICE, session.id)
    assert await failing(storage, await stored_session(storage, ALICE, "one")) == set()


async def test_a_session_that_has_lost_its_statements_is_replaced(name: str) -> None:
    """As a pooler brings about; of one's own they go by DEALLOCATE."""
    database = PostgresqlDatabase(PostgresqlOptions(url=server().url(name), pool_size=1))
    await database.open()
    storage = SqlStorage(database)
    session = await stored_session(storage, ALICE, "one")
    for _ in range(2):
        assert await failing(storage, session) == set()
        await database.read(text("DEALLOCATE ALL"), {})
    await database.close()
