"""What is there to be read: put straight into the tables, since nobody measures that."""

import sqlite3
from collections.abc import Callable, Iterator
from contextlib import closing
from pathlib import Path
from uuid import UUID

from adapters.sql.schema import microseconds
from domain.owner import Owner
from tests.clock import START
from tests.postgresql import PostgresqlServer

MESSAGES = 1_000_000
FEW_MESSAGES = 50
SESSIONS = 100_000
FEW_SESSIONS = 100

TALKER = Owner("https://issuer.example", "talker")
LONG = UUID(int=1)
SHORT = UUID(int=2)
MANY = Owner("https://issuer.example", "many sessions")
FEW = Owner("https://issuer.example", "few sessions")

_TEXT = "It is all about the same length. " * 9

_STRIDE = 7919
"""Sessions change in another order than they began: a stride without a factor of their number."""

_OWNER = "INSERT INTO owners VALUES ({owner}, '{issuer}', '{subject}', {count})"
_SESSION = """\
INSERT INTO sessions VALUES ({owner}, {session}, 'A title', '{{}}', {now}, {now} + {count}, {count})
"""
_SESSIONS = """\
INSERT INTO sessions
  WITH RECURSIVE s(n) AS (SELECT 1 UNION ALL SELECT n + 1 FROM s WHERE n < {count})
  SELECT {owner}, {random}, 'Title ' || n, '{{}}',
    {now} + n, {now} + {count} + n * {stride} % {count}, 0 FROM s
"""
_MESSAGES = """\
INSERT INTO messages
  WITH RECURSIVE s(n) AS (SELECT 1 UNION ALL SELECT n + 1 FROM s WHERE n < {count})
  SELECT {owner}, {session}, n, {random}, 'user', '{text}' || n, '{{}}', {now} + n FROM s
"""


def fill_sqlite(path: Path) -> None:
    with closing(sqlite3.connect(path, isolation_level=None)) as connection:
        connection.execute("BEGIN")
        for statement in _statements(lambda key: f"x'{key.hex}'", "randomblob(16)"):
            connection.execute(statement)
        connection.execute("COMMIT")


def fill_postgresql(server: PostgresqlServer, database: str) -> None:
    for statement in _statements(lambda key: f"'{key}'::uuid", "gen_random_uuid()"):
        server.execute(statement, database)
    server.execute("VACUUM ANALYZE", database)
    server.execute("CHECKPOINT", database)


def _statements(key: Callable[[UUID], str], random: str) -> Iterator[str]:
    now = microseconds(START)
    talker = {"owner": key(TALKER.key), "now": now, "random": random, "text": _TEXT}
    for who, count in ((TALKER, 2), (MANY, SESSIONS), (FEW, FEW_SESSIONS)):
        owner = {"owner": key(who.key), "count": count}
        yield _OWNER.format(issuer=who.issuer, subject=who.subject, **owner)
        if who is not TALKER:
            yield _SESSIONS.format(now=now, random=random, stride=_STRIDE, **owner)
    for id_, count in ((LONG, MESSAGES), (SHORT, FEW_MESSAGES)):
        for table in (_SESSION, _MESSAGES):
            yield table.format(session=key(id_), count=count, **talker)
