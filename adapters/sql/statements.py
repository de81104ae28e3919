"""The statements that both databases run.

Each names the owner by equality, but for SESSION_EXISTS, the look-up that tells another's session
from none, and FORGET_RECEIPTS, which is for maintenance.
"""

from functools import cache
from typing import Any

from sqlalchemy import (
    BigInteger,
    ColumnElement,
    Select,
    and_,
    bindparam,
    case,
    delete,
    false,
    select,
    text,
    true,
    tuple_,
    type_coerce,
    update,
)

from adapters.sql.entities import MESSAGE_COLUMNS, SESSION_COLUMNS
from adapters.sql.observer import labelled
from adapters.sql.schema import Instant, Key, messages, owners, receipts, sessions
from domain.page import SessionSort, Side, SortOrder

OWNER = bindparam("owner_", type_=Key)
SESSION = bindparam("session_", type_=Key)
_NOW = bindparam("now_", type_=BigInteger)
_HOW_MANY = bindparam("how_many", type_=BigInteger)
_LIMIT = bindparam("limit_", type_=BigInteger)
_OFFSET = bindparam("offset_", type_=BigInteger)
_AFTER = bindparam("after_", type_=BigInteger)
_BEFORE = bindparam("before_", type_=BigInteger)

OWN_SESSION = and_(sessions.c.owner == OWNER, sessions.c.id == SESSION)
_LAST_UPDATED = type_coerce(sessions.c.last_updated, BigInteger)

UPDATABLE = sorted(
    {column.name for column in SESSION_COLUMNS.selected} - {"id", "created_at", "message_count"}
)
"""The columns of a session that may be changed."""

GET_SESSION: Select[Any] = labelled(
    "GET_SESSION", select(*SESSION_COLUMNS.selected).where(OWN_SESSION)
)
LOCK_SESSION = labelled("LOCK_SESSION", GET_SESSION.with_for_update(key_share=True))
UPDATE_SESSION = labelled(
    "AMEND_SESSION",
    update(sessions)
    .where(OWN_SESSION)
    .values({name: bindparam(f"{name}_", type_=sessions.c[name].type) for name in UPDATABLE}),
)
GET_REVISION = labelled("GET_REVISION", text("SELECT version_num FROM alembic_version"))
SESSION_EXISTS = labelled("FIND_ANYONES", select(true()).where(sessions.c.id == SESSION).limit(1))

RESERVE_ORDERS = labelled(
    "RAISE_COUNTER",
    update(sessions)
    .where(OWN_SESSION)
    .values(
        message_count=sessions.c.message_count + _HOW_MANY,
        last_updated=case((_NOW > _LAST_UPDATED, _NOW), else_=_LAST_UPDATED + 1) + _HOW_MANY - 1,
    )
    .returning(sessions.c.message_count, sessions.c.last_updated),
)
"""Takes the next `how_many` orders and the microseconds from the later of the clock and the one
after the last change; returns the last order and the last time taken."""

_CLAIM = and_(
    receipts.c.owner == OWNER,
    receipts.c.operation == bindparam("operation_"),
    receipts.c.key == bindparam("key_"),
)
_CLAIMED_UNTIL = receipts.c.claimed_at <= bindparam("until_")

FIND_RECEIPT: Select[Any] = labelled(
    "FIND_RECEIPT",
    select(
        receipts.c.fingerprint,
        receipts.c.claimed_at,
        receipts.c.session_id,
        receipts.c.first_order,
    )
    .where(_CLAIM)
    .with_for_update(read=True, key_share=True),
)
"""With a lock, which on PostgreSQL is logged, so that the commit waits for the standby."""

FORGET_RECEIPT = labelled("FORGET_RECEIPT", delete(receipts).where(_CLAIM, _CLAIMED_UNTIL))

_identity = tuple_(receipts.c.owner, receipts.c.operation, receipts.c.key)
FORGET_RECEIPTS = labelled(
    "FORGET_RECEIPTS",
    delete(receipts).where(
        _identity.in_(
            select(receipts.c.owner, receipts.c.operation, receipts.c.key)
            .where(_CLAIMED_UNTIL)
            .order_by(receipts.c.claimed_at)
            .limit(_LIMIT)
        )
    ),
)
"""Old ones of anyone, `limit_` at most: for maintenance."""


@cache
def page_of_sessions(sort_by: SessionSort, sort_order: SortOrder, side: Side | None) -> Select[Any]:
    """The owner's count beside each item; one row with no item where the page is empty, and none
    for an owner who never had a session.

    Beside a cursor's key there is one item more than the page takes if the list goes on, and
    `beyond` tells whether anything lies on the key's other side.
    """
    page = select(*SESSION_COLUMNS.selected).where(sessions.c.owner == OWNER).limit(_LIMIT)
    walked = sort_order
    beyond: ColumnElement[bool] = false()
    if side is None:
        page = page.offset(_OFFSET)
    else:
        key = tuple_(sessions.c[sort_by], sessions.c.id)
        edge = tuple_(bindparam("at_", type_=Instant), bindparam("id_", type_=Key))
        upwards = (side is Side.AFTER) == (sort_order is SortOrder.ASC)
        walked = SortOrder.ASC if upwards else SortOrder.DESC
        page = page.where(key > edge if upwards else key < edge)
        others = key <= edge if upwards else key >= edge
        # EXISTS would be planned as a scan of the table that ends at the first hit.
        other = select(sessions.c.id).where(sessions.c.owner == OWNER, others).limit(1)
        nearest = _directed(walked, sessions.c[sort_by], sessions.c.id)
        beyond = other.order_by(*nearest).scalar_subquery().is_not(None)
    items = page.order_by(*_directed(walked, sessions.c[sort_by], sessions.c.id)).subquery("items")
    return labelled(
        "page_of_sessions",
        select(owners.c.session_count, beyond.label("beyond"), items)
        .select_from(owners.outerjoin(items, true()))
        .where(owners.c.owner == OWNER)
        .order_by(*_directed(sort_order, items.c[sort_by], items.c.id)),
    )


@cache
def page_of_messages(sort_order: SortOrder, side: Side | None) -> Select[Any]:
    """The session's count beside each item; one row with no item where the page is empty, and
    none where the owner has no such session.

    Orders have no gap, so every page is a range of them, found by key at any depth.
    """
    order, count = messages.c.message_order, sessions.c.message_count
    ascending = sort_order is SortOrder.ASC
    if side is None:
        least = _opaque(_OFFSET) if ascending else _of_own_session(count - _OFFSET - _LIMIT)
    elif side is Side.AFTER:
        least = _opaque(_AFTER)
    else:
        below = _BEFORE - 1
        least = _of_own_session(case((below < count, below), else_=count) - _LIMIT)
    within = and_(order > least, order <= least + _LIMIT)
    of_session = and_(messages.c.owner == OWNER, messages.c.session_id == SESSION)
    return labelled(
        "page_of_messages",
        select(count, *MESSAGE_COLUMNS.selected)
        .select_from(sessions.outerjoin(messages, and_(of_session, within)))
        .where(OWN_SESSION)
        .order_by(*_directed(sort_order, order)),
    )


def _opaque(value: ColumnElement[int]) -> ColumnElement[int]:
    """The value, which PostgreSQL does not know when it plans. Where it does, and one session has
    most of all messages, it expects so many at the first orders that it reads the whole table."""
    return select(value).scalar_subquery()


def _of_own_session(value: ColumnElement[int]) -> ColumnElement[int]:
    """The value, known before the join. PostgreSQL, with a plan for any values, may take a bound
    that it gets from the join for a filter, and read the whole session."""
    return select(value).where(OWN_SESSION).correlate(None).scalar_subquery()


def _directed(sort_order: SortOrder, *columns: ColumnElement[Any]) -> list[ColumnElement[Any]]:
    return [column.asc() if sort_order is SortOrder.ASC else column.desc() for column in columns]
