"""Who is there to be asked about: put straight into the tables, since nobody measures that."""

import sqlite3
from collections.abc import Iterator, Sequence
from contextlib import closing
from dataclasses import dataclass
from pathlib import Path
from uuid import UUID

import uuid_utils.compat

from adapters.sql.column_types import microseconds
from domain.owner import Owner
from tests.clock import START
from tests.postgresql import PostgresqlServer


@dataclass(frozen=True, slots=True)
class Sizes:
    people: int = 1_000
    sessions: int = 20
    """Each person's."""
    messages: int = 50
    """In each of these."""
    long: int = 1_000_000
    """Messages in the longest session."""
    many: int = 100_000
    """Sessions of the one person who has that many."""


SMALL = Sizes(people=150, long=20_000, many=2_000)

LISTED = 100
"""Sessions of the one whose list is measured."""

TALKER, COLLECTOR, LISTER, AGENT = "talker", "collector", "lister", "agent"

FEW = 10
REMOVED = 100
BODY_SIZE = 2_000
"""Bytes of the body of each message of the agent's."""
TEXT_LENGTH = 300

_NOW = microseconds(START)
_TEXT = "It is all about the same length. " * 10
_CHUNK = 200
_UUID_V7 = 7 << 76 | 0b10 << 62


def person(number: int) -> str:
    return f"person-{number:04}"


def talks(sizes: Sizes) -> Sequence[int]:
    """How many messages the talker's sessions have. The last one's are as many as the longest's
    once some are removed."""
    powers = (FEW**power for power in range(1, 8))
    return [*(count for count in powers if count < sizes.long), sizes.long, sizes.long + REMOVED]


def talk(count: int) -> UUID:
    """The session of that many."""
    return UUID(int=_UUID_V7 | count)


@dataclass(frozen=True, slots=True)
class Dialect:
    id: str
    """A new one."""
    key: str
    """How a key is written, its hexadecimal digits left out."""

    def written(self, key: UUID) -> str:
        return self.key.format(key.hex)

    def all(self, sizes: Sizes, issuer: str, *, giants: bool, bodies: bool) -> Iterator[str]:
        yield from self.people(sizes, issuer)
        if bodies:
            yield from self.bodies(sizes, issuer)
        if giants:
            yield from self.giants(sizes, issuer)

    def people(self, sizes: Sizes, issuer: str) -> Iterator[str]:
        """The ordinary ones, and one to list the sessions of."""
        names = [person(number) for number in range(sizes.people)]
        for start in range(0, len(names), _CHUNK):
            yield self._owners(issuer, names[start : start + _CHUNK], sizes.sessions)
        yield self._sessions("LIKE 'person-%'", sizes.sessions, sizes.messages)
        yield self._owners(issuer, [LISTER], LISTED)
        yield self._sessions(f"= '{LISTER}'", LISTED, 0)
        yield self._messages("subject LIKE 'person-%'", sizes.messages)

    def bodies(self, sizes: Sizes, issuer: str) -> Iterator[str]:
        """One whose messages have bodies, which a release before has no room for."""
        yield self._owners(issuer, [AGENT], 1)
        yield self._sessions(f"= '{AGENT}'", 1, sizes.messages)
        yield self._messages(f"subject = '{AGENT}'", sizes.messages)
        text = "x" * (BODY_SIZE - len('{"text":""}'))
        owner = self.written(Owner(issuer, AGENT).key)
        yield f"""UPDATE messages SET body = '{{"text":"{text}"}}' WHERE owner = {owner}"""

    def giants(self, sizes: Sizes, issuer: str) -> Iterator[str]:
        """One with long sessions, and one with many."""
        yield self._owners(issuer, [COLLECTOR], sizes.many)
        yield self._sessions(f"= '{COLLECTOR}'", sizes.many, 0)
        yield self._owners(issuer, [TALKER], len(talks(sizes)))
        for count in talks(sizes):
            id_ = self.written(talk(count))
            yield self._sessions(f"= '{TALKER}'", 1, count, id_)
            yield self._messages(f"s.id = {id_}", count)

    def _owners(self, issuer: str, subjects: list[str], sessions: int) -> str:
        keys = {subject: self.written(Owner(issuer, subject).key) for subject in subjects}
        rows = (f"({key}, '{issuer}', '{subject}', {sessions})" for subject, key in keys.items())
        columns = "owner, issuer, subject, session_count"
        return f"INSERT INTO owners ({columns}) VALUES {', '.join(rows)}"

    def _sessions(self, whose: str, count: int, messages: int, id_: str | None = None) -> str:
        began = f"{_NOW} + n * 1000"
        return f"""\
INSERT INTO sessions (owner, id, title, metadata, created_at, last_updated, message_count)
{_counted(count)}
SELECT owner, {id_ or self.id}, 'Title ' || n, '{{}}', {began}, {began} + {messages}, {messages}
FROM owners, c WHERE subject {whose}"""

    def _messages(self, whose: str, count: int) -> str:
        text = f"substr('{_TEXT}', 1, {TEXT_LENGTH} - length(CAST(n AS TEXT))) || n"
        role = "CASE n % 2 WHEN 1 THEN 'user' ELSE 'assistant' END"
        return f"""\
INSERT INTO messages (owner, session_id, message_order, id, role, content, metadata, timestamp)
{_counted(count)}
SELECT s.owner, s.id, n, {self.id}, {role}, {text}, '{{}}', created_at + n
FROM owners o JOIN sessions s ON s.owner = o.owner, c WHERE {whose}"""


SQLITE = Dialect("uuidv7()", "x'{}'")
POSTGRESQL = Dialect("uuidv7()", "'{}'::uuid")


def fill_sqlite(
    path: Path, sizes: Sizes, issuer: str, *, giants: bool, bodies: bool = True
) -> None:
    with closing(sqlite3.connect(path, isolation_level=None)) as connection:
        connection.create_function("uuidv7", 0, lambda: uuid_utils.compat.uuid7().bytes)
        connection.execute("BEGIN")
        for statement in SQLITE.all(sizes, issuer, giants=giants, bodies=bodies):
            connection.execute(statement)
        connection.execute("COMMIT")
        connection.execute("PRAGMA wal_checkpoint(TRUNCATE)")


def fill_postgresql(
    server: PostgresqlServer,
    database: str,
    sizes: Sizes,
    issuer: str,
    *,
    giants: bool,
    bodies: bool = True,
) -> None:
    for statement in POSTGRESQL.all(sizes, issuer, giants=giants, bodies=bodies):
        server.execute(statement, database)
    server.execute("VACUUM ANALYZE", database)
    server.execute("CHECKPOINT", database)


def _counted(count: int) -> str:
    return f"WITH RECURSIVE c(n) AS (SELECT 1 UNION ALL SELECT n + 1 FROM c WHERE n < {count})"
