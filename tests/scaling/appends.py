"""What appends take of the write-ahead log, and what they leave behind in the sessions' table."""

import asyncio
from dataclasses import dataclass
from itertools import count
from uuid import UUID, uuid4

import asyncpg

from adapters.sql.postgresql.writes import APPEND, APPEND_ONCE
from adapters.sql.statements import page_of_messages
from adapters.system import Uuid7Identifiers
from domain.page import SortOrder
from tests.adapters.catalogue import VALUES, postgresql_sql
from tests.adapters.explained import explain_prepared, prepared
from tests.postgresql import PostgresqlServer

APPENDS = 10_000
ACTIVE = 500
"""Sessions that the later appends go to again and again."""

CHARACTERS = 300

HEAD = """
| appends of one message | WAL bytes each | images of pages each | HOT updates | sessions grow by |
|---|---|---|---|---|"""
_SESSIONS = """
SELECT owner, id FROM (SELECT owner, id FROM sessions ORDER BY id LIMIT 10 * $1::int) AS talked
ORDER BY md5(id::text) LIMIT $1::int
"""
"""Among the tenth that was talked in."""
_STATE = """
SELECT pg_current_wal_insert_lsn() - '0/0', wal_fpi, n_tup_upd, n_tup_hot_upd,
  pg_total_relation_size('sessions')
FROM pg_stat_wal, pg_stat_user_tables WHERE relname = 'sessions'
"""


@dataclass(frozen=True, slots=True)
class Series:
    what: str
    sessions: int
    once: bool = False


SERIES = (
    Series(f"to {APPENDS:,} sessions, after a checkpoint", APPENDS),
    Series("to the same, with no checkpoint between", APPENDS),
    Series(f"to {ACTIVE} sessions, {APPENDS // ACTIVE} each", ACTIVE),
    Series("to the same, with an Idempotency-Key", ACTIVE, once=True),
)


async def measured(server: PostgresqlServer, database: str) -> None:
    connection = await asyncpg.connect(server.url(database))
    sessions = [tuple(row) for row in await connection.fetch(_SESSIONS, APPENDS)]
    await connection.execute("CHECKPOINT")
    print(HEAD)
    for series in SERIES:
        before = await _state(connection)
        for number in range(APPENDS):
            await _append(connection, sessions[number % series.sessions], once=series.once)
        wal, images, updates, hot, grown = (
            after - earlier for after, earlier in zip(await _state(connection), before, strict=True)
        )
        print(
            f"| {series.what} | {wal / APPENDS:,.0f} | {images / APPENDS:.2f} "
            f"| {hot:,} of {updates:,} | {grown / APPENDS:.0f} bytes each |",
            flush=True,
        )
    print(await _read(connection, sessions[0]))
    await connection.close()


async def _read(connection: asyncpg.Connection, session: tuple[UUID, ...]) -> str:
    """How much of the disk a page of messages lies on, if each was said among others'."""
    owner, id_ = session
    page = page_of_messages(SortOrder.DESC, None)
    sql, values = postgresql_sql(page, {**VALUES, "owner_": owner, "session_": id_})
    async with prepared(connection, sql):
        explained = await explain_prepared(connection, values, generic=False)
    return f"\nThe newest {VALUES['limit_']} messages of a session: {explained.buffers} pages read"


_NOW = count(VALUES["at_"] + 10**12)
_IDS = Uuid7Identifiers()


async def _append(connection: asyncpg.Connection, session: tuple[UUID, ...], *, once: bool) -> None:
    owner, id_ = session
    said = {
        "owner_": owner,
        "session_": id_,
        "key_": str(uuid4()),
        "how_many": 1,
        "now_": next(_NOW),
        "ids": [_IDS.new()],
        "roles": ["assistant"],
        "contents": ["abcdefghi " * (CHARACTERS // 10)],
        "metadatas": ["{}"],
    }
    sql, values = postgresql_sql(APPEND_ONCE if once else APPEND, {**VALUES, **said})
    assert await connection.fetchval(sql, *values)


async def _state(connection: asyncpg.Connection) -> list[int]:
    await connection.execute("SELECT pg_stat_force_next_flush()")
    await asyncio.sleep(1)
    return [int(value) for value in await connection.fetchrow(_STATE)]
