"""Pages of messages, where all of a session's messages are at hand."""

from collections.abc import Mapping
from dataclasses import replace
from uuid import UUID

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from domain.body import Body
from domain.errors import InvalidValue
from domain.instant import TICK
from domain.message import Message, Role
from domain.message_page import PAGE_SIZE_MAX, MessagePageRequest, Walk
from domain.metadata import EMPTY
from domain.page import SortOrder
from tests.clock import START
from tests.domain.spans import beside, span_of


def message(order: int, body: Body | None = None) -> Message:
    return Message(
        id=UUID(int=order),
        external_id=None,
        session_id=UUID(int=0),
        message_order=order,
        role=Role.USER,
        name=None,
        content="",
        format=None,
        body=body,
        metadata=EMPTY,
        timestamp=START + order * TICK,
        edited_at=None,
    )


MESSAGES = [message(order) for order in range(1, 6)]


@pytest.mark.parametrize(
    ("places", "field"),
    [
        ({"after": -1}, "after"),
        ({"before": 2**31}, "before"),
        ({"around": -1}, "around"),
        ({"after": 1, "before": 3}, "before"),
        ({"after": 1, "around": 3}, "around"),
        ({"before": 0, "around": 0}, "around"),
        ({"after": 1, "offset": 1}, "offset"),
        ({"before": 1, "offset": 1}, "offset"),
        ({"around": 1, "offset": 0}, "offset"),
        ({"after": 0, "offset": 0}, "offset"),
    ],
)
def test_places_that_do_not_go_together_are_refused(places: dict[str, int], field: str) -> None:
    with pytest.raises(InvalidValue) as refusal:
        MessagePageRequest(**places)  # type: ignore[arg-type]
    assert refusal.value.field == (field,)


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
        ({"around": 0}, [1, 2], None, False, True),
        ({"around": 1}, [1, 2], None, False, True),
        ({"around": 3}, [2, 3], None, True, True),
        ({"around": 5}, [4, 5], None, True, False),
        ({"around": 99}, [4, 5], None, True, False),
        ({"around": 3, "limit": 3}, [2, 3, 4], None, True, True),
        ({"around": 4, "limit": 3}, [3, 4, 5], None, True, False),
        ({"around": 3, "limit": 9}, [1, 2, 3, 4, 5], None, False, False),
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
    """An offset counts in the page's sort. An order does not: the page has the same messages
    whichever way it is sorted."""
    asked = MessagePageRequest(**{"limit": 2, **request_})  # type: ignore[arg-type]
    page = asked.page_of(MESSAGES, START)
    assert [message.message_order for message in page.items] == orders
    assert (page.total, page.limit, page.offset) == (5, asked.limit, offset)
    assert (page.has_previous, page.has_next) == (has_previous, has_next)
    turned = replace(asked, sort_order=SortOrder.DESC).page_of(MESSAGES, START)
    found = [message.message_order for message in turned.items]
    if asked.is_by_order:
        assert found == orders[::-1]
        assert (turned.has_previous, turned.has_next) == (has_next, has_previous)
    else:
        assert [6 - order for order in found] == orders
        assert (turned.has_previous, turned.has_next) == (has_previous, has_next)


SIZES = {
    megabytes: Body.from_mapping({"a": "x" * int(megabytes * 1024 * 1024)})
    for megabytes in (0.9, 1.9, 3.9)
}
"""Bodies of which four, two and one fit a page."""

sessions = st.dictionaries(st.integers(1, 14), st.none() | st.sampled_from(list(SIZES)))
"""What each order that is left has for a body."""

requests = st.builds(
    lambda place, order, **others: MessagePageRequest(**{place: order}, **others),
    st.sampled_from(["offset", "after", "before", "around"]),
    st.integers(0, 16) | st.just(2**31 - 1),
    limit=st.integers(1, 10),
    sort_order=st.sampled_from(SortOrder),
    with_bodies=st.booleans(),
)


@given(sessions, requests)
@example(dict.fromkeys([1, 3]), MessagePageRequest(limit=1, around=2))
@example(dict.fromkeys([1, 2, 9, 10]), MessagePageRequest(limit=4, around=5))
@example(dict.fromkeys(range(1, 9), 1.9), MessagePageRequest(limit=8, around=5))
def test_a_page_is_what_a_plain_list_gives(
    session: Mapping[int, float | None], request: MessagePageRequest
) -> None:
    """Also with holes where messages were removed, and where the page would be too large."""
    stored = [message(order, SIZES.get(session[order] or 0)) for order in sorted(session)]
    page = request.page_of(stored, START)
    found = sorted(one.message_order for one in page.items)
    by_order = {one.message_order: one for one in stored}
    if not request.with_bodies:
        by_order = {order: one._replace(body=None) for order, one in by_order.items()}
    span = span_of(sorted(session), request)
    assert found == fitting(span, by_order, request)
    ascending = request.sort_order is SortOrder.ASC
    assert list(page.items) == [by_order[order] for order in found[:: 1 if ascending else -1]]
    assert (page.total, page.limit, page.as_of) == (len(stored), request.limit, START)
    assert page.offset == (None if request.is_by_order else request.start)
    if request.is_by_order:
        lower, higher = beside(sorted(session), found, request)
        sides = (bool(lower), bool(higher))
        assert (page.has_previous, page.has_next) == (sides if ascending else sides[::-1])
    else:
        assert page.has_next == (request.start + len(found) < len(stored))
        assert page.has_previous == (request.start > 0 and bool(stored))


@given(sessions, requests)
@example(dict.fromkeys(range(1, 9), 1.9), MessagePageRequest(before=8))
@example(dict.fromkeys(range(1, 9), 1.9), MessagePageRequest(after=1, sort_order=SortOrder.DESC))
@example({1: None, 2: 1.9, 3: 1.9, 4: 1.9}, MessagePageRequest(before=5))
@example({1: 1.9, 2: 1.9, 3: 1.9}, MessagePageRequest())
@example({1: 1.9, 2: 1.9, 3: 1.9}, MessagePageRequest(sort_order=SortOrder.DESC))
def test_a_page_is_shortened_by_other_sizes_as_by_its_own(
    session: Mapping[int, float | None], request: MessagePageRequest
) -> None:
    """Such as those in which it is written out."""
    light = [message(order) for order in sorted(session)]
    heavy = {order: message(order, SIZES.get(session[order] or 0)) for order in sorted(session)}
    asked = replace(request, with_bodies=True)
    page = asked.page_of(light, START)
    short = asked.shortened(page, lambda one: heavy[one.message_order].size)
    expected = asked.page_of(list(heavy.values()), START)
    assert replace(short, items=()) == replace(expected, items=())
    found = [one.message_order for one in short.items]
    assert found == [one.message_order for one in expected.items]


def fitting(
    span: list[int], by_order: Mapping[int, Message], request: MessagePageRequest
) -> list[int]:
    """Those that come first where the page is full of bytes before it has them all."""
    if request.around is not None:
        nearest = request.around
        walk = sorted(span, key=lambda order: (abs(order - nearest), order))
    else:
        walk = span if request.walk is Walk.UP else span[::-1]
    size, taken = 0, list[int]()
    for order in walk:
        size += by_order[order].size
        if taken and size > PAGE_SIZE_MAX:
            break
        taken.append(order)
    return sorted(taken)
