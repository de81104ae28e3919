"""What sessions and messages take of a SQLite file: `python -m tests.scaling.sqlite_sizes`."""

import asyncio
import sqlite3
import tempfile
from collections.abc import Iterator
from contextlib import closing
from pathlib import Path
from uuid import UUID, uuid4

from adapters.sql.schema import microseconds
from adapters.sql.sqlite import SqliteDatabase
from adapters.system import Uuid7Identifiers
from domain.owner import Owner
from tests.clock import START
from tests.scaling.appends import CHARACTERS

PEOPLE = 10_000
SESSIONS = 200_000
TALKED_IN = 20_000
MESSAGES_EACH = 10

_STRIDE = 7919
"""Each session is another person's than the one before."""

Row = tuple[object, ...]


def rows(people: int, sessions: int, talked_in: int) -> Iterator[tuple[str, list[Row]]]:
    new, now = Uuid7Identifiers().new, microseconds(START)
    owners = [Owner("https://login.example/realms/chat", str(uuid4())) for _ in range(people)]
    yield "owners", [(each.key.bytes, each.issuer, each.subject, 20) for each in owners]
    begun: list[tuple[UUID, UUID]] = [
        (owners[at * _STRIDE % people].key, new()) for at in range(sessions)
    ]
    yield (
        "sessions",
        [
            (owner.bytes, id_.bytes, "A title of some thirty letters", "{}", now + at, now + at, 10)
            for at, (owner, id_) in enumerate(begun)
        ],
    )
    said = "abcdefghi " * (CHARACTERS // 10)
    yield (
        "messages",
        [
            (owner.bytes, id_.bytes, order, new().bytes, "assistant", said, "{}", now + order)
            for order in range(1, MESSAGES_EACH + 1)
            for owner, id_ in begun[:talked_in]
        ],
    )


def bytes_a_row(path: Path, people: int, sessions: int, talked_in: int) -> dict[str, float]:
    """With all indexes, by what the file grows. It is filled as time does."""
    found = {}
    with closing(sqlite3.connect(path, isolation_level=None)) as connection:
        for table, values in rows(people, sessions, talked_in):
            before = _size(connection)
            marks = ", ".join("?" * len(values[0]))
            connection.execute("BEGIN")
            connection.executemany(f"INSERT INTO {table} VALUES ({marks})", values)  # noqa: S608
            connection.execute("COMMIT")
            found[table] = (_size(connection) - before) / len(values)
    return found


def _size(connection: sqlite3.Connection) -> int:
    pages, size = (
        connection.execute(f"PRAGMA {name}").fetchone()[0] for name in ("page_count", "page_size")
    )
    return int(pages * size)


def main() -> None:
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "chat.db"
        asyncio.run(SqliteDatabase(path).migrate())
        for table, size in bytes_a_row(path, PEOPLE, SESSIONS, TALKED_IN).items():
            print(f"SQLite, {table}: {size:.0f} bytes a row")


if __name__ == "__main__":
    main()
