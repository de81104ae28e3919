"""Append, create and delete as one statement each: no transaction is open between round trips.

The parts of a statement see the snapshot that it began with, whatever the others do (PostgreSQL's
manual, section 7.8.4), but an UPDATE that waited for a row goes on from the row's newest version.
"""

from collections.abc import Sequence
from functools import cache
from typing import Any

from sqlalchemy import (
    CTE,
    BigInteger,
    Column,
    ColumnElement,
    Executable,
    Text,
    and_,
    any_,
    bindparam,
    case,
    column,
    delete,
    exists,
    func,
    insert,
    literal,
    select,
    true,
    update,
)
from sqlalchemy.dialects.postgresql import ARRAY
from sqlalchemy.dialects.postgresql import insert as upsert
from sqlalchemy.sql.selectable import TableValuedAlias

from adapters.sql.column_types import Instant, Key
from adapters.sql.database import Named, Rows, Values
from adapters.sql.entities import MESSAGE_COLUMNS, NEW_MESSAGE_COLUMNS
from adapters.sql.message_statements import OF_SESSION, SAID_COLUMNS, is_named
from adapters.sql.observer import labelled
from adapters.sql.schema import messages, owners, receipts, sessions
from adapters.sql.statements import (
    OWN_SESSION,
    OWNER,
    RESERVE_ORDERS,
    SESSION,
    TOUCH,
    TOUCHED_AT,
)


def _batch(columns: Sequence[Column[Any]]) -> TableValuedAlias:
    """Messages as arrays, one for each column, with the place of each."""
    arrays = [bindparam(f"{one.key}s", type_=ARRAY(one.type)) for one in columns]
    return (
        func.unnest(*arrays)
        .table_valued(
            *[column(one.key, one.type) for one in columns], with_ordinality="place", name="given"
        )
        .render_derived()
    )


_PLACED_COLUMNS = [*NEW_MESSAGE_COLUMNS, messages.c.timestamp, messages.c.edited_at]

_NEW = _batch(NEW_MESSAGE_COLUMNS)
_PLACED = _batch(_PLACED_COLUMNS)
_how_many = func.cardinality(bindparam("ids", type_=ARRAY(Key)))

_RECEIPT = ("owner", "operation", "key", "fingerprint", "claimed_at", "session_id")
_FULL_RECEIPT = [*_RECEIPT, "first_order"]
_CLAIM = tuple(
    bindparam(f"{name}_", type_=receipts.c[name].type) if name != "session_id" else SESSION
    for name in _RECEIPT
)
_UNCLAIMED = ~exists().where(
    receipts.c.owner == OWNER,
    receipts.c.operation == bindparam("operation_", type_=Text),
    receipts.c.key == bindparam("key_", type_=Text),
)


def _stored(head: CTE, batch: TableValuedAlias) -> CTE:
    """The batch's messages behind the last order that `head` has and, where they bring no times,
    the last time."""
    place = batch.c.place - _how_many
    stored: dict[str, ColumnElement[Any]] = {
        "owner": OWNER,
        "session_id": SESSION,
        "message_order": head.c.last_order + place,
        "timestamp": head.c.last_updated + place,
        **{one.key: one for one in batch.c if one.key != "place"},
    }
    rows = select(*stored.values()).select_from(head.join(batch, true()))
    return insert(messages).from_select(list(stored), rows).cte("stored")


def _append(*, once: bool) -> Executable:
    raised = RESERVE_ORDERS.where(_UNCLAIMED) if once else RESERVE_ORDERS
    head = raised.cte("head")
    parts = [_stored(head, _NEW)]
    if once:
        # No ON CONFLICT: a rival that claims first must undo this one's counter too.
        first_order = head.c.last_order - bindparam("how_many", type_=BigInteger) + 1
        claim = select(*_CLAIM, first_order).select_from(head)
        parts.append(insert(receipts).from_select(_FULL_RECEIPT, claim).cte("claim"))
    return select(head.c.last_order, head.c.last_updated).add_cte(*parts)


def _add(*, once: bool) -> Executable:
    """The session comes before its owner is counted, as where one is removed or archived: whoever
    waits for a session with the same external id keeps nobody waiting for the owner."""
    row: dict[Column[Any], ColumnElement[Any]] = {
        column: bindparam(f"{column.key}_", type_=column.type) for column in sessions.c
    }
    row |= {sessions.c.owner: OWNER, sessions.c.id: SESSION, sessions.c.last_order: _how_many}
    session = select(*row.values())
    if once:
        claim = (
            upsert(receipts)
            .from_select(_FULL_RECEIPT, select(*_CLAIM, literal(1, BigInteger)))
            .on_conflict_do_nothing()
            .returning(receipts.c.owner)
            .cte("claim")
        )
        session = session.select_from(claim)
    head = (
        insert(sessions)
        .from_select(list(row), session)
        .returning(sessions.c.last_order, sessions.c.last_updated)
        .cte("head")
    )
    archived = case((row[sessions.c.archived], 1), else_=0)
    person: dict[Column[Any], ColumnElement[Any]] = {
        owners.c.owner: OWNER,
        owners.c.issuer: bindparam("issuer_", type_=Text),
        owners.c.subject: bindparam("subject_", type_=Text),
        owners.c.session_count: literal(1, BigInteger),
        owners.c.archived_count: archived,
    }
    counted = upsert(owners).from_select(list(person), select(*person.values()).select_from(head))
    counted = counted.on_conflict_do_update(
        index_elements=[owners.c.owner],
        set_={
            "session_count": owners.c.session_count + 1,
            "archived_count": owners.c.archived_count + counted.excluded.archived_count,
        },
    )
    return select(head.c.last_order).add_cte(counted.cte("counted"), _stored(head, _PLACED))


def _remove() -> Executable:
    gone = delete(sessions).where(OWN_SESSION).returning(sessions.c.archived).cte("gone")
    archived = select(func.count()).select_from(gone).where(gone.c.archived)
    return (
        update(owners)
        .where(owners.c.owner == OWNER, exists().select_from(gone))
        .values(
            session_count=owners.c.session_count - 1,
            archived_count=owners.c.archived_count - archived.scalar_subquery(),
        )
        .returning(owners.c.session_count)
    )


@cache
def replace(named: Named, *, expected: bool) -> Executable:
    """Store what a message says and touch its session, which is locked first: whoever appends to
    it or removes from it meanwhile waits, or goes before."""
    session = (
        select(TOUCHED_AT.label("changed"))
        .where(OWN_SESSION)
        .with_for_update(key_share=True)
        .cte("session")
    )
    is_it = and_(OF_SESSION, is_named(named))
    if expected:
        version = func.coalesce(messages.c.edited_at, messages.c.timestamp)
        is_it &= version == any_(bindparam("expected_", type_=ARRAY(Instant)))
    said = {one.key: bindparam(f"{one.key}_", type_=one.type) for one in SAID_COLUMNS}
    replaced = (
        update(messages)
        .where(is_it)
        .values({**said, "edited_at": session.c.changed})
        .returning(messages.c.edited_at.label("changed"), *MESSAGE_COLUMNS.selected)
        .cte("replaced")
    )
    touched = (
        update(sessions)
        .where(OWN_SESSION, exists().select_from(replaced))
        .values(TOUCH)
        .returning(sessions.c.id)
        .cte("touched")
    )
    return labelled("REPLACE", select(replaced).add_cte(touched))


APPEND = labelled("APPEND", _append(once=False))
APPEND_ONCE = labelled("APPEND_ONCE", _append(once=True))
ADD = labelled("ADD", _add(once=False))
ADD_ONCE = labelled("ADD_ONCE", _add(once=True))
REMOVE = labelled("REMOVE", _remove())


def new_batch(messages: Rows) -> dict[str, Any]:
    """Return messages of NEW_MESSAGE_COLUMNS as APPEND takes them, an array a column."""
    columns = zip(*messages, strict=True)
    return {
        f"{one.key}s": list(stored)
        for one, stored in zip(NEW_MESSAGE_COLUMNS, columns, strict=True)
    }


def placed_batch(messages: Sequence[Values]) -> dict[str, Any]:
    """Return whole rows of messages as ADD takes them, an array a column."""
    return {f"{one.key}s": [row[one.key] for row in messages] for one in _PLACED_COLUMNS}
