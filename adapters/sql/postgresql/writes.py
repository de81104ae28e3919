"""Append, create and delete as one statement each: no transaction is open between round trips.

The parts of a statement see the snapshot that it began with, whatever the others do (PostgreSQL's
manual, section 7.8.4), but an UPDATE that waited for a row goes on from the row's newest version.
"""

from collections.abc import Sequence
from typing import Any

from sqlalchemy import (
    CTE,
    BigInteger,
    Executable,
    Text,
    Uuid,
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

from adapters.sql.database import Values
from adapters.sql.observer import named as told_as
from adapters.sql.schema import Instant, Key, messages, owners, receipts, sessions
from adapters.sql.statements import OWN_SESSION, OWNER, RAISE_COUNTER, SESSION

_GIVEN = (
    func.unnest(
        bindparam("ids", type_=ARRAY(Uuid)),
        bindparam("roles", type_=ARRAY(Text)),
        bindparam("contents", type_=ARRAY(Text)),
        bindparam("metadatas", type_=ARRAY(Text)),
    )
    .table_valued(
        column("id", Key),
        column("role", Text),
        column("content", Text),
        column("metadata", Text),
        with_ordinality="place",
        name="given",
    )
    .render_derived()
)

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
    how_many = func.cardinality(bindparam("ids", type_=ARRAY(Uuid)))
    place = _GIVEN.c.place - how_many
    rows = select(
        OWNER,
        SESSION,
        head.c.message_count + place,
        _GIVEN.c.id,
        _GIVEN.c.role,
        _GIVEN.c.content,
        _GIVEN.c.metadata,
        head.c.last_updated + place,
    ).select_from(head.join(_GIVEN, true()))
    return insert(messages).from_select([column.name for column in messages.c], rows).cte("stored")


def _append(*, once: bool) -> Executable:
    raised = RAISE_COUNTER.where(_UNCLAIMED) if once else RAISE_COUNTER
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
    count = func.cardinality(bindparam("ids", type_=ARRAY(Uuid)))
    row = select(
        OWNER,
        SESSION,
        bindparam("title_", type_=Text),
        bindparam("metadata_", type_=Text),
        bindparam("created_at_", type_=Instant),
        bindparam("last_updated_", type_=Instant),
        count,
    ).select_from(owner)
    head = (
        insert(sessions)
        .from_select([column.name for column in sessions.c], row)
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


APPEND = told_as("APPEND", _append(once=False))
APPEND_ONCE = told_as("APPEND_ONCE", _append(once=True))
ADD = told_as("ADD", _add(once=False))
ADD_ONCE = told_as("ADD_ONCE", _add(once=True))
REMOVE = told_as("REMOVE", _remove(expected=False))
REMOVE_EXPECTED = told_as("REMOVE_EXPECTED", _remove(expected=True))


def batch_of(messages: Sequence[Values]) -> dict[str, Any]:
    """The messages as the statements take them, an array a column."""
    return {
        f"{name}s": [message[name] for message in messages]
        for name in ("id", "role", "content", "metadata")
    }


def named(values: Values) -> dict[str, Any]:
    """A row's columns under the names that the statements have for them."""
    return {f"{name}_": value for name, value in values.items()}
