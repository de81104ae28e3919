from dataclasses import dataclass, replace
from datetime import datetime
from uuid import UUID

import pytest
from hypothesis import given
from hypothesis import strategies as st

from domain.errors import InvalidValue
from domain.instant import TICK
from domain.message import Message, Role
from domain.metadata import EMPTY
from domain.owner import Owner
from domain.page import (
    Cursor,
    MessagePageRequest,
    Page,
    PageRequest,
    SessionFilter,
    SessionPageRequest,
    SessionSort,
    Side,
    SortOrder,
)
from domain.session import NewSession, Session
from tests.clock import START

OWNER = Owner("issuer", "alice")


@given(total=st.integers(0, 30), limit=st.integers(1, 12), offset=st.integers(0, 40))
def test_neighbours(total: int, limit: int, offset: int) -> None:
    page = Page.from_offset(offset, range(total)[offset : offset + limit], total, limit)
    assert page.has_next == any(item >= offset + limit for item in range(total))
    assert page.has_previous == (offset > 0 and total > 0)
    assert page.next_offset == (offset + limit if page.has_next else None)
    if page.has_previous:
        assert page.previous_offset == max(0, min(offset, total) - limit)
    else:
        assert page.previous_offset is None
    if total:
        assert page.last_offset is not None
        assert page.last_offset % limit == 0
        assert page.last_offset < total <= page.last_offset + limit
    else:
        assert page.last_offset is None


@pytest.mark.parametrize(("limit", "offset"), [(0, 0), (201, 0), (-1, 0), (1, -1), (1, 2**31)])
def test_a_request_out_of_range_is_refused(limit: int, offset: int) -> None:
    with pytest.raises(InvalidValue):
        PageRequest(limit=limit, offset=offset)


@pytest.mark.parametrize(
    "places",
    [
        {"after": -1},
        {"before": 2**31},
        {"after": 1, "before": 3},
        {"after": 1, "offset": 1},
        {"before": 1, "offset": 1},
        {"after": 1, "offset": 0},
    ],
)
def test_places_that_do_not_go_together_are_refused(places: dict[str, int]) -> None:
    with pytest.raises(InvalidValue):
        MessagePageRequest(**places)  # type: ignore[arg-type]


def test_a_cursor_goes_with_its_own_sort_and_no_offset() -> None:
    cursor = Cursor(
        sort_by=SessionSort.CREATED_AT, sort_order=SortOrder.ASC, side=Side.AFTER, key=None
    )
    sort = {"sort_by": cursor.sort_by, "sort_order": cursor.sort_order}
    assert SessionPageRequest(cursor=cursor, **sort).cursor == cursor  # type: ignore[arg-type]
    for refused, field in (
        ({**sort, "offset": 0}, "offset"),
        ({**sort, "sort_by": SessionSort.LAST_UPDATED}, "cursor"),
        ({**sort, "sort_order": SortOrder.DESC}, "cursor"),
    ):
        with pytest.raises(InvalidValue) as refusal:
            SessionPageRequest(cursor=cursor, **refused)
        assert refusal.value.field == (field,)


@dataclass(frozen=True, slots=True, kw_only=True)
class Titled(SessionFilter):
    title_contains: str | None = None
    updated_after: datetime | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class LaterRequest(SessionPageRequest):
    filters: SessionFilter = Titled()
    counts_hidden: bool = False


def test_a_cursor_goes_with_the_filter_that_it_was_made_under() -> None:
    """Also with one that is added later, to the filters or beside them. A cursor from before that
    goes on where none of them is set."""
    unfiltered = LaterRequest()
    requests = [
        unfiltered,
        LaterRequest(filters=Titled(title_contains="a")),
        LaterRequest(filters=Titled(title_contains="b")),
        LaterRequest(filters=Titled(updated_after=START)),
        LaterRequest(counts_hidden=True),
    ]
    page = Page.from_offset(0, SESSIONS[:1], total=2, limit=1)
    cursors = [request.cursors(page)[1] for request in requests]
    for made, cursor in zip(requests, cursors, strict=True):
        for request in requests:
            if request is made:
                assert replace(request, limit=7, cursor=cursor).cursor == cursor
                continue
            with pytest.raises(InvalidValue, match="was made for another filter") as refusal:
                replace(request, cursor=cursor)
            assert refusal.value.field == ("cursor",)
    assert cursors[0] == SessionPageRequest().cursors(page)[1]


SESSIONS = [
    Session.started(UUID(int=number), OWNER, START + (number // 2) * TICK, NewSession())
    for number in range(5)
]
"""Their times tie in pairs, so that ids decide."""


def asked(side: Side, at: int | None, order: SortOrder, limit: int) -> SessionPageRequest:
    key = None if at is None else (SESSIONS[at].created_at, SESSIONS[at].id)
    by = SessionSort.CREATED_AT
    return SessionPageRequest(
        limit=limit,
        sort_by=by,
        sort_order=order,
        cursor=Cursor(sort_by=by, sort_order=order, side=side, key=key),
    )


@pytest.mark.parametrize(
    ("side", "at", "ascending", "has_previous", "has_next"),
    [
        (Side.AFTER, None, [0, 1], False, True),
        (Side.AFTER, 0, [1, 2], True, True),
        (Side.AFTER, 2, [3, 4], True, False),
        (Side.AFTER, 3, [4], True, False),
        (Side.AFTER, 4, [], True, False),
        (Side.BEFORE, None, [3, 4], True, False),
        (Side.BEFORE, 4, [2, 3], True, True),
        (Side.BEFORE, 2, [0, 1], False, True),
        (Side.BEFORE, 1, [0], False, True),
        (Side.BEFORE, 0, [], False, True),
    ],
)
def test_a_page_lies_beside_its_cursors_key(
    side: Side, at: int | None, ascending: list[int], *, has_previous: bool, has_next: bool
) -> None:
    page = asked(side, at, SortOrder.ASC, 2).page_of(SESSIONS)
    assert [session.id.int for session in page.items] == ascending
    assert (page.total, page.limit, page.offset) == (5, 2, None)
    assert (page.has_previous, page.has_next) == (has_previous, has_next)
    assert (page.next_offset, page.previous_offset) == (None, None)
    mirrored = asked(side, None if at is None else 4 - at, SortOrder.DESC, 2).page_of(SESSIONS)
    assert [4 - session.id.int for session in mirrored.items] == ascending
    assert (mirrored.has_previous, mirrored.has_next) == (has_previous, has_next)


@pytest.mark.parametrize("order", SortOrder)
def test_following_the_cursors_walks_the_list_both_ways(order: SortOrder) -> None:
    expected = sorted(SESSIONS, key=lambda one: one.id, reverse=order is SortOrder.DESC)
    for side, place in ((Side.AFTER, 1), (Side.BEFORE, 0)):
        request = asked(side, None, order, 2)
        walked = []
        while True:
            page = request.page_of(SESSIONS)
            walked += [*page.items] if side is Side.AFTER else [*reversed(page.items)]
            cursor = request.cursors(page)[place]
            if cursor is None:
                break
            assert (cursor.sort_by, cursor.sort_order, cursor.side) == (
                SessionSort.CREATED_AT,
                order,
                side,
            )
            request = replace(request, cursor=cursor)
        assert walked == (expected if side is Side.AFTER else expected[::-1])


def test_an_empty_page_leads_back_to_the_lists_end() -> None:
    for side, leads in ((Side.AFTER, Side.BEFORE), (Side.BEFORE, Side.AFTER)):
        request = asked(side, 4 if side is Side.AFTER else 0, SortOrder.ASC, 2)
        found = request.cursors(request.page_of(SESSIONS))
        (cursor,) = [one for one in found if one is not None]
        assert (cursor.side, cursor.key) == (leads, None)


MESSAGES = [
    Message(
        id=UUID(int=order),
        session_id=UUID(int=0),
        message_order=order,
        role=Role.USER,
        content="",
        metadata=EMPTY,
        timestamp=START + order * TICK,
    )
    for order in range(1, 6)
]


@pytest.mark.parametrize(
    ("request_", "orders", "offset", "has_previous", "has_next"),
    [
        ({}, [1, 2], 0, False, True),
        ({"offset": 3}, [4, 5], 3, True, False),
        ({"offset": 4}, [5], 4, True, False),
        ({"offset": 9}, [], 9, True, False),
        ({"after": 0}, [1, 2], None, False, True),
        ({"after": 2}, [3, 4], None, True, True),
        ({"after": 5}, [], None, True, False),
        ({"after": 99}, [], None, True, False),
        ({"before": 6}, [4, 5], None, True, False),
        ({"before": 3}, [1, 2], None, False, True),
        ({"before": 2}, [1], None, False, True),
        ({"before": 1}, [], None, False, True),
        ({"before": 0}, [], None, False, True),
        ({"before": 99}, [4, 5], None, True, False),
    ],
)
def test_a_page_of_messages_is_a_span(
    request_: dict[str, int],
    orders: list[int],
    offset: int | None,
    *,
    has_previous: bool,
    has_next: bool,
) -> None:
    """Descending, what is before an order is what was after its mirror image."""
    page = MessagePageRequest(limit=2, **request_).page_of(MESSAGES)  # type: ignore[arg-type]
    assert [message.message_order for message in page.items] == orders
    assert (page.total, page.limit, page.offset) == (5, 2, offset)
    assert (page.has_previous, page.has_next) == (has_previous, has_next)
    other = {"after": "before", "before": "after"}
    mirrored = {
        other.get(name, name): max(0, 6 - value) if name in other else value
        for name, value in request_.items()
    }
    descending = MessagePageRequest(
        limit=2,
        sort_order=SortOrder.DESC,
        **mirrored,  # type: ignore[arg-type]
    ).page_of(MESSAGES)
    assert [6 - message.message_order for message in descending.items] == orders


def test_a_request_at_the_bounds_is_taken() -> None:
    PageRequest(limit=1, offset=0)
    PageRequest(limit=200, offset=2**31 - 1)
