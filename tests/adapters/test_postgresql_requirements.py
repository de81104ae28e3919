"""What PostgreSQL must be like before the service starts on it or migrates it."""

import logging
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import replace
from itertools import count

import pytest
from sqlalchemy import text
from sqlalchemy.util import greenlet_spawn

from adapters.sql import SqlStorage
from adapters.sql.observer import NullObserver
from adapters.sql.postgresql import PostgresqlDatabase, probe
from adapters.sql.postgresql.requirements import Found, refusals
from application.errors import StorageRefused, Unavailable
from tests.contract.examples import ALICE, new_session, stored_session
from tests.databases import patient, server
from tests.postgresql import PostgresqlServer

NUMBERS = count()


@pytest.fixture
def name() -> str:
    return f"required{next(NUMBERS)}"


@pytest.fixture
async def migrated(name: str) -> str:
    """The URL of a database that was made as it should be."""
    url = server().new_database(name)
    await PostgresqlDatabase(patient(url)).migrate()
    return url


@pytest.fixture(scope="session")
def tenant() -> str:
    """A role that owns nothing."""
    server().execute("CREATE ROLE tenant LOGIN")
    return "tenant"


async def refused(url: str, *asked: str) -> str:
    """The one line with which each refuses."""
    lines = set()
    for ask in asked or ("open", "is_current", "migrate"):
        with pytest.raises(StorageRefused) as error:
            await getattr(PostgresqlDatabase(patient(url)), ask)()
        lines.add(str(error.value))
    (line,) = lines
    assert "\n" not in line
    return line


@asynccontextmanager
async def opened(url: str) -> AsyncIterator[tuple[SqlStorage, PostgresqlDatabase]]:
    database = PostgresqlDatabase(patient(url))
    storage = SqlStorage(database)
    await storage.open()
    try:
        yield storage, database
    finally:
        await storage.close()


@pytest.mark.parametrize("encoding", ["LATIN1", "SQL_ASCII", "EUC_JP"])
async def test_another_encoding_is_refused(name: str, encoding: str) -> None:
    server().execute(f"CREATE DATABASE {name} ENCODING {encoding} TEMPLATE template0 LOCALE 'C'")
    line = await refused(server().url(name))
    assert f"{name} has the encoding {encoding}, and UTF8 is needed" in line
    assert "createdb --encoding=UTF8 --template=template0" in line


@pytest.mark.parametrize("table", ["owners", "sessions", "messages", "receipts", "alembic_version"])
async def test_row_security_that_applies_is_refused(
    name: str, migrated: str, tenant: str, table: str
) -> None:
    """To whom it does not apply, it is all the same."""
    server().execute(f"GRANT ALL ON ALL TABLES IN SCHEMA public TO {tenant}", name)
    theirs = migrated.replace("postgres@", f"{tenant}@")
    server().execute(f"ALTER TABLE {table} ENABLE ROW LEVEL SECURITY", name)
    line = await refused(theirs)
    assert f"row-level security in {name} hides rows of {table} from the role {tenant}" in line
    async with opened(migrated):
        pass
    server().execute(f"ALTER TABLE {table} DISABLE ROW LEVEL SECURITY", name)
    async with opened(theirs):
        pass


async def test_row_security_that_is_forced_is_refused_to_the_owner(
    name: str, migrated: str
) -> None:
    server().execute("CREATE ROLE keeper LOGIN")
    server().execute(
        "ALTER TABLE messages OWNER TO keeper; ALTER TABLE messages FORCE ROW LEVEL SECURITY;"
        "ALTER TABLE messages ENABLE ROW LEVEL SECURITY;"
        "GRANT ALL ON ALL TABLES IN SCHEMA public TO keeper",
        name,
    )
    line = await refused(migrated.replace("postgres@", "keeper@"))
    assert "hides rows of messages from the role keeper" in line


async def test_a_table_that_a_crash_would_empty_is_refused(name: str, migrated: str) -> None:
    server().execute("ALTER TABLE messages SET UNLOGGED", name)
    assert f"a crash would empty messages in {name}: ALTER TABLE" in await refused(migrated)


NOTHING = "CREATE FUNCTION nothing() RETURNS trigger LANGUAGE plpgsql AS 'BEGIN RETURN NULL; END'"
EACH = "FOR EACH ROW EXECUTE FUNCTION nothing()"


@pytest.mark.parametrize(
    ("change", "told", "complaint"),
    [
        (
            f"CREATE TRIGGER gone BEFORE INSERT ON messages {EACH}",
            "the trigger gone on messages can change or drop what is written: DROP it",
            "the trigger gone on messages can drop what is written",
        ),
        (
            "CREATE RULE gone AS ON DELETE TO sessions DO INSTEAD NOTHING",
            "the rule gone on sessions can change or drop what is written: DROP it",
            "the rule gone on sessions can drop what is written",
        ),
        (
            "ALTER TABLE owners RENAME TO own; CREATE VIEW owners AS TABLE own",
            "owners is not a table, but a view or the like: rename the table back",
            "owners is not a table",
        ),
        (
            "ALTER DATABASE {name} SET session_replication_role = replica",
            "session_replication_role is replica, which switches foreign keys off: ALTER ROLE",
            "session_replication_role is replica",
        ),
    ],
)
async def test_what_could_drop_a_write_without_a_word_is_refused(
    name: str, migrated: str, change: str, told: str, complaint: str
) -> None:
    """At the start, and while the service runs it is not ready."""
    server().execute(NOTHING, name)
    async with opened(migrated) as (storage, database):
        await storage.check()
        server().execute(change.format(name=name), name)
        await new_connections(database)
        with pytest.raises(Unavailable, match=complaint):
            await storage.check()
    assert f"in {name} {told}" in await refused(migrated)


async def test_a_trigger_that_can_drop_nothing_is_the_operators_affair(
    name: str, migrated: str
) -> None:
    server().execute(
        f"{NOTHING}; CREATE TRIGGER late AFTER INSERT ON messages {EACH};"
        f"CREATE TRIGGER off BEFORE INSERT ON messages {EACH};"
        f"CREATE TRIGGER copied BEFORE INSERT ON messages {EACH};"
        "CREATE TRIGGER once BEFORE INSERT ON messages EXECUTE FUNCTION nothing();"
        "ALTER TABLE messages DISABLE TRIGGER off, ENABLE REPLICA TRIGGER copied",
        name,
    )
    async with opened(migrated) as (storage, _):
        await storage.check()
        session = await stored_session(storage, ALICE, "kept")
        assert (await storage.sessions.get(ALICE, session.id)).message_count == 1


async def new_connections(database: PostgresqlDatabase) -> None:
    """What is set for a database holds for sessions that begin later."""
    assert database._engine is not None  # noqa: SLF001 - no one else may see it
    await greenlet_spawn(database._engine.dispose)  # noqa: SLF001 - likewise


async def test_what_the_schema_lacks_is_named(name: str, migrated: str) -> None:
    server().execute("DROP INDEX ix_sessions_id; ALTER TABLE owners DROP subject", name)
    line = await refused(migrated)
    assert f"{name} lacks a part of the schema" in line
    assert line.endswith("in public: ix_sessions_id, owners.subject")


async def test_a_role_that_lacks_a_right_is_refused(name: str, migrated: str, tenant: str) -> None:
    server().execute(f"GRANT SELECT ON ALL TABLES IN SCHEMA public TO {tenant}", name)
    server().execute(f"GRANT INSERT, UPDATE, DELETE ON owners, sessions TO {tenant}", name)
    line = await refused(migrated.replace("postgres@", f"{tenant}@"), "open")
    assert (
        f"permission denied for messages, receipts, removed_orders in {name}: GRANT SELECT, INSERT"
        in line
    )
    options = patient(migrated.replace("postgres@", f"{tenant}@"))
    with pytest.raises(StorageRefused) as tried:
        await probe(options)
    assert str(tried.value) == line
    assert await PostgresqlDatabase(options).is_current()


FIT = Found(
    version=15,
    database="chat",
    role="chat",
    encoding="UTF8",
    is_standby=False,
    survives_a_crash=True,
    search_path='"$user", public',
    schema="public",
    elsewhere=None,
    parts=(),
    replaced=(),
    intercepted=(),
    replication_role="origin",
    filtered=(),
    unlogged=(),
    forbidden=(),
)


def test_an_old_release_of_postgresql_is_refused() -> None:
    assert list(refusals(FIT)) == []
    (line,) = refusals(FIT._replace(version=14))
    assert line == "chat is on PostgreSQL 14, and 15 or later is needed"


async def test_a_standby_is_refused_as_a_primary() -> None:
    own = PostgresqlServer({"fsync": "off"})
    url = own.new_database("chat")
    await PostgresqlDatabase(patient(url)).migrate()
    own.execute("COPY (SELECT) TO PROGRAM 'touch standby.signal'")
    own.stop()
    own.start()
    assert "chat is on a standby, which takes no writes" in await refused(url)
    _, is_current = await probe(replace(patient(url), read_only=True))
    assert is_current
    own.execute("SELECT pg_promote()")
    async with opened(url) as (storage, _):
        await stored_session(storage)
    own.remove()


@pytest.mark.parametrize(
    ("found", "in_force"), [("off", "on"), ("local", "local"), ("remote_apply", "remote_apply")]
)
@pytest.mark.parametrize("pooler", [False, True])
async def test_a_commit_is_on_a_disk_at_least(
    name: str, migrated: str, found: str, in_force: str, *, pooler: bool
) -> None:
    """Whatever else it waits for is the operator's to say."""
    server().execute(f"ALTER DATABASE {name} SET synchronous_commit = {found}")
    database = PostgresqlDatabase(replace(patient(migrated), transaction_pooler=pooler))
    await database.open()
    shown = text("SHOW synchronous_commit")
    assert (await database.read(shown, {}))[0][0] == in_force
    assert await database.write(lambda connection: connection.scalar(shown)) == in_force
    await database.close()


ODD = {
    "bytea_output": "escape",
    "client_encoding": "LATIN1",
    "constraint_exclusion": "on",
    "datestyle": "SQL, DMY",
    "default_text_search_config": "simple",
    "default_transaction_deferrable": "on",
    "default_transaction_isolation": "serializable",
    "extra_float_digits": "-15",
    "intervalstyle": "sql_standard",
    "jit": "on",
    "lc_messages": "C",
    "lc_monetary": "C",
    "lc_numeric": "C",
    "lc_time": "C",
    "plan_cache_mode": "force_generic_plan",
    "quote_all_identifiers": "on",
    "row_security": "on",
    "standard_conforming_strings": "off",
    "statement_timeout": "1ms",
    "timezone": "Asia/Kathmandu",
    "transform_null_equals": "on",
    "xmloption": "document",
}
"""Defaults that a role may have for another program's sake."""


async def test_odd_defaults_of_the_role_change_nothing(name: str, migrated: str) -> None:
    server().execute("CREATE ROLE odd LOGIN")
    for setting, value in ODD.items():
        server().execute(f"ALTER ROLE odd SET {setting} = '{value}'")
    server().execute("GRANT ALL ON ALL TABLES IN SCHEMA public TO odd", name)
    async with opened(migrated.replace("postgres@", "odd@")) as (storage, _):
        session = await stored_session(storage, ALICE, "\\ ' \N{GRINNING FACE}", "two\n")
        assert await storage.sessions.get(ALICE, session.id) == session
        title = "it's \\x41 \N{GRINNING FACE}"
        titled = new_session(title=title)
        await storage.sessions.add(titled, ())
        assert await storage.sessions.get(ALICE, titled.id) == titled


OTHERS = """
CREATE TABLE public.sessions ();
CREATE TABLE public.alembic_version (version_num text);
INSERT INTO public.alembic_version VALUES ('abc');
"""


@pytest.mark.parametrize("path", ["app,public", '"App-1",public', "nowhere,app"])
async def test_another_applications_version_further_down_the_search_path_is_its_own(
    name: str, path: str
) -> None:
    server().new_database(name)
    server().execute(OTHERS + 'CREATE SCHEMA app; CREATE SCHEMA "App-1"', name)
    server().execute(f"ALTER DATABASE {name} SET search_path = {path}")
    url = server().url(name)
    assert not await PostgresqlDatabase(patient(url)).is_current()
    assert "has no tables in" in await refused(url, "open")
    await PostgresqlDatabase(patient(url)).migrate()
    assert await PostgresqlDatabase(patient(url)).is_current()
    async with opened(url) as (storage, _):
        await storage.check()
        await stored_session(storage)
    assert server().execute("TABLE public.alembic_version", name) == "abc"


async def test_another_applications_tables_are_left_alone(name: str) -> None:
    url = server().new_database(name)
    server().execute("CREATE TABLE sessions (sid text); CREATE TABLE others ()", name)
    line = await refused(url, "is_current", "migrate")
    assert f"the schema public of the database {name} has tables that are not" in line
    assert line.endswith("this service's: sessions: name a schema of its own in search_path")


async def test_two_of_the_service_live_in_two_schemas(name: str) -> None:
    """One of an older release, whose tables the other has on its search path behind its own."""
    server().new_database(name)
    server().execute("CREATE SCHEMA one; CREATE SCHEMA two", name)
    urls = [server().url(name, search_path=path) for path in ("one", "two,one")]
    await PostgresqlDatabase(patient(urls[0])).migrate()
    assert "has no tables in two, only in one" in await refused(urls[1], "open")
    server().execute("UPDATE one.alembic_version SET version_num = '0001'", name)
    await PostgresqlDatabase(patient(urls[1])).migrate()
    assert await PostgresqlDatabase(patient(urls[1])).is_current()
    assert "has the schema 0001" in await refused(urls[0], "open")
    async with opened(urls[1]) as (storage, _):
        await stored_session(storage)
    assert server().execute("SELECT count(*) FROM one.sessions", name) == "0"


async def test_a_search_path_that_leads_nowhere_is_refused(name: str, tenant: str) -> None:
    """Also where the role may not use the schema that is there."""
    server().new_database(name)
    server().execute("CREATE SCHEMA app", name)
    for user, path in (("postgres", "nowhere"), (tenant, "app")):
        url = server().url(name, search_path=path).replace("postgres@", f"{user}@")
        line = await refused(url)
        assert f"{name} has no schema that search_path ({path}) names for the role {user}" in line


async def test_a_schema_that_is_made_later_for_the_role_does_not_hide_the_tables(
    name: str,
) -> None:
    """PostgreSQL's default search path begins with it, and all would seem to be gone."""
    url = server().new_database(name)
    await PostgresqlDatabase(patient(url)).migrate()
    server().execute("CREATE SCHEMA postgres", name)
    assert f'{name} has its tables in the schema public, and "$user" now leads' in await refused(
        url
    )
    server().execute(f"ALTER ROLE postgres IN DATABASE {name} SET search_path = public")
    async with opened(url):
        pass


class Warned(NullObserver):
    def __init__(self) -> None:
        self.warnings: list[object] = []

    def event(self, name: str, level: int, **about: object) -> None:
        assert (name, level) == ("warning", logging.WARNING)
        self.warnings.append(about["reason"])


async def test_a_server_that_does_not_sync_is_told_of(migrated: str) -> None:
    """The one of the tests does not."""
    warned = Warned()
    database = PostgresqlDatabase(patient(migrated), warned)
    await database.open()
    await database.close()
    assert warned.warnings == ["fsync or full_page_writes is off: a crash may lose everything"]
