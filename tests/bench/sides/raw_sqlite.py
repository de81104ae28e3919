"""The bare work on SQLite: the standard library's driver, in the event loop, with every commit
synced as the service has it."""

import os
import sqlite3
import time
from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager
from uuid import UUID

import msgspec
import uuid_utils.compat
from starlette.applications import Starlette

from domain.owner import Owner
from tests.bench.sides import wire
from tests.bench.sides.minimal import application, serve

PRAGMAS = ("journal_mode=WAL", "synchronous=FULL", "foreign_keys=ON")

SESSION = """\
SELECT id, title, metadata, created_at, last_updated, message_count
FROM sessions WHERE owner = ? AND id = ?"""
SESSIONS = """\
SELECT o.session_count, s.* FROM owners o LEFT JOIN (
  SELECT id, title, metadata, created_at, last_updated, message_count FROM sessions
  WHERE owner = ?1 ORDER BY last_updated DESC, id DESC LIMIT ?2 OFFSET ?3
) s WHERE o.owner = ?1 ORDER BY s.last_updated DESC, s.id DESC"""
MESSAGES = """\
SELECT s.message_count, m.id, m.message_order, m.role, m.content, m.metadata, m.timestamp
FROM sessions s LEFT JOIN messages m ON m.owner = ?1 AND m.session_id = ?2
  AND m.message_order > ?3 AND m.message_order <= ?3 + ?4
WHERE s.owner = ?1 AND s.id = ?2 ORDER BY m.message_order"""
RAISE = """\
UPDATE sessions SET message_count = message_count + ?3,
  last_updated = max(?4, last_updated + 1) + ?3 - 1
WHERE owner = ?1 AND id = ?2 RETURNING message_count, last_updated"""
PERSON = """\
INSERT INTO owners VALUES (?, ?, ?, 1)
ON CONFLICT (owner) DO UPDATE SET session_count = session_count + 1"""
ADD_SESSION = "INSERT INTO sessions VALUES (?, ?, ?, ?, ?, ?, ?)"
ADD_MESSAGE = "INSERT INTO messages VALUES (?, ?, ?, ?, ?, ?, ?, ?)"


class Sqlite:
    connection: sqlite3.Connection

    async def sessions(
        self, owner: Owner, limit: int, offset: int
    ) -> tuple[int, list[wire.Session]]:
        rows = self.connection.execute(SESSIONS, (owner.key.bytes, limit, offset)).fetchall()
        items = [_session(owner, *row[1:]) for row in rows if row[1] is not None]
        return rows[0][0] if rows else 0, items

    async def session(self, owner: Owner, id_: UUID) -> wire.Session | None:
        row = self.connection.execute(SESSION, (owner.key.bytes, id_.bytes)).fetchone()
        return row and _session(owner, *row)

    async def messages(
        self, owner: Owner, id_: UUID, limit: int, offset: int
    ) -> tuple[int, list[wire.Message]] | None:
        key = owner.key.bytes, id_.bytes
        rows = self.connection.execute(MESSAGES, (*key, offset, limit)).fetchall()
        if not rows:
            return None
        return rows[0][0], [_message(id_, *row[1:]) for row in rows if row[1] is not None]

    async def create(self, owner: Owner, new: wire.Create) -> wire.Session:
        id_, now, count = uuid_utils.compat.uuid7(), time.time_ns() // 1000, len(new.messages)
        last, metadata = now + max(count - 1, 0), bytes(new.metadata).decode()
        key = owner.key.bytes
        with self.connection:
            self.connection.execute("BEGIN IMMEDIATE")
            self.connection.execute(PERSON, (key, owner.issuer, owner.subject))
            row = (key, id_.bytes, new.title, metadata, now, last, count)
            self.connection.execute(ADD_SESSION, row)
            self._add(key, id_, new.messages, 1, now)
        return _session(owner, id_.bytes, new.title, metadata, now, last, count)

    async def append(
        self, owner: Owner, id_: UUID, new: Sequence[wire.NewMessage]
    ) -> list[wire.Message] | None:
        key, now = owner.key.bytes, time.time_ns() // 1000
        with self.connection:
            self.connection.execute("BEGIN IMMEDIATE")
            raised = self.connection.execute(RAISE, (key, id_.bytes, len(new), now)).fetchone()
            if raised is None:
                return None
            order, at = (end - len(new) + 1 for end in raised)
            return self._add(key, id_, new, order, at)

    def _add(
        self, owner: bytes, session: UUID, new: Sequence[wire.NewMessage], order: int, at: int
    ) -> list[wire.Message]:
        added, rows = [], []
        for n, said in enumerate(new):
            id_ = uuid_utils.compat.uuid7()
            text = bytes(said.metadata).decode()
            place = (owner, session.bytes, order + n, id_.bytes)
            rows.append((*place, said.role, said.content, text, at + n))
            time_ = wire.instant(at + n)
            added.append(
                wire.Message(id_, session, order + n, said.role, said.content, said.metadata, time_)
            )
        self.connection.executemany(ADD_MESSAGE, rows)
        return added


def _session(
    owner: Owner,
    id_: bytes,
    title: str | None,
    metadata: str,
    created: int,
    updated: int,
    count: int,
) -> wire.Session:
    held, times = msgspec.Raw(metadata), (wire.instant(created), wire.instant(updated))
    return wire.Session(UUID(bytes=id_), owner.subject, title, held, *times, count)


def _message(
    session: UUID, id_: bytes, order: int, role: str, content: str, metadata: str, at: int
) -> wire.Message:
    held, time_ = msgspec.Raw(metadata), wire.instant(at)
    return wire.Message(UUID(bytes=id_), session, order, role, content, held, time_)


@asynccontextmanager
async def _connected(_: Starlette) -> AsyncIterator[None]:
    _store.connection = sqlite3.connect(os.environ["BENCH_DATABASE"], isolation_level=None)
    for pragma in PRAGMAS:
        _store.connection.execute(f"PRAGMA {pragma}")
    yield
    _store.connection.close()


_store = Sqlite()

if __name__ == "__main__":
    serve(application(_store, _connected))
