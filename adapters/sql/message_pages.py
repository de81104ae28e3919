"""The statements that read pages of messages.

Where no message was removed from a session's midst, orders have no gap, so every page is a range of
them, found by key at any depth. Else the range is found through the orders that were removed.
"""

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
)

from adapters.sql.database import Values
from adapters.sql.entities import MESSAGE_COLUMNS
from adapters.sql.functions import ByteLength, Larger, Smaller
from adapters.sql.message_statements import OF_SESSION, OF_SESSION_REMOVED
from adapters.sql.observer import labelled
from adapters.sql.schema import messages, removed_orders, sessions
from adapters.sql.statements import OWN_SESSION
from domain.message import ROW_SIZE
from domain.message_page import PAGE_SIZE_MAX, MessagePageRequest, Walk
from domain.page import SortOrder

_AT = bindparam("at_", type_=BigInteger)
_LIMIT = bindparam("limit_", type_=BigInteger)
_HALF = bindparam("half_", type_=BigInteger)
_ZERO = literal(0, BigInteger)

_base = sessions.c.first_order - 1
_total = sessions.c.last_order - sessions.c.removed_count
_gaps = sessions.c.removed_count - _base
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
    """The total, how many messages come before the page, and the session's last change beside each
    message, in the order of the walk; one row without a message where the page is empty, and none
    where the owner has no such session.

    Where a page might be too large there is no message, and NULL for how many come before it.
    """
    before = Larger(Smaller(_start(place), _total), _ZERO)
    return labelled(
        "page_of_messages",
        select(
            _total.label("total"),
            case((_is_small, before)).label("before"),
            sessions.c.last_updated,
            *_selected(with_bodies=with_bodies),
        )
        .select_from(sessions.outerjoin(messages, and_(_in_range(place), _is_small)))
        .where(OWN_SESSION)
        .order_by(_towards(place, messages.c.message_order))
        .limit(_LIMIT),
    )


@cache
def page_by_size(place: Place, *, with_bodies: bool) -> Select[Any]:
    """The same of as many messages as fit by their size."""
    page = (
        select(*_selected(with_bodies=with_bodies))
        .where(_in_range(place))
        .order_by(_towards(place, messages.c.message_order))
        .limit(_LIMIT)
        .subquery("page")
    )
    order = page.c.message_order
    bodies = func.coalesce(ByteLength(page.c.body), 0)
    size = ByteLength(page.c.content) + ByteLength(page.c.metadata) + bodies + ROW_SIZE
    steps = [func.abs(order - _AT).asc()] if place is Place.AROUND else []
    sized = select(
        *page.c,
        func.row_number().over(order_by=order).label("place"),
        size.label("size"),
        func.sum(size).over(order_by=[*steps, _towards(place, order)]).label("size_so_far"),
    ).subquery("sized")
    fits = (sized.c.size_so_far <= PAGE_SIZE_MAX) | (sized.c.size_so_far == sized.c.size)
    before = Larger(_start(place), _ZERO) + sized.c.place - 1
    return labelled(
        "page_by_size",
        select(
            _total.label("total"),
            before.label("before"),
            sessions.c.last_updated,
            *(sized.c[str(column.key)] for column in MESSAGE_COLUMNS.selected),
        )
        .select_from(sessions.outerjoin(sized, fits))
        .where(OWN_SESSION)
        .order_by(_towards(place, sized.c.message_order)),
    )


def _start(place: Place) -> ColumnElement[int]:
    """How many of a session's messages come before the page, as MessagePageRequest.span has it, but
    perhaps below 0 or above the total."""
    match place:
        case Place.OFFSET:
            return _AT
        case Place.OFFSET_FROM_END:
            return _total - _AT - _LIMIT
        case Place.AFTER:
            return _up_to(_AT)
        case Place.BEFORE:
            return _up_to(_AT - 1) - _LIMIT
    return Larger(Smaller(_up_to(_AT - 1) - _HALF, _total - _LIMIT), _ZERO)


def _in_range(place: Place) -> ColumnElement[bool]:
    """The messages of the page and, on the far side of the walk, perhaps as many more as orders
    were removed."""
    start, edge = _start(place), Larger(Smaller(_AT, sessions.c.last_order + 1), _base)
    lowest, highest = _base + start + 1, _base + start + _LIMIT
    match place:
        case Place.AFTER:
            lowest, highest = edge + 1, edge + _LIMIT + _gaps
        case Place.BEFORE:
            lowest, highest = edge - _LIMIT - _gaps, edge - 1
        case Place.OFFSET_FROM_END:
            highest += _passed(start + _LIMIT)
        case _:
            lowest, highest = lowest + _passed(start + 1), highest + _gaps
    order = messages.c.message_order
    return and_(OF_SESSION, order >= _of_own_session(lowest), order <= _of_own_session(highest))


def _towards(place: Place, order: ColumnElement[int]) -> ColumnElement[int]:
    return order.desc() if place.walk is Walk.DOWN else order.asc()


def _up_to(order: ColumnElement[int]) -> ColumnElement[int]:
    """How many messages have orders up to this one."""
    given = Larger(Smaller(order, sessions.c.last_order), _base) - _base
    removed = (
        select(func.count()).where(OF_SESSION_REMOVED, removed_orders.c.message_order <= order)
    ).scalar_subquery()
    return given - case((_gaps == 0, _ZERO), else_=removed)


def _passed(place: ColumnElement[int]) -> ColumnElement[int]:
    """How many removed orders are below that of the message at a place, counted from 1: those that
    fewer messages precede."""
    order = removed_orders.c.message_order
    nth = func.row_number().over(order_by=order)
    removed = select((order - nth).label("preceding")).where(OF_SESSION_REMOVED).subquery("removed")
    passed = select(func.count()).where(removed.c.preceding < _base + place).correlate(sessions)
    return case((_gaps == 0, _ZERO), else_=passed.scalar_subquery())


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
