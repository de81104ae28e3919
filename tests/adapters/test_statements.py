"""Every statement that serves a request: whom it names, and how it is run."""

import asyncio
import re
import sqlite3
from collections.abc import AsyncIterator, Iterator
from itertools import product
from pathlib import Path

import asyncpg
import pytest
from sqlalchemy import Select

from adapters.sql import statements
from adapters.sql.message_pages import Place, plain_page
from domain.page import SortOrder
from domain.session_page import NOT_ARCHIVED, SessionSort, Side
from tests.adapters import catalogue
from tests.adapters.catalogue import (
    LONG,
    MESSAGES,
    POSTGRESQL,
    READER,
    SHARED,
    SQLITE,
    UNCHECKED,
    VALUES,
    WITHOUT_OWNER,
    postgresql_plan,
    postgresql_sql,
    sqlite_plan,
)
from tests.adapters.explained import Explained, explain_prepared, prepared, undone

SIDES = (None, *Side)
ON_POSTGRESQL = {**SHARED, **POSTGRESQL}
ON_SQLITE = {**SHARED, **SQLITE}
EVERY = {**SHARED, **POSTGRESQL, **SQLITE}
TABLES = "owners|sessions|messages|receipts|removed_orders|search_documents"
WRITTEN = re.compile(rf"(?:UPDATE|DELETE FROM|FROM|JOIN) ({TABLES})\b")
LENGTHEN = """
INSERT INTO messages
  (owner, session_id, message_order, id, role, content, metadata, timestamp, words)
  SELECT $1, $2, n, gen_random_uuid(), 'user', 'content', '{}', n, 'words'
  FROM generate_series($3::bigint, $4::bigint) n
"""
NO_SCANS = (
    "SEARCH",
    "LIST SUBQUERY",
    "SCALAR SUBQUERY",
    "MULTI-INDEX OR",
    "INDEX ",
    "CREATE BLOOM FILTER",
)
FIRST = VALUES | {"at_": 0}
DOCUMENT = Path(__file__).parents[2] / "docs" / "statements.md"


def test_every_statement_has_a_label() -> None:
    """It is counted, timed and traced by that."""
    assert all(re.fullmatch(r"[A-Za-z_]+(\(.*\))?", name) for name in EVERY)
    assert len(EVERY) > 30


def names_its_owner(sql: str) -> bool:
    """Once for each table that it reads or changes."""
    inserted = re.findall(r"INSERT INTO \w+ \((.*?)\)", sql)
    led = [columns for columns in inserted if columns.startswith("owner, ")]
    tables = WRITTEN.findall(sql)
    owners = re.findall(r"owner = \$\d+::UUID", sql)
    return len(owners) >= len(tables) and inserted == led and bool(owners or led)


def test_every_statement_names_the_owner_but_the_exceptions() -> None:
    sent = {name: postgresql_sql(statement)[0] for name, statement in EVERY.items()}
    assert {name for name, sql in sent.items() if not names_its_owner(sql)} == set(WITHOUT_OWNER)


def test_the_document_is_what_the_code_says() -> None:
    assert DOCUMENT.read_text() == catalogue.document(), "make statements writes it anew"


@pytest.fixture(scope="module")
def on_sqlite(tmp_path_factory: pytest.TempPathFactory) -> Iterator[sqlite3.Connection]:
    path = asyncio.run(catalogue.filled_sqlite(tmp_path_factory.mktemp("plans")))
    connection = sqlite3.connect(path)
    yield connection
    connection.close()


@pytest.fixture(scope="module", params=["plain", "in four parts"])
async def on_postgresql(request: pytest.FixtureRequest) -> AsyncIterator[asyncpg.Connection]:
    connection = await asyncpg.connect(await catalogue.filled_postgresql(request.param))
    yield connection
    await connection.execute("TRUNCATE owners CASCADE")  # whoever comes next would wait for DELETE
    await connection.close()


def test_a_page_of_messages_is_a_search_by_key(on_sqlite: sqlite3.Connection) -> None:
    """Look-ups, no scan and no sort, at whatever depth. The page's bounds are counted from what the
    session has and, where some were removed, the orders of those."""
    session = "SEARCH sessions USING PRIMARY KEY (owner=? AND id=?)"
    key = "owner=? AND session_id=? AND message_order>? AND message_order<?"
    of_session = "USING PRIMARY KEY (owner=? AND session_id=?"
    removed = (f"{of_session})", f"{of_session} AND message_order<?)")
    for place, with_bodies in product(Place, (False, True)):
        steps = sqlite_plan(on_sqlite, plain_page(place, with_bodies=with_bodies))
        assert steps[:2] == [session, f"SEARCH messages USING PRIMARY KEY ({key}) LEFT-JOIN"]
        looked_up = {step for step in steps[2:] if step.startswith("SEARCH")}
        assert looked_up <= {session, *(f"SEARCH removed_orders {part}" for part in removed)}
        assert not [step for step in steps if step.startswith(("SCAN messages", "USE TEMP"))]


@pytest.mark.parametrize(("sort", "order", "side"), list(product(SessionSort, SortOrder, SIDES)))
def test_a_page_of_sessions_reads_an_index_in_order(
    on_sqlite: sqlite3.Connection, sort: SessionSort, order: SortOrder, side: Side | None
) -> None:
    """Where the page may be empty, it alone is sorted afterwards."""
    page = (sort, order, side, statements.FilterShape.of(NOT_ARCHIVED))
    for statement, sorts in (
        (statements.page_of_sessions(*page), 0),
        (statements.page_or_total_of_sessions(*page), 1),
    ):
        steps = sqlite_plan(on_sqlite, statement)
        assert any(f"INDEX ix_sessions_unarchived_{sort} (owner=?" in step for step in steps)
        assert not any(step.startswith("SCAN sessions") for step in steps)
        assert sum("TEMP B-TREE" in step for step in steps) <= sorts  # SQLite 3.53 needs none


def test_no_statement_scans_or_sorts_on_sqlite(on_sqlite: sqlite3.Connection) -> None:
    for name, statement in ON_SQLITE.items():
        if name.isupper() and name not in WITHOUT_OWNER:
            steps = sqlite_plan(on_sqlite, statement)
            assert all(step.startswith(NO_SCANS) for step in steps), (name, steps)


async def test_no_statement_scans_a_table_or_touches_two_partitions_on_postgresql(
    on_postgresql: asyncpg.Connection,
) -> None:
    """But for the exceptions, of partitions."""
    for name, statement in ON_POSTGRESQL.items():
        plan = "\n".join(await postgresql_plan(on_postgresql, statement))
        assert "Seq Scan" not in plan, (name, plan)
        touched = set(re.findall(rf" on (?:{TABLES})_(\d+)\b", plan))
        assert len(touched) <= 1 or name in WITHOUT_OWNER, (name, plan)


COUNTS = {"COUNT_SESSIONS", "COUNT_NAMED_SESSIONS", "COUNT_MESSAGES", "COUNT_RECEIPTS"}
"""What they read is what is counted: for an erasure, and a deletion of many."""

READS = {
    name: asked
    for name, asked in SHARED.items()
    if isinstance(asked, Select) and name not in {*COUNTS, "IDLE_SESSIONS"}
}


async def test_a_read_reads_no_more_rows_than_it_gives(on_postgresql: asyncpg.Connection) -> None:
    """But for the owner's or the session's row, one item past the page, and one on a cursor's other
    side, of how many rows there may be. So it is with a plan for these values and for any."""
    for name, asked in READS.items():
        sql, values = postgresql_sql(asked)
        async with prepared(on_postgresql, sql):
            for generic in (False, True):
                told = await explain_prepared(on_postgresql, values, generic=generic)
                assert rows_read(told) <= VALUES["limit_"] + 3, (name, generic, told.steps)
                partitions = told.partitions() & set("0123456789")
                assert len(partitions) <= 1 or name in WITHOUT_OWNER, (name, generic, told.steps)


def rows_read(told: Explained) -> int:
    return sum(
        step["Actual Rows"] * step["Actual Loops"] + step.get("Rows Removed by Filter", 0)
        for step in told.steps
        if "Relation Name" in step
    )


async def test_few_rows_are_expected_on_the_first_page_of_a_session_with_most_of_all_messages(
    on_postgresql: asyncpg.Connection,
) -> None:
    """Every session has first messages, so that most rows are in the range: if PostgreSQL counted
    on that it would read the whole table for them."""
    sql, values = postgresql_sql(SHARED["page_of_messages(offset, True)"], FIRST)
    async with undone(on_postgresql):
        await on_postgresql.execute(UNCHECKED.replace("SET", "SET LOCAL"))
        await on_postgresql.execute(LENGTHEN, READER.key, LONG, MESSAGES + 1, 100_000)
        await on_postgresql.execute("ANALYZE messages")
        plan = await on_postgresql.fetch(f"EXPLAIN {sql}", *values)
    (step,) = [step for (step,) in plan if re.search(r" on messages(_\d+)?\b.*cost=", step)]
    expected = re.search(r"rows=(\d+)", step)
    assert expected, step
    assert int(expected[1]) < 1000
