"""The statements that both databases run.

Each names the owner by equality, but for SESSION_EXISTS, the look-up that tells another's session
from none, and FORGET_RECEIPTS, which is for maintenance.
"""

from dataclasses import dataclass
from functools import cache
from typing import Any

from sqlalchemy import (
    BigInteger,
    ColumnElement,
    Select,
    Text,
    and_,
    bindparam,
    case,
    delete,
    false,
    func,
    select,
    text,
    true,
    tuple_,
    type_coerce,
    update,
)

from adapters.sql.column_types import Instant, Key
from adapters.sql.entities import SESSION_COLUMNS
from adapters.sql.functions import HasMember, Larger
from adapters.sql.observer import labelled
from adapters.sql.schema import owners, receipts, sessions
from domain.page import SortOrder
from domain.session_page import SessionFilter, SessionSort, Side

OWNER = bindparam("owner_", type_=Key)
SESSION = bindparam("session_", type_=Key)
_NOW = bindparam("now_", type_=BigInteger)
_HOW_MANY = bindparam("how_many", type_=BigInteger)
_LIMIT = bindparam("limit_", type_=BigInteger)
_OFFSET = bindparam("offset_", type_=BigInteger)
_LARGEST = bindparam("largest_", type_=BigInteger)
EXTERNAL_ID = bindparam("external_id_", type_=Text)

OWN_SESSION = and_(sessions.c.owner == OWNER, sessions.c.id == SESSION)
_LAST_UPDATED = type_coerce(sessions.c.last_updated, BigInteger)

UPDATABLE = ("archived", "last_updated", "metadata", "pinned", "revision", "title")
"""The columns of a session that may be changed."""


GET_SESSION: Select[Any] = labelled(
    "GET_SESSION", select(*SESSION_COLUMNS.selected).where(OWN_SESSION)
)
LOCK_SESSION = labelled("LOCK_SESSION", GET_SESSION.with_for_update(key_share=True))
UPDATE_SESSION = labelled(
    "AMEND_SESSION",
    update(sessions)
    .where(OWN_SESSION)
    .values(
        {name: bindparam(f"{name}_", type_=sessions.c[name].type) for name in (*UPDATABLE, "words")}
    ),
)
GET_REVISION = labelled("GET_REVISION", text("SELECT version_num FROM alembic_version"))
FIND_SESSION = labelled(
    "FIND_SESSION",
    select(sessions.c.id).where(sessions.c.owner == OWNER, sessions.c.external_id == EXTERNAL_ID),
)
SESSION_EXISTS = labelled("FIND_ANYONES", select(true()).where(sessions.c.id == SESSION).limit(1))

COUNT_ARCHIVED = labelled(
    "COUNT_ARCHIVED",
    update(owners)
    .where(owners.c.owner == OWNER)
    .values(archived_count=owners.c.archived_count + bindparam("more_", type_=BigInteger)),
)

TOUCHED_AT = case((_NOW > _LAST_UPDATED, _NOW), else_=_LAST_UPDATED + 1)

RESERVE_ORDERS = labelled(
    "RAISE_COUNTER",
    update(sessions)
    .where(OWN_SESSION)
    .values(
        last_order=sessions.c.last_order + _HOW_MANY,
        last_updated=TOUCHED_AT + _HOW_MANY - 1,
        largest_message=Larger(sessions.c.largest_message, _LARGEST),
    )
    .returning(sessions.c.last_order, sessions.c.last_updated),
)
"""Takes the next `how_many` orders and the microseconds from the later of the clock and the one
after the last change; returns the last order and the last time taken."""

TOUCH = {
    "last_updated": TOUCHED_AT,
    "largest_message": Larger(sessions.c.largest_message, _LARGEST),
}
TOUCH_SESSION = labelled(
    "TOUCH_SESSION",
    update(sessions).where(OWN_SESSION).values(TOUCH).returning(sessions.c.last_updated),
)
"""Moves the time of the last change to the later of the clock and the microsecond after it."""

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
        receipts.c.stored_count,
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


@dataclass(frozen=True, slots=True)
class FilterShape:
    """Which parts a filter of sessions has: what tells one statement from another."""

    archived: bool | None
    pinned: bool | None
    has_external_id: bool
    has_updated_after: bool
    has_updated_before: bool
    members: int

    @classmethod
    def of(cls, filters: SessionFilter) -> "FilterShape":
        return cls(
            filters.archived,
            filters.pinned,
            filters.external_id is not None,
            filters.updated_after is not None,
            filters.updated_before is not None,
            len(filters.metadata),
        )

    @property
    def conditions(self) -> list[ColumnElement[bool]]:
        """What a session's row must be, beside its owner."""
        after = sessions.c.last_updated > bindparam("updated_after_", type_=Instant)
        before = sessions.c.last_updated < bindparam("updated_before_", type_=Instant)
        return [
            *_flag(sessions.c.archived, self.archived),
            *_flag(sessions.c.pinned, self.pinned),
            *([sessions.c.external_id == EXTERNAL_ID] if self.has_external_id else ()),
            *([after] if self.has_updated_after else ()),
            *([before] if self.has_updated_before else ()),
            *[
                HasMember(
                    sessions.c.metadata,
                    bindparam(f"member_{place}_", type_=Text),
                    bindparam(f"value_{place}_", type_=Text),
                )
                for place in range(self.members)
            ],
        ]

    @property
    def total(self) -> ColumnElement[int]:
        """How many sessions it leaves: known, where it has no part but `archived`."""
        if self != FilterShape(self.archived, None, False, False, False, 0):  # noqa: FBT003 - no other parts
            chosen = select(func.count()).where(sessions.c.owner == OWNER, *self.conditions)
            return chosen.correlate(None).scalar_subquery()
        if self.archived is None:
            return owners.c.session_count
        if self.archived:
            return owners.c.archived_count
        return owners.c.session_count - owners.c.archived_count


def _flag(column: ColumnElement[bool], wanted: bool | None) -> list[ColumnElement[bool]]:  # noqa: FBT001 - what the filter says
    if wanted is None:
        return []
    return [column if wanted else ~column]


@cache
def page_of_sessions(
    sort_by: SessionSort, sort_order: SortOrder, side: Side | None, shape: FilterShape
) -> Select[Any]:
    """The total beside each item, those that are nearest to the page's edge first, and no row where
    the page is empty.

    Beside a cursor's key there is one item more than the page takes if the list goes on, and
    `beyond` tells whether anything lies on the key's other side.
    """
    total = select(shape.total).where(owners.c.owner == OWNER).correlate(None).scalar_subquery()
    items, beyond = _items_and_beyond(sort_by, sort_order, side, shape)
    return labelled(
        "page_of_sessions",
        items.with_only_columns(
            total.label("total"), beyond.label("beyond"), *SESSION_COLUMNS.selected
        ),
    )


@cache
def page_or_total_of_sessions(
    sort_by: SessionSort, sort_order: SortOrder, side: Side | None, shape: FilterShape
) -> Select[Any]:
    """The same for a page that may be empty: one row with no item where it is, and none for an
    owner who never had a session. What is joined is sorted once more."""
    found, beyond = _items_and_beyond(sort_by, sort_order, side, shape)
    items = found.subquery("items")
    walked = _walked(sort_order, side)
    return labelled(
        "page_or_total_of_sessions",
        select(shape.total.label("total"), beyond.label("beyond"), items)
        .select_from(owners.outerjoin(items, true()))
        .where(owners.c.owner == OWNER)
        .order_by(*directed(walked, items.c[sort_by], items.c.id)),
    )


def _items_and_beyond(
    sort_by: SessionSort, sort_order: SortOrder, side: Side | None, shape: FilterShape
) -> tuple[Select[Any], ColumnElement[bool]]:
    chosen = and_(sessions.c.owner == OWNER, *shape.conditions)
    walked = _walked(sort_order, side)
    nearest = directed(walked, sessions.c[sort_by], sessions.c.id)
    items = select(*SESSION_COLUMNS.selected).where(chosen).order_by(*nearest).limit(_LIMIT)
    if side is None:
        return items.offset(_OFFSET), false()
    key = tuple_(sessions.c[sort_by], sessions.c.id)
    edge = tuple_(bindparam("at_", type_=Instant), bindparam("id_", type_=Key))
    is_upwards = walked is SortOrder.ASC
    others = key <= edge if is_upwards else key >= edge
    # EXISTS would be planned as a scan of the table that ends at the first hit.
    other = select(sessions.c.id).where(chosen, others).order_by(*nearest).limit(1).correlate(None)
    within = key > edge if is_upwards else key < edge
    return items.where(within), other.scalar_subquery().is_not(None)


def _walked(sort_order: SortOrder, side: Side | None) -> SortOrder:
    """The way through the list on which the page's items come first."""
    is_upwards = (side is not Side.BEFORE) == (sort_order is SortOrder.ASC)
    return SortOrder.ASC if is_upwards else SortOrder.DESC


def directed(sort_order: SortOrder, *columns: ColumnElement[Any]) -> list[ColumnElement[Any]]:
    return [column.asc() if sort_order is SortOrder.ASC else column.desc() for column in columns]
