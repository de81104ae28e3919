"""Count and remove many sessions, and forget a person."""

from collections.abc import Collection, Sequence
from datetime import datetime
from typing import Any
from uuid import UUID

from sqlalchemy import (
    BigInteger,
    Connection,
    Select,
    bindparam,
    delete,
    exists,
    func,
    select,
    tuple_,
)

from adapters.sql import message_statements
from adapters.sql.column_types import Instant, Key
from adapters.sql.database import Database, Values
from adapters.sql.observer import labelled
from adapters.sql.removals import locked, shrink
from adapters.sql.schema import messages, owners, receipts, sessions
from adapters.sql.statements import OWNER
from application.ports.removal import Holdings, Removed
from application.ports.sessions import REMOVED_AT_ONCE
from domain.errors import SessionNotFound
from domain.owner import Owner
from domain.session import Session

KEYS_AT_ONCE = 1000
"""Idempotency keys that one step forgets."""

_LIMIT = bindparam("limit_", type_=BigInteger)
_left = sessions.c.last_order - sessions.c.removed_count

COUNT_SESSIONS: Select[Any] = labelled(
    "COUNT_SESSIONS",
    select(func.count(), func.coalesce(func.sum(_left), 0))
    .select_from(sessions)
    .where(sessions.c.owner == OWNER),
)
COUNT_NAMED_SESSIONS = labelled(
    "COUNT_NAMED_SESSIONS",
    COUNT_SESSIONS.where(sessions.c.id.in_(bindparam("session_ids_", expanding=True, type_=Key))),
)
COUNT_MESSAGES = labelled(
    "COUNT_MESSAGES", select(func.count()).select_from(messages).where(messages.c.owner == OWNER)
)
COUNT_RECEIPTS = labelled(
    "COUNT_RECEIPTS", select(func.count()).select_from(receipts).where(receipts.c.owner == OWNER)
)
FIND_OWNER = labelled("FIND_OWNER", select(owners.c.owner).where(owners.c.owner == OWNER))

_identity = tuple_(receipts.c.owner, receipts.c.operation, receipts.c.key)
FORGET_OWN_RECEIPTS = labelled(
    "FORGET_OWN_RECEIPTS",
    delete(receipts).where(
        receipts.c.owner == OWNER,
        _identity.in_(
            select(receipts.c.owner, receipts.c.operation, receipts.c.key)
            .where(receipts.c.owner == OWNER)
            .limit(_LIMIT)
        ),
    ),
)
FORGET_OWNER = labelled(
    "FORGET_OWNER",
    delete(owners).where(
        owners.c.owner == OWNER, ~exists().where(sessions.c.owner == OWNER).select_from(sessions)
    ),
)
IDLE_SESSIONS = labelled(
    "IDLE_SESSIONS",
    select(owners.c.issuer, owners.c.subject, sessions.c.id)
    .join_from(sessions, owners, owners.c.owner == sessions.c.owner)
    .where(
        tuple_(sessions.c.owner, sessions.c.id) > tuple_(OWNER, bindparam("id_", type_=Key)),
        sessions.c.last_updated < bindparam("updated_before_", type_=Instant),
    )
    .order_by(sessions.c.owner, sessions.c.id)
    .limit(_LIMIT),
)
"""Of anyone, for maintenance."""


async def count(database: Database, owner: Owner, ids: Collection[UUID] | None) -> Removed:
    """As SessionRepository.count has it."""

    def work(connection: Connection) -> Removed:
        if ids is None:
            row = connection.execute(COUNT_SESSIONS, {"owner_": owner.key}).one()
        else:
            asked = {"owner_": owner.key, "session_ids_": list(ids)}
            row = connection.execute(COUNT_NAMED_SESSIONS, asked).one()
        return Removed(row[0], int(row[1]))

    return await database.write(work)


async def remove_some(
    database: Database, owner: Owner, ids: Collection[UUID], changed_before: datetime | None
) -> Removed:
    """As SessionRepository.remove_some has it."""

    def work(connection: Connection) -> Removed:
        removed, archived = Removed(), 0
        for id_ in sorted(ids):  # in one order, or two could wait for each other
            step, was_archived = _remove(connection, owner, id_, changed_before)
            removed, archived = removed + step, archived + was_archived
            if removed.messages >= REMOVED_AT_ONCE:
                break
        if removed.sessions:  # after the last session: whoever holds one may wait for the owner
            counted = {"owner_": owner.key, "gone_": removed.sessions, "less_": archived}
            connection.execute(message_statements.UNCOUNT_SESSION, counted)
        return removed

    return await database.write(work)


def _remove(
    connection: Connection, owner: Owner, id_: UUID, changed_before: datetime | None
) -> tuple[Removed, bool]:
    """Remove a session, or the beginning of a long one. Say what is gone, and whether that was an
    archived session."""
    key = {"owner_": owner.key, "session_": id_}
    try:
        session, first_order = locked(connection, owner, key)
    except SessionNotFound:
        return Removed(), False
    if changed_before is not None and session.last_updated >= changed_before:
        return Removed(), False
    if session.message_count > REMOVED_AT_ONCE:
        cut = _cut(connection, key, session, first_order + REMOVED_AT_ONCE)
        return Removed(0, cut), False
    connection.execute(message_statements.REMOVE_SESSION, key)
    return Removed(1, session.message_count), session.archived


def _cut(connection: Connection, key: Values, session: Session, before: int) -> int:
    asked = {**key, "order_": before}
    count = connection.execute(message_statements.CLEAR_MESSAGES_BEFORE, asked).rowcount
    left = session._replace(removed_count=session.removed_count + count)
    shrink(connection, key, left, is_first=True)
    return count


async def holdings(database: Database, owner: Owner) -> Holdings:
    """As Storage.holdings has it."""
    key = {"owner_": owner.key}
    in_sessions, in_messages, keys = [
        (await database.read(statement, key))[0][0]
        for statement in (COUNT_SESSIONS, COUNT_MESSAGES, COUNT_RECEIPTS)
    ]
    is_known = bool(await database.read(FIND_OWNER, key))
    return Holdings(in_sessions, in_messages, keys, is_known)


async def forget_owner(database: Database, owner: Owner) -> int:
    """As Storage.forget_owner has it."""
    asked = {"owner_": owner.key, "limit_": KEYS_AT_ONCE}
    forgotten = 0
    while count := await database.write(
        lambda connection: connection.execute(FORGET_OWN_RECEIPTS, asked).rowcount
    ):
        forgotten += count
    await database.write(lambda connection: connection.execute(FORGET_OWNER, asked).rowcount)
    return forgotten


async def idle_sessions(
    database: Database, changed_before: datetime, after: tuple[Owner, UUID] | None, limit: int
) -> Sequence[tuple[Owner, UUID]]:
    """As Storage.idle_sessions has it."""
    owner, id_ = (after[0].key, after[1]) if after else (UUID(int=0), UUID(int=0))
    asked = {"owner_": owner, "id_": id_, "updated_before_": changed_before, "limit_": limit}
    rows = await database.read(IDLE_SESSIONS, asked)
    ids = Key.read([row[2] for row in rows])
    return [
        (Owner(issuer, subject), id_) for (issuer, subject, _), id_ in zip(rows, ids, strict=True)
    ]
