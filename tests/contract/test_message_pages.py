"""What every MessageReader promises of pages."""

from collections.abc import Sequence
from dataclasses import replace
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from application.ports.storage import Storage
from domain.body import Body
from domain.message import Message, NewMessage, Role
from domain.message_page import MessagePageRequest, MessageSort
from domain.page import SortOrder
from domain.session import Session
from tests.clock import START
from tests.contract.examples import (
    ALICE,
    appended,
    batch,
    new_messages,
    new_owner,
    started,
    stored_session,
    walked,
)


def requests(longest: int) -> st.SearchStrategy[MessagePageRequest]:
    """Of a session whose orders go to about `longest`."""
    return st.builds(
        lambda place, at, **others: MessagePageRequest(**{place: at}, **others),
        st.sampled_from(["offset", "after", "before", "around"]),
        st.integers(0, longest) | st.just(2**31 - 1),
        limit=st.integers(1, longest),
        sort_by=st.sampled_from(MessageSort),
        sort_order=st.sampled_from(SortOrder),
        with_bodies=st.booleans(),
    )


async def check(
    storage: Storage, session: Session, left: Sequence[Message], request: MessagePageRequest
) -> None:
    """Hold a page against the one that a plain list gives."""
    page = await storage.messages.page(session.owner, session.id, request)
    expected = request.page_of(left, session.last_updated)
    assert replace(page, items=list(page.items)) == replace(expected, items=list(expected.items))


@given(
    total=st.integers(0, 9),
    removals=st.lists(st.integers(0, 8), max_size=6),
    later=st.integers(0, 2),
    asked=st.lists(requests(12), min_size=12, max_size=12),
)
async def test_a_page_is_what_a_plain_list_gives(
    shared_storage: Storage,
    total: int,
    removals: list[int],
    later: int,
    asked: list[MessagePageRequest],
) -> None:
    """Right after removals, from the front, the end and the midst, and after what follows them."""
    session, first = started(new_owner(), new_messages(*map(str, range(total))))
    await shared_storage.sessions.add(session, first)
    left = list(first)
    for place in removals:
        if place < len(left):
            order = left.pop(place).message_order
            await shared_storage.messages.remove(session.owner, session.id, order, START)
            session = session.changed(START, removed=1)
    if later:
        said = new_messages(*map(str, range(later)))
        session, _ = session.appended(said, START)
        left += await appended(shared_storage, session, said)
    for request in asked:
        await check(shared_storage, session, left, request)


@given(
    total=st.integers(0, 9),
    limit=st.integers(1, 10),
    sort_by=st.sampled_from(MessageSort),
    sort_order=st.sampled_from(SortOrder),
)
async def test_walked_pages_visit_each_message_once_in_order(
    shared_storage: Storage,
    total: int,
    limit: int,
    sort_by: MessageSort,
    sort_order: SortOrder,
) -> None:
    session = await stored_session(shared_storage, new_owner(), *map(str, range(total)))
    await stored_session(shared_storage, session.owner, "of another session")

    items, totals = await walked(
        lambda offset: shared_storage.messages.page(
            session.owner,
            session.id,
            MessagePageRequest(limit=limit, offset=offset, sort_by=sort_by, sort_order=sort_order),
        )
    )

    expected = [str(place) for place in range(total)]
    if sort_order is SortOrder.DESC:
        expected.reverse()
    assert [message.content for message in items] == expected
    assert set(totals) == {total}


@pytest.mark.parametrize("sort_order", SortOrder)
async def test_past_the_end_there_are_no_items_and_the_true_total(
    storage: Storage, sort_order: SortOrder
) -> None:
    """Nor are there in a session with no messages, or with no more of them."""
    session = await stored_session(storage, ALICE, "one", "two", "three")
    for total in (3, 2, 0):
        for offset in (total, total + 1, 2**31 - 1):
            request = MessagePageRequest(limit=2, offset=offset, sort_order=sort_order)
            page = await storage.messages.page(ALICE, session.id, request)
            assert (list(page.items), page.total, page.has_next) == ([], total, False)
            assert page.has_previous == (offset > 0 and total > 0)
        if total == 3:
            await storage.messages.remove(ALICE, session.id, 2, START)
        else:
            await storage.messages.clear(ALICE, session.id, None, START)


LARGE = Body.from_mapping({"text": "", "a": "é" * 125_000})
"""Of 250 KB, so that sixteen fit a page."""

WALKS: list[dict[str, Any]] = [
    {},
    {"limit": 20},
    {"offset": 9},
    {"offset": 30},
    {"after": 5},
    {"after": 38},
    {"before": 35},
    {"before": 4},
    {"around": 20},
    {"around": 14},
    {"around": 39, "limit": 30},
    {"around": 2, "limit": 1},
]


@pytest.fixture
async def long(storage: Storage) -> tuple[Session, list[Message]]:
    """A session of 40 messages, of which every second one is large, and what is left of it after
    two have gone."""
    said = [NewMessage(Role.USER, "x", body=LARGE if n % 2 else None) for n in range(40)]
    session, first = started(ALICE, batch(*said))
    await storage.sessions.add(session, first)
    for order in (14, 15):
        await storage.messages.remove(ALICE, session.id, order, START)
        session = session.changed(START, removed=1)
    return session, [one for one in first if one.message_order not in {14, 15}]


async def test_a_page_ends_before_it_is_too_large(
    storage: Storage, long: tuple[Session, list[Message]]
) -> None:
    """Whichever way it goes; without bodies it is as long as was asked."""
    session, left = long
    for walk in WALKS:
        for sort_order in SortOrder:
            asked: dict[str, Any] = {"limit": 200, "sort_order": sort_order, **walk}
            request = MessagePageRequest(**asked)
            await check(storage, session, left, request)
            await check(storage, session, left, replace(request, with_bodies=False))
    items, _ = await walked(
        lambda offset: storage.messages.page(
            ALICE, session.id, MessagePageRequest(limit=200, offset=offset)
        )
    )
    assert items == left


async def test_a_message_that_fills_a_page_is_one(storage: Storage) -> None:
    """Also one that became so large, or has it all in its content and metadata."""
    session = await stored_session(storage, ALICE, *"abcd")
    huge = NewMessage(Role.USER, "x", body=Body.from_mapping({"a": "x" * 4_194_000}))
    await storage.messages.replace(ALICE, session.id, 2, huge, START)
    await appended(storage, session, batch(huge, replace(huge, body=None)))
    session = await storage.sessions.get(ALICE, session.id)
    left = [await storage.messages.get(ALICE, session.id, order) for order in range(1, 7)]
    found = []
    for sort_order in SortOrder:
        request = MessagePageRequest(limit=50, sort_order=sort_order)
        await check(storage, session, left, request)
        items, _ = await walked(
            lambda offset, request=request: storage.messages.page(  # type: ignore[misc]
                ALICE, session.id, replace(request, offset=offset)
            )
        )
        found.append([message.message_order for message in items])
    assert found == [[1, 2, 3, 4, 5, 6], [6, 5, 4, 3, 2, 1]]
    for request in (MessagePageRequest(around=2), MessagePageRequest(before=3)):
        await check(storage, session, left, request)


async def test_a_page_without_bodies_has_all_else_of_its_messages(storage: Storage) -> None:
    body = Body('{"a":1}')
    session, first = started(ALICE, batch(NewMessage(Role.USER, "x", name="n", body=body)))
    await storage.sessions.add(session, first)
    request = MessagePageRequest(with_bodies=False)
    page = await storage.messages.page(ALICE, session.id, request)
    assert list(page.items) == [first[0]._replace(body=None)]
    assert (await storage.messages.page(ALICE, session.id, MessagePageRequest())).items[0] == first[
        0
    ]
