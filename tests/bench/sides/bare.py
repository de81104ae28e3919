"""The bare work on PostgreSQL: asyncpg, and one statement for each request."""

import os
import time
from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager
from typing import Any
from uuid import UUID

import asyncpg
import msgspec
import uuid_utils.compat
from starlette.applications import Starlette

from domain.owner import Owner
from tests.bench.sides import wire
from tests.bench.sides.minimal import application, serve

POOL = 10

SESSION = """\
SELECT id, title, metadata, created_at, last_updated, message_count
FROM sessions WHERE owner = $1 AND id = $2"""
SESSIONS = """\
SELECT o.session_count, s.* FROM owners o LEFT JOIN (
  SELECT id, title, metadata, created_at, last_updated, message_count FROM sessions
  WHERE owner = $1 ORDER BY last_updated DESC, id DESC LIMIT $2 OFFSET $3
) s ON true WHERE o.owner = $1 ORDER BY s.last_updated DESC, s.id DESC"""
MESSAGES = """\
SELECT s.message_count, m.id, m.message_order, m.role, m.content, m.metadata, m.timestamp
FROM sessions s LEFT JOIN messages m ON m.owner = $1 AND m.session_id = $2
  AND m.message_order > $3 AND m.message_order <= $3 + $4
WHERE s.owner = $1 AND s.id = $2 ORDER BY m.message_order"""
APPEND = """\
WITH head AS (
  UPDATE sessions SET message_count = message_count + cardinality($3::uuid[]),
    last_updated = greatest($7::bigint, last_updated + 1) + cardinality($3::uuid[]) - 1
  WHERE owner = $1 AND id = $2 RETURNING message_count, last_updated
), stored AS (
  INSERT INTO messages (owner, session_id, message_order, id, role, content, metadata, timestamp)
  SELECT $1, $2, message_count + place - cardinality($3::uuid[]), given.id, role, content,
    metadata, last_updated + place - cardinality($3::uuid[])
  FROM head, unnest($3::uuid[], $4::text[], $5::text[], $6::text[])
    WITH ORDINALITY AS given(id, role, content, metadata, place)
) SELECT message_count, last_updated FROM head"""
CREATE = """\
WITH person AS (
  INSERT INTO owners VALUES ($1, $2, $3, 1)
  ON CONFLICT (owner) DO UPDATE SET session_count = owners.session_count + 1
), head AS (
  INSERT INTO sessions VALUES ($1, $4, $5, $6, $7::bigint,
    $7::bigint + greatest(cardinality($8::uuid[]) - 1, 0), cardinality($8::uuid[]))
) INSERT INTO messages
  SELECT $1, $4, place, given.id, role, content, metadata, $7::bigint + place - 1
  FROM unnest($8::uuid[], $9::text[], $10::text[], $11::text[])
    WITH ORDINALITY AS given(id, role, content, metadata, place)"""


class Postgresql:
    pool: asyncpg.Pool

    async def sessions(
        self, owner: Owner, limit: int, offset: int
    ) -> tuple[int, list[wire.Session]]:
        rows = await self.pool.fetch(SESSIONS, owner.key, limit, offset)
        items = [_session(owner, *row[1:]) for row in rows if row[1] is not None]
        return rows[0][0] if rows else 0, items

    async def session(self, owner: Owner, id_: UUID) -> wire.Session | None:
        row = await self.pool.fetchrow(SESSION, owner.key, id_)
        return row and _session(owner, *row)

    async def messages(
        self, owner: Owner, id_: UUID, limit: int, offset: int
    ) -> tuple[int, list[wire.Message]] | None:
        rows = await self.pool.fetch(MESSAGES, owner.key, id_, offset, limit)
        if not rows:
            return None
        return rows[0][0], [_message(id_, *row[1:]) for row in rows if row[1] is not None]

    async def create(self, owner: Owner, new: wire.Create) -> wire.Session:
        id_, now = uuid_utils.compat.uuid7(), time.time_ns() // 1000
        metadata = bytes(new.metadata).decode()
        person, columns = (owner.key, owner.issuer, owner.subject), _columns(new.messages)
        await self.pool.execute(CREATE, *person, id_, new.title, metadata, now, *columns)
        count = len(new.messages)
        return _session(owner, id_, new.title, metadata, now, now + max(count - 1, 0), count)

    async def append(
        self, owner: Owner, id_: UUID, new: Sequence[wire.NewMessage]
    ) -> list[wire.Message] | None:
        columns, now = _columns(new), time.time_ns() // 1000
        last = await self.pool.fetchrow(APPEND, owner.key, id_, *columns, now)
        if last is None:
            return None
        order, at = (end - len(new) + 1 for end in last)
        return [
            wire.Message(
                one, id_, order + n, said.role, said.content, said.metadata, wire.instant(at + n)
            )
            for n, (one, said) in enumerate(zip(columns[0], new, strict=True))
        ]


def _columns(new: Sequence[wire.NewMessage]) -> tuple[list[Any], ...]:
    return (
        [uuid_utils.compat.uuid7() for _ in new],
        [said.role for said in new],
        [said.content for said in new],
        [bytes(said.metadata).decode() for said in new],
    )


def _session(
    owner: Owner,
    id_: UUID,
    title: str | None,
    metadata: str,
    created: int,
    updated: int,
    count: int,
) -> wire.Session:
    held = msgspec.Raw(metadata)
    times = wire.instant(created), wire.instant(updated)
    return wire.Session(id_, owner.subject, title, held, *times, count)


def _message(
    session: UUID, id_: UUID, order: int, role: str, content: str, metadata: str, at: int
) -> wire.Message:
    return wire.Message(id_, session, order, role, content, msgspec.Raw(metadata), wire.instant(at))


async def _leave(_: asyncpg.Connection) -> None:
    """In place of the statement that the pool sends once a connection is given back."""


@asynccontextmanager
async def _connected(_: Starlette) -> AsyncIterator[None]:
    async with asyncpg.create_pool(
        os.environ["BENCH_DATABASE"], min_size=POOL, max_size=POOL, reset=_leave
    ) as pool:
        _store.pool = pool
        yield


_store = Postgresql()

if __name__ == "__main__":
    serve(application(_store, _connected))
