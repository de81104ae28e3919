"""Every statement that serves a request, by name, with its plan: `make statements` writes
docs/statements.md from it, and the guards in test_statements.py read the same list."""

import asyncio
import re
import sqlite3
import tempfile
from collections.abc import Mapping
from pathlib import Path
from types import ModuleType
from typing import Any
from uuid import UUID

import asyncpg
from sqlalchemy import Executable
from sqlalchemy.dialects import sqlite
from sqlalchemy.sql.elements import ClauseElement

from adapters.sql import SqlStorage
from adapters.sql import statements as shared
from adapters.sql.postgresql import writes as postgresql_writes
from adapters.sql.postgresql.engine import Dialect
from adapters.sql.schema import microseconds
from adapters.sql.sqlite import SqliteDatabase
from adapters.sql.sqlite import writes as sqlite_writes
from domain.owner import Owner
from domain.page import SessionSort, Side, SortOrder
from tests.clock import START
from tests.contract.examples import stored_session
from tests.databases import empty_database, server
from tests.postgresql import PostgresqlServer

Statements = Mapping[str, Executable]

READ_LATER = {"GET_REVISION"}
"""Serves readiness, not a request."""

WITHOUT_OWNER = {
    "FIND_ANYONES": "tells another's session (403) from none (404)",
    "FORGET_RECEIPTS": "maintenance: `purge`, and on SQLite ten old receipts with each new one",
}
"""The exceptions to naming the owner by equality."""

READER = Owner("https://issuer.example", "reader")
LONG = UUID(int=1)
"""The reader's longest session."""

SESSIONS = 20
MESSAGES = 10_000
OTHERS = 2000
MESSAGES_EACH = 5
"""In each session but that one."""

VALUES: dict[str, Any] = {
    "owner_": READER.key,
    "session_": LONG,
    "id_": UUID(int=1),
    "limit_": 50,
    "offset_": 0,
    "after_": MESSAGES - 200,
    "before_": MESSAGES - 100,
    "at_": microseconds(START),
    "how_many": 2,
    "now_": microseconds(START),
    "until_": 0,
    "operation_": "append_messages",
    "key_": "key",
    "fingerprint_": b"0" * 32,
    "claimed_at_": microseconds(START),
    "created_at_": microseconds(START),
    "last_updated_": microseconds(START),
    "issuer_": READER.issuer,
    "subject_": READER.subject,
    "title_": "title",
    "metadata_": "{}",
    "expected_": [microseconds(START)],
    "ids": [UUID(int=2), UUID(int=3)],
    "roles": ["user", "user"],
    "contents": ["one", "two"],
    "metadatas": ["{}", "{}"],
}


def _constants(module: ModuleType) -> dict[str, Executable]:
    return {
        name: value
        for name, value in vars(module).items()
        if name.isupper() and isinstance(value, Executable) and name not in READ_LATER
    }


PAGES: Statements = {
    f"page_of_messages({sort_order}, {side})": shared.page_of_messages(sort_order, side)
    for sort_order in SortOrder
    for side in (None, *Side)
} | {
    f"page_of_sessions({sort_by}, {sort_order}, {side})": shared.page_of_sessions(
        sort_by, sort_order, side
    )
    for sort_by in SessionSort
    for sort_order in SortOrder
    for side in (None, *Side)
}
SHARED: Statements = {**_constants(shared), **PAGES}
SQLITE: Statements = {
    name: statement for name, statement in _constants(sqlite_writes).items() if name not in SHARED
}
POSTGRESQL: Statements = {
    name: statement
    for name, statement in _constants(postgresql_writes).items()
    if name not in SHARED
}
"""On PostgreSQL APPEND takes the place of RAISE_COUNTER, which it contains."""


def postgresql_sql(
    statement: Executable, given: Mapping[str, Any] = VALUES
) -> tuple[str, list[Any]]:
    """The statement as it is sent, and values for its parameters."""
    assert isinstance(statement, ClauseElement)
    compiled = statement.compile(dialect=Dialect())  # type: ignore[no-untyped-call]
    assert compiled.positiontup is not None  # type: ignore[attr-defined]
    values = {**compiled.params, **given}
    return str(compiled), [values[name] for name in compiled.positiontup]  # type: ignore[attr-defined]


def sqlite_sql(statement: Executable) -> tuple[str, dict[str, object]]:
    assert isinstance(statement, ClauseElement)
    compiled = statement.compile(dialect=sqlite.dialect(paramstyle="named"))
    values = {name: _on_sqlite(VALUES.get(name, value)) for name, value in compiled.params.items()}
    return str(compiled), values


def _on_sqlite(value: object) -> object:
    return value.bytes if isinstance(value, UUID) else value


_FILL = (
    """
INSERT INTO owners SELECT owner, 'https://issuer.example', 'other', {sessions}
  FROM (SELECT md5('owner ' || n)::uuid AS owner FROM generate_series(1, {others}) n) AS others
  UNION ALL SELECT '{reader}', 'https://issuer.example', 'reader', {sessions}
""",
    """
INSERT INTO sessions
  SELECT owner, md5(owner || 'session ' || n)::uuid, 'title', '{{}}', {now} + n, {now} + n, {each}
  FROM owners, generate_series(2, {sessions}) n
  UNION ALL SELECT '{reader}', '{long}', 'title', '{{}}', {now}, {now}, {messages}
""",
    """
INSERT INTO messages
  SELECT owner, id, n, md5(id || 'message ' || n)::uuid, 'user', 'content', '{{}}', {now} + n
  FROM sessions, generate_series(1, message_count) n
""",
    """
INSERT INTO receipts
  SELECT owner, 'append_messages', 'key ' || n, 'fingerprint', {now} + n, owner, n
  FROM owners, generate_series(1, {sessions}) n
""",
)


def fill_postgresql(
    at: PostgresqlServer, database: str, *, others: int = OTHERS, each: int = MESSAGES_EACH
) -> None:
    """A reader has many sessions, one of them long, and so many others have as many short ones."""
    names = {"reader": READER.key, "long": LONG, "now": microseconds(START)}
    sizes = {"sessions": SESSIONS, "messages": MESSAGES, "others": others, "each": each}
    for statement in _FILL:
        at.execute(statement.format(**names, **sizes), database)
    at.execute("VACUUM", database)
    # Of every row, not of some taken by chance, so that the plans are the same each time.
    at.execute("SET default_statistics_target = 1000; ANALYZE", database)


async def filled_postgresql(schema: str) -> str:
    """The URL of a database so filled."""
    url = empty_database(schema)
    fill_postgresql(server(), schema)
    return url


async def filled_sqlite(folder: Path) -> Path:
    storage = SqlStorage(SqliteDatabase(folder / "chat.db"))
    await storage.open()
    for _ in range(20):
        await stored_session(storage, READER, *["x"] * 20)
    await storage.close()
    return folder / "chat.db"


async def postgresql_plan(connection: asyncpg.Connection, statement: Executable) -> list[str]:
    sql, values = postgresql_sql(statement)
    rows = await connection.fetch(f"EXPLAIN (COSTS OFF) {sql}", *values)
    return [row[0] for row in rows]


def sqlite_plan(connection: sqlite3.Connection, statement: Executable) -> list[str]:
    sql, values = sqlite_sql(statement)
    return [row[3] for row in connection.execute(f"EXPLAIN QUERY PLAN {sql}", values)]


def versions() -> str:
    major = server().execute("SHOW server_version").split(".")[0]
    return f"PostgreSQL {major} and SQLite {sqlite3.sqlite_version}"


async def document() -> str:
    parts = [
        "# The statements that serve requests",
        "Written by `make statements` from the code: what is sent, and how it is gone about.",
        f"Plans are of {versions()}, among {OTHERS:,} people with {SESSIONS} sessions each.",
        "Each names the owner by equality, but for these:",
        "\n".join(f"- `{name}`: {why}." for name, why in WITHOUT_OWNER.items()),
    ]
    with tempfile.TemporaryDirectory() as folder:
        file = sqlite3.connect(await filled_sqlite(Path(folder)))
        connection = await asyncpg.connect(await filled_postgresql("plain"))
        for title, statements in (
            ("Both databases", SHARED),
            ("PostgreSQL alone", POSTGRESQL),
            ("SQLite alone", SQLITE),
        ):
            parts.append(f"## {title}")
            for name, statement in statements.items():
                on_postgresql, on_sqlite = statements is not SQLITE, statements is not POSTGRESQL
                sql = (postgresql_sql if on_postgresql else sqlite_sql)(statement)[0]
                parts += [f"### {name}", f"```sql\n{_tidy(sql)}\n```"]
                if on_postgresql:
                    plan = await postgresql_plan(connection, statement)
                    parts.append("PostgreSQL:\n\n```text\n" + "\n".join(plan) + "\n```")
                if on_sqlite and (plan := sqlite_plan(file, statement)):
                    parts.append("SQLite:\n\n```text\n" + "\n".join(plan) + "\n```")
        await connection.close()
        file.close()
    return "\n\n".join(parts) + "\n"


def _tidy(sql: str) -> str:
    return re.sub(r"[ ]+$|^ ", "", re.sub(r"\n+", "\n", sql), flags=re.MULTILINE)


if __name__ == "__main__":
    print(asyncio.run(document()), end="")
