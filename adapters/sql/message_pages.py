"""The statements that read pages of messages.

Where no message was removed from a session's midst, orders have no gap, so every page is a range of
them, found by key at any depth. Else the range is found through the orders that were removed.
"""

from collections.abc import Mapping, Sequence
from enum import StrEnum
from functools import cache
from typing import Any

from sqlalchemy import (
    BigInteger,
    ColumnElement,
    Select,
    and_,
    bindparam,
    case,
    func,
    literal,
    null,
    select,
    true,
)
from sqlalchemy.sql.selectable import CTE, Subquery

from adapters.sql.database import Values
from adapters.sql.entities import MESSAGE_COLUMNS
from adapters.sql.functions import ByteLength
from adapters.sql.message_statements import OF_SESSION
from adapters.sql.observer import labelled
from adapters.sql.schema import messages, removed_orders, sessions
from adapters.sql.statements import OWN_SESSION, OWNER, SESSION, larger, smaller
from domain.message import ROW_SIZE
from domain.message_page import PAGE_SIZE_MAX, MessagePageRequest, Walk
from domain.page import SortOrder

_AT = bindparam("at_", type_=BigInteger)
_LIMIT = bindparam("limit_", type_=BigInteger)
_HALF = bindparam("half_", type_=BigInteger)
_ZERO = literal(0, BigInteger)

_base = sessions.c.first_order - 1
_total = sessions.c.last_order - sessions.c.removed_count
_is_dense = sessions.c.removed_count == _base
_is_small = sessions.c.largest_message * _LIMIT <= PAGE_SIZE_MAX


class Place(StrEnum):
    """What a page is found by."""

    OFFSET = "offset"
    OFFSET_FROM_END = "offset from the end"
    AFTER = "after"
    BEFORE = "before"
    AROUND = "around"

    @property
    def walk(self) -> Walk:
        """Which of the messages that it finds come first where not all of them fit."""
        if self is Place.AROUND:
            return Walk.OUTWARD
        return Walk.DOWN if self in {Place.BEFORE, Place.OFFSET_FROM_END} else Walk.UP


def place_of(request: MessagePageRequest) -> tuple[Place, Values]:
    """What finds the request's page, and the parameters of its statements."""
    if request.after is not None:
        place, at = Place.AFTER, request.after
    elif request.before is not None:
        place, at = Place.BEFORE, request.before
    elif request.around is not None:
        place, at = Place.AROUND, request.around
    else:
        ascending = request.sort_order is SortOrder.ASC
        place, at = Place.OFFSET if ascending else Place.OFFSET_FROM_END, request.start
    return place, {"at_": at, "limit_": request.limit, "half_": request.below}


@cache
def plain_page(place: Place, *, with_bodies: bool) -> Select[Any]:
    """The total, the first order and the session's last change beside each message in order; one
    row without a message where the page is empty, and none where the owner has no such session.

    Where orders have gaps there is no message, and 0 for the first order; where a page might be
    too large, NULL.
    """
    order = messages.c.message_order
    least = _of_own_session(_least(place))
    within = and_(OF_SESSION, order > least, order <= least + _LIMIT, _is_dense, _is_small)
    first_order = case((_is_small, case((_is_dense, sessions.c.first_order), else_=0)))
    return labelled(
        "page_of_messages",
        select(
            _total.label("total"),
            first_order.label("first"),
            sessions.c.last_updated,
            *_selected(with_bodies=with_bodies),
        )
        .select_from(sessions.outerjoin(messages, within))
        .where(OWN_SESSION)
        .order_by(order),
    )


def _least(place: Place) -> ColumnElement[int]:
    """The order below the first of a page's, where orders have no gap."""
    match place:
        case Place.OFFSET:
            return _base + _AT
        case Place.OFFSET_FROM_END:
            return sessions.c.last_order - _AT - _LIMIT
        case Place.AFTER:
            return larger(_AT, _base)
        case Place.BEFORE:
            return smaller(_AT - 1, sessions.c.last_order) - _LIMIT
    return _base + _around(larger(smaller(_AT - sessions.c.first_order, _total), _ZERO), _total)


def _around(lower: ColumnElement[int], total: ColumnElement[int]) -> ColumnElement[int]:
    """How many messages come before the page in whose middle is the one that `lower` precede."""
    return larger(smaller(lower - _HALF, total - _LIMIT), _ZERO)


@cache
def page_among_removed(place: Place, *, with_bodies: bool) -> Select[Any]:
    """The total, how many messages come before the page, and the session's last change beside each
    message in order; rows as plain_page has them."""
    session = _session()
    span = _span(place, session)
    found = _in_span(span, with_bodies=with_bodies).subquery("found")
    return labelled(
        "page_among_removed",
        select(span.c.total, span.c.start, span.c.last_updated, *_named(found))
        .select_from(span.outerjoin(found, true()))
        .order_by(found.c.message_order),
    )


@cache
def page_by_size(place: Place, *, with_bodies: bool) -> Select[Any]:
    """The same of as many messages as fit by their size."""
    session = _session()
    span = _span(place, session)
    found = _in_span(span, with_bodies=with_bodies).subquery("found")
    order = found.c.message_order
    bodies = func.coalesce(ByteLength(found.c.body), 0)
    size = ByteLength(found.c.content) + ByteLength(found.c.metadata) + bodies + ROW_SIZE
    steps: Mapping[Walk, Sequence[ColumnElement[Any]]] = {
        Walk.UP: [order.asc()],
        Walk.DOWN: [order.desc()],
        Walk.OUTWARD: [func.abs(order - _AT).asc(), order.asc()],
    }
    sized = select(
        *found.c,
        func.row_number().over(order_by=order).label("place"),
        size.label("size"),
        func.sum(size).over(order_by=steps[place.walk]).label("size_so_far"),
    ).subquery("sized")
    fits = (sized.c.size_so_far <= PAGE_SIZE_MAX) | (sized.c.size_so_far == sized.c.size)
    before = span.c.start + sized.c.place - 1
    return labelled(
        "page_by_size",
        select(span.c.total, before.label("before"), span.c.last_updated, *_named(sized))
        .select_from(span.outerjoin(sized, fits))
        .order_by(sized.c.message_order),
    )


def _session() -> CTE:
    return (
        select(
            _base.label("base"),
            _total.label("total"),
            sessions.c.last_order,
            sessions.c.last_updated,
            (sessions.c.removed_count - _base).label("gaps"),
        )
        .where(OWN_SESSION)
        .cte("session")
    )


def _span(place: Place, session: CTE) -> CTE:
    """The session with how many of its messages come before the page, and before its end: the span
    that MessagePageRequest.span has."""
    total = session.c.total
    start: ColumnElement[int]
    if place is Place.OFFSET:
        start = smaller(_AT, total)
        stop = smaller(start + _LIMIT, total)
    elif place is Place.OFFSET_FROM_END:
        stop = larger(total - _AT, _ZERO)
        start = larger(stop - _LIMIT, _ZERO)
    else:
        edge = _AT if place is Place.AFTER else _AT - 1
        highest = larger(smaller(edge, session.c.last_order), session.c.base)
        lower = highest - session.c.base - _removed_up_to(highest, session)
        if place is Place.BEFORE:
            start, stop = larger(lower - _LIMIT, _ZERO), lower
        else:
            start = lower if place is Place.AFTER else _around(lower, total)
            stop = smaller(start + _LIMIT, total)
    return select(*session.c, start.label("start"), stop.label("stop")).cte("span")


def _in_span(span: CTE, *, with_bodies: bool) -> Select[Any]:
    """The span's messages. The first has the lowest order that it could have if none was removed,
    or as many messages after that as orders below were removed."""
    order = messages.c.message_order
    lowest = span.c.base + span.c.start + 1
    highest = span.c.base + span.c.stop + span.c.gaps
    passed = _removed_up_to(lowest - 1, span)
    return (
        select(*_selected(with_bodies=with_bodies))
        .where(OF_SESSION, order >= _of(span, lowest), order <= _of(span, highest))
        .order_by(order)
        .offset(_of(span, passed))
        .limit(_of(span, span.c.stop - span.c.start))
    )


def _removed_up_to(order: ColumnElement[int], of: CTE) -> ColumnElement[int]:
    """How many orders up to this one were removed from the session's midst."""
    return (
        select(func.count())
        .select_from(removed_orders)
        .where(
            removed_orders.c.owner == OWNER,
            removed_orders.c.session_id == SESSION,
            removed_orders.c.message_order <= order,
        )
        .correlate(of)
        .scalar_subquery()
    )


def _of(span: CTE, value: ColumnElement[int]) -> ColumnElement[int]:
    return select(value).select_from(span).scalar_subquery()


def _named(found: Subquery) -> list[ColumnElement[Any]]:
    return [found.c[str(column.key)] for column in MESSAGE_COLUMNS.selected]


def _selected(*, with_bodies: bool) -> list[ColumnElement[Any]]:
    return [
        column if with_bodies or column.key != "body" else null().label("body")
        for column in MESSAGE_COLUMNS.selected
    ]


def _of_own_session(value: ColumnElement[int]) -> ColumnElement[int]:
    """The value, known before the join. PostgreSQL, with a plan for any values, may take a bound
    that it gets from the join for a filter, and read the whole session. Where it knows the value,
    and one session has most of all messages, it expects so many at the first orders that it reads
    the whole table."""
    return select(value).where(OWN_SESSION).correlate(None).scalar_subquery()
