"""Every statement that serves a request, found in the storage's modules: `make statements` writes
docs/statements.md from it, and the guards in test_statements.py read the same list."""

import inspect
import re
import sqlite3
from collections.abc import Iterable, Iterator, Mapping
from importlib import import_module
from itertools import product
from pathlib import Path
from pkgutil import walk_packages
from types import FunctionType, ModuleType, NoneType
from typing import Any, cast, get_args, get_origin, get_type_hints
from uuid import UUID

import asyncpg
from sqlalchemy import Executable, SelectBase, TextClause, UpdateBase
from sqlalchemy.dialects import sqlite
from sqlalchemy.sql.elements import ClauseElement

from adapters import sql
from adapters.sql import SqlStorage
from adapters.sql.column_types import microseconds
from adapters.sql.observer import LABEL
from adapters.sql.postgresql.engine import Dialect
from adapters.sql.sqlite import SqliteDatabase
from adapters.sql.statements import FilterShape
from domain.owner import Owner
from domain.page import SortOrder
from domain.session_page import NOT_ARCHIVED
from tests.clock import START
from tests.contract.examples import stored_session
from tests.databases import empty_database, server
from tests.postgresql import PostgresqlServer

Statements = Mapping[str, Executable]

NOT_FOR_REQUESTS = {"GET_REVISION", "CHECK_SCHEMA", "CHECK_SERVER", "SET_LIMITS"}
"""The labels of those that look at the schema and the server, or set a transaction up."""

WITH_OPTIONS = {"limits_statement"}
"""The function that makes SET_LIMITS of the operator's settings."""

WITHOUT_OWNER = {
    "FIND_ANYONES": "tells another's session (403) from none (404)",
    "VERSIONS": "all that one process follows, each by its owner and its id together",
    "IDLE_SESSIONS": "maintenance: `purge` of what has not changed for long",
    "FORGET_RECEIPTS": "maintenance: `purge`, and on SQLite ten old receipts with each new one",
    **dict.fromkeys(
        (
            "UNINDEXED_MESSAGES",
            "UNINDEXED_TITLES",
            "NEXT_MESSAGES",
            "NEXT_TITLES",
            "OLDEST_REMOVALS",
            "NEWEST_REMOVAL",
            "FORGET_WORDS",
            "FORGET_REMOVAL",
            "MERGE_DUE",
            "SET_MERGE_DUE",
            "MERGE",
        ),
        "maintenance: of what a search finds texts by",
    ),
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

EVERY_FILTER = FilterShape(True, True, True, True, True, 1)  # noqa: FBT003 - each has its part
"""Of one direction alone: its conditions are the same in each."""

SHAPES: Mapping[Any, str] = {
    FilterShape.of(NOT_ARCHIVED): "not archived",
    EVERY_FILTER: "every filter",
}

VALUES: dict[str, Any] = {
    "owner_": READER.key,
    "owners": [READER.key],
    "since_": microseconds(START),
    "session_": LONG,
    "id_": UUID(int=1),
    "limit_": 50,
    "offset_": 0,
    "half_": 24,
    "at_": MESSAGES - 100,
    "order_": MESSAGES - 100,
    "first_order_": 1,
    "last_order_": MESSAGES,
    "removed_count_": 0,
    "largest_": 1000,
    "more_": 1,
    "gone_": 1,
    "less_": 0,
    "newest_": 1,
    "archived_": False,
    "pinned_": False,
    "revision_": 1,
    "external_id_": "external",
    "external_ids_": ["one", "two"],
    "session_ids_": [LONG],
    "updated_after_": 0,
    "updated_before_": microseconds(START) * 2,
    "member_0_": "name",
    "value_0_": '"value"',
    "role_": "user",
    "later_role_": None,
    "content_": "content",
    "name_": None,
    "format_": None,
    "body_": None,
    "edited_at_": microseconds(START),
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
    "expected_": [microseconds(START)],
    "ids": [UUID(int=2), UUID(int=3)],
    "roles": ["user", "user"],
    "contents": ["one", "two"],
    "metadatas": ["{}", "{}"],
    "names": [None, None],
    "external_ids": [None, None],
    "formats": [None, None],
    "bodys": [None, None],
    "later_roles": [None, None],
    "timestamps": [microseconds(START), microseconds(START) + 1],
    "title_": "title",
    "metadata_": "{}",
    "words_": "words",
    "wordss": ["one", "two"],
    "keys_": "'words'",
    "match_": '"words"',
    **{f"id_{slot}_": UUID(int=1) for slot in range(50)},
    **{f"order_{slot}_": slot + 1 for slot in range(50)},
}


def _modules() -> Iterator[ModuleType]:
    """Of the storage, those that both databases share first."""
    found = [module.name for module in walk_packages(sql.__path__, "adapters.sql.")]
    own = ("adapters.sql.postgresql", "adapters.sql.sqlite")
    for name in sorted(found, key=lambda name: name.startswith(own)):
        if not name.startswith("adapters.sql.migrations"):
            yield import_module(name)


def _made(module: ModuleType) -> Iterator[tuple[str, Executable]]:
    """The module's statements, and each that one of its functions can be asked for."""
    for name, value in vars(module).items():
        if isinstance(value, UpdateBase | SelectBase | TextClause):
            yield "", cast("Executable", value)
        elif callable(value) and not name.startswith("_") and name not in WITH_OPTIONS:
            for arguments in _every_call(value, module):
                written = ", ".join(SHAPES.get(one, str(one)) for one in arguments.values())
                yield f"({written})", value(**arguments)


def _every_call(value: Any, module: ModuleType) -> Iterator[dict[str, Any]]:
    function = getattr(value, "__wrapped__", value)
    if not isinstance(function, FunctionType) or function.__module__ != module.__name__:
        return
    hints = get_type_hints(function)
    given = hints.pop("return", None)
    if inspect.isclass(kind := get_origin(given) or given) and issubclass(kind, Executable):
        for arguments in product(*map(_every_value, hints.values())):
            if EVERY_FILTER not in arguments or {None, SortOrder.ASC} <= set(arguments):
                yield dict(zip(hints, arguments, strict=True))


def _every_value(kind: Any) -> list[Any]:
    parts = get_args(kind) or (kind,)
    finite: Mapping[Any, Iterable[Any]] = {
        NoneType: (None,),
        bool: (False, True),
        FilterShape: SHAPES,
    }
    return [one for part in parts for one in finite.get(part, part)]


def _catalogue() -> dict[str, dict[str, Executable]]:
    """By the database that has them, and then by their label and arguments."""
    found: dict[str, dict[str, Executable]] = {"": {}, "postgresql": {}, "sqlite": {}}
    seen: dict[str, Executable] = {}
    for module in _modules():
        package = module.__name__.split(".")[2]
        for arguments, statement in _made(module):
            label = statement.get_execution_options().get(LABEL)
            name = f"{label or statement}{arguments}"
            is_new = name not in seen
            assert seen.setdefault(name, statement) is statement, f"two are {name}"
            if is_new and label not in NOT_FOR_REQUESTS:
                found[package if package in found else ""][name] = statement
    return found


_FOUND = _catalogue()
SHARED: Statements = _FOUND[""]
POSTGRESQL: Statements = _FOUND["postgresql"]
"""On PostgreSQL APPEND takes the place of RESERVE_ORDERS, which it contains."""
SQLITE: Statements = _FOUND["sqlite"]


def postgresql_sql(
    statement: Executable, given: Mapping[str, Any] = VALUES
) -> tuple[str, list[Any]]:
    """The statement as it is sent, and values for its parameters."""
    state = _expanded(statement, Dialect(), given)  # type: ignore[no-untyped-call]
    return state.statement, list(state.positional_parameters)


def sqlite_sql(statement: Executable) -> tuple[str, dict[str, object]]:
    state = _expanded(statement, sqlite.dialect(paramstyle="named"), VALUES)
    return state.statement, {name: _on_sqlite(value) for name, value in state.parameters.items()}


def _expanded(statement: Executable, dialect: Any, given: Mapping[str, Any]) -> Any:
    assert isinstance(statement, ClauseElement)
    compiled: Any = statement.compile(dialect=dialect)
    known = {name: given[name] for name in given.keys() & compiled.binds.keys()}
    return compiled.construct_expanded_state({**compiled.params, **known})


def _on_sqlite(value: object) -> object:
    return value.bytes if isinstance(value, UUID) else value


UNCHECKED = "SET session_replication_role = replica"
"""Foreign keys are not looked up, row by row: on partitions that takes ten times as long."""

_FILL = (
    """
INSERT INTO owners (owner, issuer, subject, session_count)
  SELECT owner, 'https://issuer.example', 'other', {sessions}
  FROM (SELECT md5('owner ' || n)::uuid AS owner FROM generate_series(1, {others}) n) AS others
  UNION ALL SELECT '{reader}', 'https://issuer.example', 'reader', {sessions}
""",
    """
INSERT INTO sessions
  (owner, id, title, metadata, created_at, last_updated, message_count, words)
  SELECT owner, md5(owner || 'session ' || n)::uuid, 'title', '{{}}', {now} + n, {now} + n, {each},
    (CASE subject WHEN 'reader' THEN 'words' ELSE 'words' || owner END)::tsvector
  FROM owners, generate_series(2, {sessions}) n
  UNION ALL SELECT '{reader}', '{long}', 'title', '{{}}', {now}, {now}, {messages}, 'words'
""",
    """
INSERT INTO messages
  (owner, session_id, message_order, id, role, content, metadata, timestamp, words)
  SELECT owner, id, n, md5(id || 'message ' || n)::uuid, 'user', 'content', '{{}}', {now} + n, words
  FROM sessions, generate_series(1, message_count) n
""",
    """
INSERT INTO removed_orders SELECT owner, id, n FROM sessions, generate_series(1, 2) n
  WHERE id <> '{long}'
""",
    """
INSERT INTO receipts
  (owner, operation, key, fingerprint, claimed_at, session_id, first_order)
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
        at.execute(f"{UNCHECKED}; {statement.format(**names, **sizes)}", database)
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


def document() -> str:
    parts = [
        "# The statements that serve requests",
        "Written by `make statements` from the code.",
        "Each names the owner by equality, but for these:",
        "\n".join(f"- `{name}`: {why}." for name, why in WITHOUT_OWNER.items()),
    ]
    for title, statements in (
        ("Both databases", SHARED),
        ("PostgreSQL alone", POSTGRESQL),
        ("SQLite alone", SQLITE),
    ):
        parts.append(f"## {title}")
        as_sent = sqlite_sql if statements is SQLITE else postgresql_sql
        for name, statement in statements.items():
            parts += [f"### {name}", f"```sql\n{_tidy(as_sent(statement)[0])}\n```"]
    return "\n\n".join(parts) + "\n"


def _tidy(sql: str) -> str:
    return re.sub(r"[ ]+$|^ ", "", re.sub(r"\n+", "\n", sql), flags=re.MULTILINE)


if __name__ == "__main__":
    print(document(), end="")
