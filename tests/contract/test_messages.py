"""What every MessageRepository promises."""

import asyncio
from collections.abc import Mapping
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from itertools import pairwise
from uuid import UUID, uuid4

import pytest
from hypothesis import given
from hypothesis import strategies as st

from application.idempotency import Receipt
from application.ports.storage import Storage
from domain.errors import SessionNotFound
from domain.instant import TICK
from domain.message import Message, NewMessage, Role
from domain.metadata import Metadata
from domain.owner import Owner
from domain.page import MessagePageRequest, MessageSort, SortOrder
from tests.clock import START
from tests.contract.conftest import NewStorage
from tests.contract.examples import (
    ALICE,
    BOB,
    OTHER_ALICE,
    new_messages,
    stored_session,
    walked,
)


async def appended(
    storage: Storage, session_id: UUID, messages: Mapping[UUID, NewMessage], now: datetime
) -> tuple[Message, ...]:
    placed = await storage.messages.append(ALICE, session_id, messages, now)
    assert not isinstance(placed, Receipt)
    return placed


async def all_messages(storage: Storage, owner: Owner, session_id: UUID) -> list[Message]:
    items, _ = await walked(
        lambda offset: storage.messages.page(
            owner,
            session_id,
            MessagePageRequest(limit=200, offset=offset),
        )
    )
    return items


async def test_messages_come_back_equal(storage: Storage) -> None:
    session = await stored_session(storage)
    said = NewMessage(Role.TOOL, "naïve\r\n\t🙂\U0010ffff", Metadata('{"n":1}'))
    (stored,) = await appended(storage, session.id, {uuid4(): said}, START)
    page = await storage.messages.page(ALICE, session.id, MessagePageRequest())
    assert list(page.items) == [stored]
    assert (stored.role, stored.content, stored.metadata) == (
        said.role,
        said.content,
        said.metadata,
    )
    assert page.items[0].timestamp.tzinfo is UTC


@given(appends=st.lists(st.tuples(st.integers(-5, 5), st.integers(1, 4)), max_size=6))
async def test_orders_have_no_gap_and_timestamps_rise_whatever_the_clock_does(
    new_storage: NewStorage, appends: list[tuple[int, int]]
) -> None:
    async with new_storage() as storage:
        session = await stored_session(storage)
        now, last = START, session.last_updated
        for step, how_many in appends:
            now += step * TICK
            texts = [str(place) for place in range(how_many)]
            placed = await appended(storage, session.id, new_messages(*texts), now)
            assert placed[0].timestamp == max(now, last + TICK)
            last = placed[-1].timestamp
            found = await storage.sessions.get(ALICE, session.id)
            assert found.last_updated == last

        stored = await all_messages(storage, ALICE, session.id)
        assert [message.message_order for message in stored] == list(range(1, len(stored) + 1))
        times = [message.timestamp for message in stored]
        assert all(earlier < later for earlier, later in pairwise(times))
        found = await storage.sessions.get(ALICE, session.id)
        assert found.message_count == len(stored) == sum(how_many for _, how_many in appends)


@pytest.mark.parametrize("other", [BOB, OTHER_ALICE], ids=["subject", "issuer"])
async def test_another_owners_session_takes_and_shows_nothing(
    storage: Storage, other: Owner
) -> None:
    session = await stored_session(storage, ALICE, "mine")
    with pytest.raises(SessionNotFound):
        await storage.messages.append(other, session.id, new_messages("theirs"), START)
    with pytest.raises(SessionNotFound):
        await storage.messages.page(other, session.id, MessagePageRequest())
    assert await storage.sessions.get(ALICE, session.id) == session
    assert len(await all_messages(storage, ALICE, session.id)) == 1


async def test_an_unknown_session_is_not_found(storage: Storage) -> None:
    with pytest.raises(SessionNotFound):
        await storage.messages.append(ALICE, uuid4(), new_messages("lost"), START)
    with pytest.raises(SessionNotFound):
        await storage.messages.page(ALICE, uuid4(), MessagePageRequest())


@given(
    total=st.integers(0, 9),
    limit=st.integers(1, 10),
    sort_by=st.sampled_from(MessageSort),
    sort_order=st.sampled_from(SortOrder),
)
async def test_walked_pages_visit_each_message_once_in_order(
    new_storage: NewStorage, total: int, limit: int, sort_by: MessageSort, sort_order: SortOrder
) -> None:
    async with new_storage() as storage:
        session = await stored_session(storage, ALICE, *map(str, range(total)))
        await stored_session(storage, ALICE, "of another session")

        items, totals = await walked(
            lambda offset: storage.messages.page(
                ALICE,
                session.id,
                MessagePageRequest(
                    limit=limit, offset=offset, sort_by=sort_by, sort_order=sort_order
                ),
            )
        )

    expected = [str(place) for place in range(total)]
    if sort_order is SortOrder.DESC:
        expected.reverse()
    assert [message.content for message in items] == expected
    assert set(totals) == {total}


@given(
    total=st.integers(0, 6),
    limit=st.integers(1, 7),
    order=st.integers(0, 9) | st.just(2**31 - 1),
    edge=st.sampled_from(["after", "before"]),
    sort_order=st.sampled_from(SortOrder),
)
async def test_a_page_at_an_order_is_what_is_next_to_it(
    new_storage: NewStorage, total: int, limit: int, order: int, edge: str, sort_order: SortOrder
) -> None:
    async with new_storage() as storage:
        session = await stored_session(storage, ALICE, *map(str, range(total)))
        places = {"after": order} if edge == "after" else {"before": order}
        request = MessagePageRequest(limit=limit, sort_order=sort_order, **places)  # type: ignore[arg-type]
        page = await storage.messages.page(ALICE, session.id, request)

    orders = range(1, total + 1)
    if edge == "after":
        nearest = [found for found in orders if found > order][:limit]
    else:
        nearest = [found for found in orders if found < order][-limit:]
    step = 1 if sort_order is SortOrder.ASC else -1
    assert [message.message_order for message in page.items] == nearest[::step]
    assert (page.total, page.offset) == (total, None)
    has_lower = bool(total) and (nearest[0] > 1 if nearest else edge == "after")
    has_higher = bool(total) and (nearest[-1] < total if nearest else edge == "before")
    assert (page.has_previous, page.has_next) == (has_lower, has_higher)[::step]


@pytest.mark.parametrize("sort_order", SortOrder)
async def test_past_the_end_there_are_no_items_and_the_true_total(
    storage: Storage, sort_order: SortOrder
) -> None:
    session = await stored_session(storage, ALICE, "one", "two", "three")
    for offset in (3, 4, 2**31 - 1):
        request = MessagePageRequest(limit=2, offset=offset, sort_order=sort_order)
        page = await storage.messages.page(ALICE, session.id, request)
        assert (list(page.items), page.total) == ([], 3)


async def test_messages_appended_at_the_same_time_all_find_their_place(storage: Storage) -> None:
    session = await stored_session(storage)

    async def writer(name: int) -> None:
        for turn in range(8):
            batch = new_messages(f"{name}.{turn}.a", f"{name}.{turn}.b")
            await storage.messages.append(ALICE, session.id, batch, START)

    await asyncio.gather(*map(writer, range(16)))

    stored = await all_messages(storage, ALICE, session.id)
    assert [message.message_order for message in stored] == list(range(1, 257))
    contents = [message.content for message in stored]
    assert len(set(contents)) == len(contents)
    for first, second in zip(contents[::2], contents[1::2], strict=True):
        assert first.removesuffix("a") == second.removesuffix("b")


async def test_an_append_and_a_rename_at_the_same_time_both_survive(storage: Storage) -> None:
    session = await stored_session(storage)

    async def rename(title: str) -> None:
        await storage.sessions.update(
            ALICE,
            session.id,
            lambda found: replace(
                found, title=title, last_updated=found.last_updated + timedelta(seconds=1)
            ),
        )

    for turn in range(10):
        await asyncio.gather(
            rename(str(turn)),
            storage.messages.append(ALICE, session.id, new_messages("said"), START),
        )
        found = await storage.sessions.get(ALICE, session.id)
        assert (found.title, found.message_count) == (str(turn), turn + 1)


async def test_a_cancelled_append_is_whole_or_absent(storage: Storage) -> None:
    """And what is appended next is not lost with it."""
    session = await stored_session(storage)
    for turn in range(20):
        append = asyncio.ensure_future(
            storage.messages.append(ALICE, session.id, new_messages("a", "b"), START)
        )
        await asyncio.sleep(turn * 0.0001)
        append.cancel()
        await asyncio.gather(append, return_exceptions=True)
    await storage.messages.append(ALICE, session.id, new_messages("last"), START)

    page = await storage.messages.page(ALICE, session.id, MessagePageRequest(limit=200))
    contents = [message.content for message in page.items]
    assert page.total == len(contents)
    contents.remove("last")
    assert contents == ["a", "b"] * (len(contents) // 2)
