"""The schema's history."""

from collections.abc import Iterator
from pathlib import Path

import pytest
from alembic.autogenerate import compare_metadata
from alembic.config import Config
from alembic.runtime.migration import MigrationContext
from alembic.script import ScriptDirectory
from sqlalchemy import Connection, create_engine, inspect, text

from adapters.sql import migrations
from adapters.sql.schema import REVISION, metadata


@pytest.fixture
def connection(tmp_path: Path) -> Iterator[Connection]:
    engine = create_engine(f"sqlite:///{tmp_path}/migrated.db")
    with engine.connect() as connected:
        yield connected
    engine.dispose()


def tables_of(connection: Connection) -> dict[str, str]:
    rows = connection.execute(text("SELECT name, sql FROM sqlite_schema WHERE sql IS NOT NULL"))
    return {row.name: row.sql for row in rows}


def test_up_down_and_up_again_ends_where_it_began(connection: Connection) -> None:
    migrations.upgrade(connection)
    first = tables_of(connection)
    migrations.downgrade(connection, "base")
    assert set(tables_of(connection)) <= {"alembic_version"}
    migrations.upgrade(connection)
    assert tables_of(connection) == first


def test_the_migrated_schema_is_the_declared_one(connection: Connection, tmp_path: Path) -> None:
    migrations.upgrade(connection)
    context = MigrationContext.configure(connection, opts={"compare_type": True})
    assert compare_metadata(context, metadata) == []

    declared = create_engine(f"sqlite:///{tmp_path}/declared.db")
    metadata.create_all(declared)
    for table in metadata.tables:
        for what in ("get_check_constraints", "get_foreign_keys", "get_indexes"):
            migrated_has = getattr(inspect(connection), what)(table)
            declared_has = getattr(inspect(declared), what)(table)
            assert migrated_has == declared_has, (table, what)
    with declared.connect() as made:
        assert {name for name, sql in tables_of(made).items() if sql.endswith("WITHOUT ROWID")} == {
            name for name, sql in tables_of(connection).items() if sql.endswith("WITHOUT ROWID")
        }
    declared.dispose()


def test_the_schema_knows_its_own_revision() -> None:
    config = Config()
    config.set_main_option("script_location", str(Path(migrations.__file__).parent))
    config.set_main_option("path_separator", "os")
    assert ScriptDirectory.from_config(config).get_heads() == [REVISION]


def test_it_knows_its_own_revisions_only() -> None:
    assert migrations.knows(REVISION)
    assert not migrations.knows("9999")
    assert not migrations.knows("")
