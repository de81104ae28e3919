"""The bare work of each request: the driver, and as few statements as the database takes."""

import sqlite3
import time
from abc import ABC, abstractmethod
from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager, closing
from typing import Any
from uuid import UUID

import asyncpg
import msgspec
import uuid_utils.compat

from domain.owner import Owner
from tests.bench.sides import wire

POOL = 10
PRAGMAS = ("journal_mode=WAL", "synchronous=FULL", "foreign_keys=ON")

SESSION = """\
SELECT id, title, metadata, created_at, last_updated, message_count
FROM sessions WHERE owner = $1 AND id = $2"""
SESSIONS = """\
SELECT o.session_count, s.* FROM owners o LEFT JOIN (
  SELECT id, title, metadata, created_at, last_updated, message_count FROM sessions
  WHERE owner = $1 ORDER BY last_updated DESC, id DESC LIMIT $2 OFFSET $3
) s ON true WHERE o.owner = $1 ORDER BY s.last_updated DESC, s.id DESC"""
MESSAGES = """\
SELECT s.message_count, m.id, m.message_order, m.role, m.content, m.metadata, m.timestamp, m.body
FROM sessions s LEFT JOIN messages m ON m.owner = $1 AND m.session_id = $2
  AND m.message_order > $3 AND m.message_order <= $3 + $4
WHERE s.owner = $1 AND s.id = $2 ORDER BY m.message_order"""

PERSON = """\
INSERT INTO owners (owner, issuer, subject, session_count) VALUES ($1, $2, $3, 1)
ON CONFLICT (owner) DO UPDATE SET session_count = owners.session_count + 1"""
INTO_SESSIONS = """\
INSERT INTO sessions (owner, id, title, metadata, created_at, last_updated, message_count)"""
INTO_MESSAGES = """\
INSERT INTO messages (owner, session_id, message_order, id, role, content, metadata, timestamp)"""

CREATE = f"""\
WITH person AS ({PERSON}), head AS ({INTO_SESSIONS} VALUES ($1, $4, $5, $6, $7::bigint,
  $7::bigint + greatest(cardinality($8::uuid[]) - 1, 0), cardinality($8::uuid[])))
{INTO_MESSAGES} SELECT $1, $4, place, given.id, role, content, metadata, $7::bigint + place - 1
FROM unnest($8::uuid[], $9::text[], $10::text[], $11::text[])
  WITH ORDINALITY AS given(id, role, content, metadata, place)"""
APPEND = f"""\
WITH head AS (
  UPDATE sessions SET message_count = message_count + cardinality($3::uuid[]),
    last_updated = greatest($7::bigint, last_updated + 1) + cardinality($3::uuid[]) - 1
  WHERE owner = $1 AND id = $2 RETURNING message_count, last_updated
), stored AS (
  {INTO_MESSAGES} SELECT $1, $2, message_count + place - cardinality($3::uuid[]), given.id, role,
    content, metadata, last_updated + place - cardinality($3::uuid[])
  FROM head, unnest($3::uuid[], $4::text[], $5::text[], $6::text[])
    WITH ORDINALITY AS given(id, role, content, metadata, place)
) SELECT message_count, last_updated FROM head"""

RESERVE = """\
UPDATE sessions SET message_count = message_count + ?3,
  last_updated = max(?4, last_updated + 1) + ?3 - 1
WHERE owner = ?1 AND id = ?2 RETURNING message_count, last_updated"""
ADD_SESSION = f"{INTO_SESSIONS} VALUES (?, ?, ?, ?, ?, ?, ?)"
ADD_MESSAGE = f"{INTO_MESSAGES} VALUES (?, ?, ?, ?, ?, ?, ?, ?)"

Row = Sequence[Any]
New = Sequence[tuple[UUID, wire.NewMessage]]
"""Messages to store, each with its new id."""


class Store(ABC):
    """Reads give None where the owner has no such session."""

    @abstractmethod
    async def rows(self, sql: str, *values: object) -> Sequence[Row]: ...

    @abstractmethod
    async def add(self, owner: Owner, session: wire.Session, new: New) -> None: ...

    @abstractmethod
    async def stored(self, owner: Owner, session_id: UUID, new: New, now: int) -> Row | None:
        """Store the messages; the last order and the last time that they got."""

    async def sessions(
        self, owner: Owner, limit: int, offset: int
    ) -> tuple[int, list[wire.Session]]:
        rows = await self.rows(SESSIONS, owner.key, limit, offset)
        items = [_session(owner, *row[1:]) for row in rows if row[1] is not None]
        return rows[0][0] if rows else 0, items

    async def session(self, owner: Owner, session_id: UUID) -> wire.Session | None:
        rows = await self.rows(SESSION, owner.key, session_id)
        return _session(owner, *rows[0]) if rows else None

    async def messages(
        self, owner: Owner, session_id: UUID, limit: int, offset: int
    ) -> tuple[int, list[wire.Message]] | None:
        rows = await self.rows(MESSAGES, owner.key, session_id, offset, limit)
        if not rows:
            return None
        return rows[0][0], [_message(session_id, *row[1:]) for row in rows if row[1] is not None]

    async def create(self, owner: Owner, new: wire.Create) -> wire.Session:
        id_, now, count = uuid_utils.compat.uuid7(), _now(), len(new.messages)
        times = wire.instant(now), wire.instant(now + max(count - 1, 0))
        session = wire.Session(id_, owner.subject, new.title, new.metadata, *times, count)
        await self.add(owner, session, _identified(new.messages))
        return session

    async def append(
        self, owner: Owner, session_id: UUID, new: Sequence[wire.NewMessage]
    ) -> list[wire.Message] | None:
        said = _identified(new)
        last = await self.stored(owner, session_id, said, _now())
        if last is None:
            return None
        order, at = (end - len(said) + 1 for end in last)
        return [
            wire.Message(
                id_,
                session_id,
                order + n,
                one.role,
                one.content,
                one.metadata,
                wire.instant(at + n),
            )
            for n, (id_, one) in enumerate(said)
        ]


class PostgresqlStore(Store):
    def __init__(self, pool: asyncpg.Pool) -> None:
        self._pool = pool

    async def rows(self, sql: str, *values: object) -> Sequence[Row]:
        rows: Sequence[Row] = await self._pool.fetch(sql, *values)
        return rows

    async def add(self, owner: Owner, session: wire.Session, new: New) -> None:
        person = owner.key, owner.issuer, owner.subject
        head = session.id, session.title, bytes(session.metadata).decode()
        now = wire.microseconds(session.created_at)
        await self._pool.execute(CREATE, *person, *head, now, *_columns(new))

    async def stored(self, owner: Owner, session_id: UUID, new: New, now: int) -> Row | None:
        row: Row | None = await self._pool.fetchrow(
            APPEND, owner.key, session_id, *_columns(new), now
        )
        return row


class SqliteStore(Store):
    """In the event loop, with every commit synced as the service has it."""

    def __init__(self, connection: sqlite3.Connection) -> None:
        self._connection = connection
        self._reads = {sql: sql.replace("$", "?") for sql in (SESSION, SESSIONS, MESSAGES)}
        self._person = PERSON.replace("$", "?")

    async def rows(self, sql: str, *values: object) -> Sequence[Row]:
        own = [value.bytes if isinstance(value, UUID) else value for value in values]
        return self._connection.execute(self._reads[sql], own).fetchall()

    async def add(self, owner: Owner, session: wire.Session, new: New) -> None:
        key = owner.key.bytes
        text = bytes(session.metadata).decode()
        times = map(wire.microseconds, (session.created_at, session.last_updated))
        row = (key, session.id.bytes, session.title, text, *times, session.message_count)
        with self._connection:
            self._connection.execute("BEGIN IMMEDIATE")
            self._connection.execute(self._person, (key, owner.issuer, owner.subject))
            self._connection.execute(ADD_SESSION, row)
            self._insert(key, session.id, new, 1, wire.microseconds(session.created_at))

    async def stored(self, owner: Owner, session_id: UUID, new: New, now: int) -> Row | None:
        key = owner.key.bytes, session_id.bytes
        with self._connection:
            self._connection.execute("BEGIN IMMEDIATE")
            last: Row | None = self._connection.execute(RESERVE, (*key, len(new), now)).fetchone()
            if last is not None:
                order, at = (end - len(new) + 1 for end in last)
                self._insert(key[0], session_id, new, order, at)
        return last

    def _insert(self, owner: bytes, session_id: UUID, new: New, order: int, at: int) -> None:
        rows = [
            (
                *(owner, session_id.bytes, order + n, id_.bytes),
                *(said.role, said.content, bytes(said.metadata).decode(), at + n),
            )
            for n, (id_, said) in enumerate(new)
        ]
        self._connection.executemany(ADD_MESSAGE, rows)


@asynccontextmanager
async def opened(database: str) -> AsyncIterator[Store]:
    """By a URL of PostgreSQL or a SQLite file's path."""
    if database.startswith("postgresql"):
        async with asyncpg.create_pool(
            database, min_size=POOL, max_size=POOL, reset=_no_reset
        ) as pool:
            yield PostgresqlStore(pool)
        return
    with closing(sqlite3.connect(database, isolation_level=None)) as connection:
        for pragma in PRAGMAS:
            connection.execute(f"PRAGMA {pragma}")
        yield SqliteStore(connection)


async def _no_reset(_: asyncpg.Connection) -> None:
    """In place of the statement that the pool sends once a connection is given back."""


def _now() -> int:
    return time.time_ns() // 1000


def _identified(new: Sequence[wire.NewMessage]) -> New:
    return [(uuid_utils.compat.uuid7(), said) for said in new]


def _columns(new: New) -> tuple[list[Any], ...]:
    return (
        [id_ for id_, _ in new],
        [said.role for _, said in new],
        [said.content for _, said in new],
        [bytes(said.metadata).decode() for _, said in new],
    )


def _session(
    owner: Owner,
    id_: UUID | bytes,
    title: str | None,
    metadata: str,
    created: int,
    updated: int,
    count: int,
) -> wire.Session:
    held, times = msgspec.Raw(metadata), (wire.instant(created), wire.instant(updated))
    return wire.Session(_uuid(id_), owner.subject, title, held, *times, count)


def _message(
    session: UUID,
    id_: UUID | bytes,
    order: int,
    role: str,
    content: str,
    metadata: str,
    at: int,
    body: str | None,
) -> wire.Message:
    held, time_ = msgspec.Raw(metadata), wire.instant(at)
    whole = None if body is None else msgspec.Raw(body)
    return wire.Message(_uuid(id_), session, order, role, content, held, time_, whole)


def _uuid(raw: UUID | bytes) -> UUID:
    return UUID(bytes=raw) if isinstance(raw, bytes) else raw
