"""Every statement that serves a request: whom it names, and how it is run."""

import sqlite3
from collections.abc import Iterator
from itertools import product
from pathlib import Path
from typing import Any
from uuid import uuid4

import pytest
from sqlalchemy import Delete, Insert, Select, Update
from sqlalchemy.dialects import postgresql, sqlite

from adapters.sql import SqliteStorage, statements
from adapters.sql.schema import microseconds
from domain.page import SessionSort, SortOrder
from tests.clock import START
from tests.contract.examples import ALICE, stored_session

NAMED = {
    name: statement
    for name, statement in vars(statements).items()
    if name.isupper() and isinstance(statement, Select | Insert | Update | Delete)
}
EDGES: tuple[statements.Edge | None, ...] = (None, "after", "before")
PAGES = {
    f"page_of_messages({order}, {edge})": statements.page_of_messages(order, edge)
    for order in SortOrder
    for edge in EDGES
} | {
    f"page_of_sessions({sort}, {order})": statements.page_of_sessions(sort, order)
    for sort in SessionSort
    for order in SortOrder
}
STATEMENTS: dict[str, Any] = NAMED | PAGES
WITHOUT_OWNER = {"FIND_ANYONES"}


def sql_of(statement: Any) -> str:
    return str(statement.compile(dialect=sqlite.dialect(paramstyle="named")))


def test_the_statements_are_all_here() -> None:
    assert len(NAMED) == 11
    assert len(PAGES) == 10


@pytest.mark.parametrize("name", STATEMENTS)
def test_every_statement_names_the_owner_but_the_exceptions(name: str) -> None:
    sql = sql_of(STATEMENTS[name])
    if isinstance(STATEMENTS[name], Insert):
        assert "(owner, " in sql
    else:
        assert ("owner = :owner_" in sql) == (name not in WITHOUT_OWNER)


@pytest.mark.parametrize("name", STATEMENTS)
def test_every_statement_is_one_for_postgresql_too(name: str) -> None:
    assert str(STATEMENTS[name].compile(dialect=postgresql.dialect()))  # type: ignore[no-untyped-call]


@pytest.fixture(scope="module")
def plans(tmp_path_factory: pytest.TempPathFactory) -> Iterator[sqlite3.Connection]:
    import asyncio  # noqa: PLC0415 - a module fixture makes its own loop

    path: Path = tmp_path_factory.mktemp("plans") / "chat.db"

    async def fill() -> None:
        storage = SqliteStorage(path)
        await storage.open()
        for _ in range(20):
            await stored_session(storage, ALICE, *["x"] * 20)
        await storage.close()

    asyncio.run(fill())
    connection = sqlite3.connect(path)
    yield connection
    connection.close()


def plan(connection: sqlite3.Connection, statement: Any) -> list[str]:
    values: dict[str, object] = {
        "owner_": ALICE.key.bytes,
        "session_": uuid4().bytes,
        "limit_": 50,
        "offset_": 100,
        "after_": 100,
        "before_": 100,
        "how_many": 1,
        "now_": microseconds(START),
    }
    compiled = statement.compile(dialect=sqlite.dialect(paramstyle="named"))
    parameters = {**compiled.params, **values}
    parameters = {name: parameters[name] for name in compiled.params}
    rows = connection.execute("EXPLAIN QUERY PLAN " + str(compiled), parameters)
    return [row[3] for row in rows]


def test_a_page_of_messages_is_a_search_by_key(plans: sqlite3.Connection) -> None:
    """Two look-ups, no scan and no sort, at whatever depth."""
    key = "owner=? AND session_id=? AND message_order>? AND message_order<?"
    for order, edge in product(SortOrder, EDGES):
        steps = plan(plans, statements.page_of_messages(order, edge))
        assert steps == [
            "SEARCH sessions USING PRIMARY KEY (owner=? AND id=?)",
            f"SEARCH messages USING PRIMARY KEY ({key}) LEFT-JOIN",
        ]


@pytest.mark.parametrize("sort", SessionSort)
@pytest.mark.parametrize("order", SortOrder)
def test_a_page_of_sessions_reads_an_index_in_order(
    plans: sqlite3.Connection, sort: SessionSort, order: SortOrder
) -> None:
    """What is sorted afterwards is the page alone."""
    steps = plan(plans, statements.page_of_sessions(sort, order))
    assert f"SEARCH sessions USING INDEX ix_sessions_{sort} (owner=?)" in steps
    assert not any(step.startswith("SCAN sessions") for step in steps)
    assert sum("TEMP B-TREE" in step for step in steps) <= 1


@pytest.mark.parametrize("name", set(NAMED) - {"ADD_OWNER", "ADD_SESSION", "ADD_MESSAGES"})
def test_no_statement_scans_or_sorts(plans: sqlite3.Connection, name: str) -> None:
    statement = NAMED[name]
    if name == "AMEND_SESSION":
        statement = statement.values(title="x")  # type: ignore[union-attr]
    for step in plan(plans, statement):
        assert step.startswith("SEARCH"), step
