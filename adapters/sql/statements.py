"""Every statement that serves a request.

Each names the owner by equality, but for FIND_ANYONES: the look-up that tells another's session
from none.
"""

from functools import cache
from typing import Any, Literal

from sqlalchemy import (
    BigInteger,
    ColumnElement,
    Select,
    and_,
    bindparam,
    case,
    delete,
    insert,
    select,
    true,
    type_coerce,
    update,
)

from adapters.sql.schema import Key, messages, owners, sessions
from domain.page import SessionSort, SortOrder

_OWNER = bindparam("owner_", type_=Key)
_SESSION = bindparam("session_", type_=Key)
_NOW = bindparam("now_", type_=BigInteger)
_HOW_MANY = bindparam("how_many", type_=BigInteger)
_LIMIT = bindparam("limit_", type_=BigInteger)
_OFFSET = bindparam("offset_", type_=BigInteger)
_AFTER = bindparam("after_", type_=BigInteger)
_BEFORE = bindparam("before_", type_=BigInteger)

Edge = Literal["after", "before"]
"""Which message_order a page of messages lies at, if it is not found by offset."""

_OWN_SESSION = and_(sessions.c.owner == _OWNER, sessions.c.id == _SESSION)
_LAST_UPDATED = type_coerce(sessions.c.last_updated, BigInteger)

GET_SESSION: Select[Any] = select(sessions).where(_OWN_SESSION)
LOCK_SESSION = GET_SESSION.with_for_update()
FIND_ANYONES = select(true()).where(sessions.c.id == _SESSION).limit(1)

ADD_SESSION = insert(sessions)
ADD_OWNER = insert(owners)
COUNT_ONE_MORE = (
    update(owners).where(owners.c.owner == _OWNER).values(session_count=owners.c.session_count + 1)
)
AMEND_SESSION = update(sessions).where(_OWN_SESSION)
REMOVE_SESSION = delete(sessions).where(_OWN_SESSION)
COUNT_ONE_LESS = (
    update(owners).where(owners.c.owner == _OWNER).values(session_count=owners.c.session_count - 1)
)

ADD_MESSAGES = insert(messages)
RAISE_COUNTER = (
    update(sessions)
    .where(_OWN_SESSION)
    .values(
        message_count=sessions.c.message_count + _HOW_MANY,
        last_updated=case((_NOW > _LAST_UPDATED, _NOW), else_=_LAST_UPDATED + 1) + _HOW_MANY - 1,
    )
    .returning(sessions.c.message_count, sessions.c.last_updated)
)
"""Takes the next `how_many` orders and the microseconds from the later of the clock and the one
after the last change; returns the last order and the last time taken."""


@cache
def page_of_sessions(sort_by: SessionSort, sort_order: SortOrder) -> Select[Any]:
    """The owner's count beside each item; one row with no item where the page is empty, and none
    for an owner who never had a session."""
    page = select(sessions).where(sessions.c.owner == _OWNER).limit(_LIMIT).offset(_OFFSET)
    page = page.order_by(*_directed(sort_order, sessions.c[sort_by], sessions.c.id))
    items = page.subquery("items")
    return (
        select(owners.c.session_count, items)
        .select_from(owners.outerjoin(items, true()))
        .where(owners.c.owner == _OWNER)
        .order_by(*_directed(sort_order, items.c[sort_by], items.c.id))
    )


@cache
def page_of_messages(sort_order: SortOrder, edge: Edge | None) -> Select[Any]:
    """The session's count beside each item; one row with no item where the page is empty, and
    none where the owner has no such session.

    Orders have no gap, so every page is a range of them, found by key at any depth.
    """
    order, count = messages.c.message_order, sessions.c.message_count
    ascending = sort_order is SortOrder.ASC
    if edge is None:
        least = _OFFSET if ascending else count - _OFFSET - _LIMIT
    elif (edge == "after") == ascending:
        least = _AFTER if ascending else _BEFORE
    else:
        below = (_BEFORE if ascending else _AFTER) - 1
        least = case((below < count, below), else_=count) - _LIMIT
    within = and_(order > least, order <= least + _LIMIT)
    of_session = and_(messages.c.owner == _OWNER, messages.c.session_id == _SESSION)
    return (
        select(count, messages)
        .select_from(sessions.outerjoin(messages, and_(of_session, within)))
        .where(_OWN_SESSION)
        .order_by(*_directed(sort_order, order))
    )


def _directed(sort_order: SortOrder, *columns: ColumnElement[Any]) -> list[ColumnElement[Any]]:
    return [column.asc() if sort_order is SortOrder.ASC else column.desc() for column in columns]
