"""Append, create and delete as one statement each: no transaction is open between round trips.

The parts of a statement see the snapshot that it began with, whatever the others do (PostgreSQL's
manual, section 7.8.4), but an UPDATE that waited for a row goes on from the row's newest version.
"""

from itertools import repeat
from typing import Any

from sqlalchemy import (
    CTE,
    BigInteger,
    ColumnElement,
    Executable,
    Text,
    any_,
    bindparam,
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

from adapters.sql.database import Rows
from adapters.sql.entities import NEW_MESSAGE_COLUMNS
from adapters.sql.observer import labelled
from adapters.sql.schema import Instant, Key, messages, owners, receipts, sessions
from adapters.sql.statements import OWN_SESSION, OWNER, RESERVE_ORDERS, SESSION

_GIVEN = (
    func.unnest(*[bindparam(f"{new.name}s", type_=ARRAY(new.type)) for new in NEW_MESSAGE_COLUMNS])
    .table_valued(
        *[column(new.name, new.type) for new in NEW_MESSAGE_COLUMNS],
        with_ordinality="place",
        name="given",
    )
    .render_derived()
)
_ARRAYS = [f"{new.name}s" for new in NEW_MESSAGE_COLUMNS]
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


def _stored(head: CTE) -> CTE:
    """The messages given, behind the last order and the last time that `head` has."""
    place = _GIVEN.c.place - _how_many
    stored: dict[str, ColumnElement[Any]] = {
        "owner": OWNER,
        "session_id": SESSION,
        "message_order": head.c.message_count + place,
        "timestamp": head.c.last_updated + place,
        **{new.name: _GIVEN.c[new.name] for new in NEW_MESSAGE_COLUMNS},
    }
    rows = select(*stored.values()).select_from(head.join(_GIVEN, true()))
    return insert(messages).from_select(list(stored), rows).cte("stored")


def _append(*, once: bool) -> Executable:
    raised = RESERVE_ORDERS.where(_UNCLAIMED) if once else RESERVE_ORDERS
    head = raised.cte("head")
    parts = [_stored(head)]
    if once:
        # No ON CONFLICT: a rival that claims first must undo this one's counter too.
        first_order = head.c.message_count - bindparam("how_many", type_=BigInteger) + 1
        claim = select(*_CLAIM, first_order).select_from(head)
        parts.append(insert(receipts).from_select(_FULL_RECEIPT, claim).cte("claim"))
    return select(head.c.message_count, head.c.last_updated).add_cte(*parts)


def _add(*, once: bool) -> Executable:
    person = select(
        OWNER,
        bindparam("issuer_", type_=Text),
        bindparam("subject_", type_=Text),
        literal(1, BigInteger),
    )
    if once:
        claim = (
            upsert(receipts)
            .from_select(_FULL_RECEIPT, select(*_CLAIM, literal(1, BigInteger)))
            .on_conflict_do_nothing()
            .returning(receipts.c.owner)
            .cte("claim")
        )
        person = person.select_from(claim)
    counted = upsert(owners).from_select([column.name for column in owners.c], person)
    owner = (
        counted.on_conflict_do_update(
            index_elements=[owners.c.owner],
            set_={"session_count": owners.c.session_count + 1},
        )
        .returning(owners.c.owner)
        .cte("counted")
    )
    row: dict[str, ColumnElement[Any]] = {
        column.name: bindparam(f"{column.name}_", type_=column.type) for column in sessions.c
    }
    row |= {"owner": OWNER, "id": SESSION, "message_count": _how_many}
    head = (
        insert(sessions)
        .from_select(list(row), select(*row.values()).select_from(owner))
        .returning(sessions.c.message_count, sessions.c.last_updated)
        .cte("head")
    )
    return select(head.c.message_count).add_cte(_stored(head))


def _remove(*, expected: bool) -> Executable:
    gone = delete(sessions).where(OWN_SESSION)
    if expected:
        versions = bindparam("expected_", type_=ARRAY(Instant))
        gone = gone.where(sessions.c.last_updated == any_(versions))
    removed = gone.returning(sessions.c.id).cte("gone")
    return (
        update(owners)
        .where(owners.c.owner == OWNER, exists().select_from(removed))
        .values(session_count=owners.c.session_count - 1)
        .returning(owners.c.session_count)
    )


APPEND = labelled("APPEND", _append(once=False))
APPEND_ONCE = labelled("APPEND_ONCE", _append(once=True))
ADD = labelled("ADD", _add(once=False))
ADD_ONCE = labelled("ADD_ONCE", _add(once=True))
REMOVE = labelled("REMOVE", _remove(expected=False))
REMOVE_EXPECTED = labelled("REMOVE_EXPECTED", _remove(expected=True))


def batch_of(messages: Rows) -> dict[str, Any]:
    """Return the messages as the statements take them, an array a column."""
    columns = zip(*messages, strict=True) if messages else repeat(())
    return dict(zip(_ARRAYS, columns, strict=False))
