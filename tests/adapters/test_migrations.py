"""The schema's history, on both databases."""

import asyncio
import multiprocessing
import os
import signal
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from itertools import count, pairwise
from pathlib import Path
from typing import Any, TypeVar
from uuid import uuid4

import pytest
from alembic.autogenerate import compare_metadata
from alembic.config import Config
from alembic.runtime.migration import MigrationContext
from alembic.script import ScriptDirectory
from sqlalchemy import Connection, Engine, create_engine, event, insert, inspect, text
from sqlalchemy.util import greenlet_spawn

from adapters.sql import SqlStorage, migrations
from adapters.sql.postgresql import PostgresqlDatabase
from adapters.sql.postgresql.engine import single_engine
from adapters.sql.schema import PARTIAL_INDEXES, REVISION, messages, metadata, owners, sessions
from adapters.sql.sqlite import SqliteDatabase
from adapters.sql.sqlite.revision import APPLICATION_ID
from application.errors import StorageRefused
from domain.message_page import MessagePageRequest
from domain.metadata import EMPTY
from tests.clock import START
from tests.contract.examples import ALICE, new_messages, new_session
from tests.databases import declared_schema, patient, server

T = TypeVar("T")


@dataclass(frozen=True)
class Fresh:
    """An empty database: how the service reaches it, and how a test does."""

    url: str

    def storage(self) -> SqlStorage:
        if self.url.startswith("sqlite:///"):
            return SqlStorage(SqliteDatabase(Path(self.url.removeprefix("sqlite:///"))))
        return SqlStorage(PostgresqlDatabase(patient(self.url)))

    def run(self, work: Callable[[Connection], T]) -> T:
        return asyncio.run(self._run(work))

    async def _run(self, work: Callable[[Connection], T]) -> T:
        if self.url.startswith("sqlite:///"):
            engine = create_engine(self.url)
        else:
            engine = single_engine(patient(self.url))

        def transaction() -> T:
            with engine.begin() as connection:
                return work(connection)

        try:
            return await greenlet_spawn(transaction)
        finally:
            await greenlet_spawn(engine.dispose)


def fresh_sqlite(folder: Path) -> Fresh:
    return Fresh(f"sqlite:///{folder}/{uuid4().hex}.db")


def fresh_postgresql(_: Path) -> Fresh:
    return Fresh(server().new_database(f"fresh-{uuid4().hex}"))


DATABASES = {"sqlite": fresh_sqlite, "postgresql": fresh_postgresql}


@pytest.fixture(params=DATABASES)
def new_database(request: pytest.FixtureRequest, tmp_path: Path) -> Callable[[], Fresh]:
    return lambda: DATABASES[request.param](tmp_path)


SEARCH = "search_"
"""What the tables begin with that SQLite's search has besides."""

PARTS = (
    "columns",
    "pk_constraint",
    "foreign_keys",
    "indexes",
    "check_constraints",
    "unique_constraints",
    "table_options",
)


def shape(connection: Connection) -> dict[str, list[str]]:
    """What the database says of every table."""
    found = inspect(connection)
    return {
        table: [_text(getattr(found, f"get_{part}")(table)) for part in PARTS]
        for table in sorted(found.get_table_names())
        if table != "alembic_version"
    }


def _text(found: Any) -> str:
    """With the condition of a partial index as it is written."""
    for part in found if isinstance(found, list) else ():
        options = part.get("dialect_options", {})
        options |= {name: str(value) for name, value in options.items()}
    return repr(found)


def test_up_down_and_up_again_ends_where_it_began(new_database: Callable[[], Fresh]) -> None:
    database = new_database()

    def up_and_down(connection: Connection) -> tuple[dict[str, list[str]], dict[str, list[str]]]:
        migrations.upgrade(connection)
        first = shape(connection)
        migrations.downgrade(connection, "base")
        assert shape(connection) == {}
        migrations.upgrade(connection)
        return first, shape(connection)

    first, again = database.run(up_and_down)
    assert first == again


def test_the_migrated_schema_is_the_declared_one(new_database: Callable[[], Fresh]) -> None:
    migrated, declared = new_database(), new_database()
    migrated.run(migrations.upgrade)
    declared.run(lambda on: declared_schema(on.dialect.name).create_all(on))
    found = migrated.run(shape)
    of_search = {table for table in found if table.startswith(SEARCH)}
    assert {name: parts for name, parts in found.items() if name not in of_search} == (
        declared.run(shape)
    )

    def differences(connection: Connection) -> list[Any]:
        options = {"compare_type": True, "include_name": lambda name, *_: name not in of_search}
        context = MigrationContext.configure(connection, opts=options)
        found: list[Any] = compare_metadata(context, declared_schema(connection.dialect.name))
        return found

    assert migrated.run(differences) == []


def test_the_owner_leads_every_key() -> None:
    """Primary, foreign and unique; so data can be spread by owner."""
    for table in metadata.sorted_tables:
        for constraint in table.constraints:
            columns = [column.name for column in getattr(constraint, "columns", ())]
            if columns and "CheckConstraint" not in type(constraint).__name__:
                assert columns[0] == "owner", constraint
        assert not [index for index in table.indexes if index.unique]
    for partial in PARTIAL_INDEXES:
        assert partial.columns[0] == "owner", partial


def history() -> ScriptDirectory:
    config = Config()
    config.set_main_option("script_location", str(Path(migrations.__file__).parent))
    config.set_main_option("path_separator", "os")
    return ScriptDirectory.from_config(config)


def test_the_schema_knows_its_own_revision() -> None:
    assert history().get_heads() == [REVISION]


Columns = dict[tuple[str, str], Any]


def columns(connection: Connection) -> Columns:
    found = inspect(connection)
    tables = set(found.get_table_names()) - {"alembic_version"}
    return {(table, one["name"]): one for table in tables for one in found.get_columns(table)}


def test_a_migration_takes_nothing_from_the_release_before(
    new_database: Callable[[], Fresh],
) -> None:
    """Its processes go on meanwhile: all that they read is there, all that they leave out may be
    left out. Later revisions have greater names."""
    revisions = [script.revision for script in history().walk_revisions("base", "heads")][::-1]
    assert revisions == sorted(revisions)

    def every_shape(connection: Connection) -> list[Columns]:
        shapes = []
        for revision in revisions:
            migrations.upgrade(connection, revision)
            shapes.append(columns(connection))
        return shapes

    shapes = new_database().run(every_shape)
    for before, after in pairwise(shapes):
        assert before.keys() <= after.keys()
        for place, old in before.items():
            new = after[place]
            assert repr(new["type"]) == repr(old["type"])
            assert new["nullable"] >= old["nullable"] or new["default"] is not None
        for (table, name), added in after.items():
            is_new = (table, name) not in before and table in {one for one, _ in before}
            assert not is_new or added["nullable"] or added["default"] is not None


def said_to_be(revision: str) -> Callable[[Connection], Any]:
    statement = text("UPDATE alembic_version SET version_num = :found")
    return lambda connection: connection.execute(statement, {"found": revision})


def test_it_knows_its_own_revisions_only() -> None:
    assert migrations.knows(REVISION)
    assert not migrations.knows("9999")
    assert not migrations.knows("")


async def test_what_an_earlier_release_stored_is_kept(new_database: Callable[[], Fresh]) -> None:
    database = new_database()

    def fill(connection: Connection) -> None:
        migrations.upgrade(connection, "0001")
        if connection.dialect.name == "sqlite":
            connection.exec_driver_sql(f"PRAGMA application_id={APPLICATION_ID}")
        owner = {"owner": ALICE.key, "issuer": ALICE.issuer, "subject": ALICE.subject}
        connection.execute(insert(owners).values(**owner, session_count=1))
        stored = {name: getattr(session, name) for name in ("id", "title", "created_at")}
        stored |= {"last_updated": session.last_updated, "last_order": 1, "metadata": EMPTY}
        connection.execute(insert(sessions).values(owner=ALICE.key, **stored))
        (message,) = said
        placed = {name: getattr(message, name) for name in ("id", "session_id", "message_order")}
        placed |= {"role": "user", "content": "hi", "timestamp": message.timestamp}
        connection.execute(insert(messages).values(owner=ALICE.key, metadata=EMPTY, **placed))

    session, said = new_session(title="kept").appended(new_messages("hi"), START)
    await asyncio.to_thread(database.run, fill)
    storage = database.storage()
    await storage.migrate()
    await storage.open()
    assert await storage.sessions.get(ALICE, session.id) == session
    page = await storage.messages.page(ALICE, session.id, MessagePageRequest())
    assert list(page.items) == list(said)
    await storage.close()


async def test_migrating_makes_it_current_and_again_does_no_harm(
    new_database: Callable[[], Fresh],
) -> None:
    database = new_database()
    assert not await database.storage().is_current()
    for _ in range(2):
        await database.storage().migrate()
        assert await database.storage().is_current()
    opened = database.storage()
    await opened.open()
    await opened.check()
    await opened.close()


def migrate(database: Fresh) -> None:
    asyncio.run(database.storage().migrate())


def test_ten_that_migrate_at_once_end_with_one_schema(tmp_path: Path) -> None:
    """On PostgreSQL; SQLite serves one process, and refuses the others with a line."""
    database = fresh_postgresql(tmp_path)
    with ThreadPoolExecutor(10) as ten:
        list(ten.map(migrate, [database] * 10))
    assert asyncio.run(database.storage().is_current())


def die_at_statement(database: Fresh, number: int) -> None:
    """Migrate, and be killed when the database is about to run the statement of that number."""
    numbers = count()

    def before(*_: object) -> None:
        if next(numbers) == number:
            os.kill(os.getpid(), signal.SIGKILL)

    event.listen(Engine, "before_cursor_execute", before)
    migrate(database)


def test_killed_at_any_statement_it_can_be_run_again(new_database: Callable[[], Fresh]) -> None:
    """And until then nothing of it is there, or all."""
    processes = multiprocessing.get_context("forkserver")
    processes.set_forkserver_preload(["adapters.sql", "tests.adapters.test_migrations", "alembic"])
    database = new_database()
    for statement in count():
        process = processes.Process(target=die_at_statement, args=(database, statement))
        process.start()
        process.join(60)
        if process.exitcode == 0:
            break
        assert process.exitcode == -signal.SIGKILL
        assert database.run(shape).keys() in (set(), set(metadata.tables))
    assert statement > len(metadata.tables)
    assert asyncio.run(database.storage().is_current())
    migrate(database)


@pytest.mark.parametrize(
    ("found", "advice"), [("9999", "another release|newer release"), ("0001", "run chat-sessions")]
)
async def test_another_releases_schema_is_refused(
    new_database: Callable[[], Fresh], found: str, advice: str
) -> None:
    """A later one by every command; on PostgreSQL an earlier one by all but `migrate`."""
    database = new_database()
    await database.storage().migrate()
    await asyncio.to_thread(database.run, said_to_be(found))
    if found == "0001":
        assert not await database.storage().is_current()
        if database.url.startswith("sqlite"):
            return
    refused = pytest.raises(StorageRefused, match=advice)
    if found == "9999":
        for ask in (SqlStorage.is_current, SqlStorage.migrate):
            with refused:
                await ask(database.storage())
    with pytest.raises(StorageRefused):
        await database.storage().open()
