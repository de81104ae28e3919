"""What every SessionRepository promises."""

from dataclasses import replace
from datetime import UTC, timedelta
from uuid import uuid4

import pytest
from hypothesis import given
from hypothesis import strategies as st

from application.ports.storage import Storage
from domain.errors import SessionNotFound, VersionMismatch
from domain.instant import TICK
from domain.message_page import MessagePageRequest
from domain.metadata import Metadata
from domain.owner import Owner
from domain.page import SortOrder
from domain.session import Session, Version
from domain.session_page import Cursor, SessionPageRequest, SessionSort, Side
from tests.clock import START
from tests.contract.examples import (
    ALICE,
    BOB,
    OTHER_ALICE,
    new_messages,
    new_owner,
    new_session,
    stored_session,
    walked,
)


async def test_a_session_comes_back_equal(storage: Storage) -> None:
    session = new_session(
        title="Überfahrt 🚢",
        metadata=Metadata('{"z":1.50,"a":[1e-400,null,12345678901234567890]}'),
        external_id="ü/1 ?#",
        created_at=START - timedelta(days=700),
    )
    await storage.sessions.add(session, ())
    found = await storage.sessions.get(ALICE, session.id)
    assert found == session
    assert found.created_at.tzinfo is UTC
    assert list(found.metadata.to_dict()) == ["z", "a"]


async def test_a_session_is_stored_with_its_first_messages(storage: Storage) -> None:
    session = await stored_session(storage, ALICE, "one", "two")
    page = await storage.messages.page(ALICE, session.id, MessagePageRequest())
    assert [message.content for message in page.items] == ["one", "two"]
    assert await storage.sessions.get(ALICE, session.id) == session


async def test_an_unknown_session_is_not_found(storage: Storage) -> None:
    await stored_session(storage)
    with pytest.raises(SessionNotFound):
        await storage.sessions.get(ALICE, uuid4())
    with pytest.raises(SessionNotFound):
        await storage.sessions.update(ALICE, uuid4(), lambda session: session)
    with pytest.raises(SessionNotFound):
        await storage.sessions.remove(ALICE, uuid4())


@pytest.mark.parametrize("other", [BOB, OTHER_ALICE], ids=["subject", "issuer"])
async def test_another_owners_session_is_no_session_at_all(storage: Storage, other: Owner) -> None:
    session = new_session(external_id="trip")
    await storage.sessions.add(session, ())
    with pytest.raises(SessionNotFound):
        await storage.sessions.get(other, session.id)
    with pytest.raises(SessionNotFound):
        await storage.sessions.update(other, session.id, lambda found: found._replace(title="mine"))
    with pytest.raises(SessionNotFound):
        await storage.sessions.remove(other, session.id)
    with pytest.raises(SessionNotFound):
        await storage.sessions.find(other, "trip")
    page = await storage.sessions.page(other, SessionPageRequest())
    assert (list(page.items), page.total) == ([], 0)
    assert await storage.sessions.get(ALICE, session.id) == session


async def test_exists_tells_of_anyones_session(storage: Storage) -> None:
    session = await stored_session(storage, BOB)
    assert await storage.sessions.exists(session.id)
    assert not await storage.sessions.exists(uuid4())
    await storage.sessions.remove(BOB, session.id)
    assert not await storage.sessions.exists(session.id)


async def test_update_stores_and_returns_what_the_change_makes(storage: Storage) -> None:
    session = await stored_session(storage, ALICE, "one")
    later = session.last_updated + timedelta(seconds=1)
    updated = session._replace(title="new", metadata=Metadata('{"a":1}'), last_updated=later)
    flagged = updated._replace(archived=True, pinned=True, revision=1)
    for change in (updated, flagged, session._replace(title=None, revision=2)):
        assert await storage.sessions.update(ALICE, session.id, lambda _, to=change: to) == change  # type: ignore[misc]
        assert await storage.sessions.get(ALICE, session.id) == change


async def test_a_change_that_raises_stores_nothing(storage: Storage) -> None:
    session = await stored_session(storage)

    def refuse(_: Session) -> Session:
        raise ZeroDivisionError

    with pytest.raises(ZeroDivisionError):
        await storage.sessions.update(ALICE, session.id, refuse)
    assert await storage.sessions.get(ALICE, session.id) == session
    await storage.sessions.update(ALICE, session.id, lambda found: found._replace(title="still"))


async def test_a_session_is_removed_at_an_expected_version_only(storage: Storage) -> None:
    session = await stored_session(storage, ALICE, "one")
    pinned = session._replace(pinned=True, revision=1)
    await storage.sessions.update(ALICE, session.id, lambda _: pinned)
    stale, later = session.version, Version(session.last_updated + TICK, 1)
    for expected in ([], [stale], [stale, later]):
        with pytest.raises(VersionMismatch):
            await storage.sessions.remove(ALICE, session.id, expected)
    page = await storage.sessions.page(ALICE, SessionPageRequest())
    assert (list(page.items), page.total) == ([pinned], 1)
    await storage.sessions.remove(ALICE, session.id, [stale, pinned.version])
    for version in (None, [later]):
        with pytest.raises(SessionNotFound):
            await storage.sessions.remove(ALICE, session.id, version)


async def test_removing_a_session_takes_its_messages_and_its_place_in_the_count(
    storage: Storage,
) -> None:
    kept, gone = await stored_session(storage), await stored_session(storage, ALICE, "one")
    await storage.sessions.remove(ALICE, gone.id)
    page = await storage.sessions.page(ALICE, SessionPageRequest())
    assert (list(page.items), page.total) == ([kept], 1)
    with pytest.raises(SessionNotFound):
        await storage.messages.page(ALICE, gone.id, MessagePageRequest())
    with pytest.raises(SessionNotFound):
        await storage.messages.append(ALICE, gone.id, new_messages("two"), START)
    with pytest.raises(SessionNotFound):
        await storage.sessions.remove(ALICE, gone.id)


async def test_what_is_returned_cannot_change_what_is_stored(storage: Storage) -> None:
    session = new_session(metadata=Metadata.from_mapping({"tags": ["a"]}))
    await storage.sessions.add(session, ())
    found = await storage.sessions.get(ALICE, session.id)
    found.metadata.to_dict()["tags"].append("b")
    page = await storage.sessions.page(ALICE, SessionPageRequest())
    assert page.items[0].metadata == session.metadata
    with pytest.raises(AttributeError):
        found.title = "changed"  # type: ignore[misc]


@given(
    moments=st.lists(st.integers(0, 3), max_size=9),
    limit=st.integers(1, 10),
    sort_by=st.sampled_from(SessionSort),
    sort_order=st.sampled_from(SortOrder),
)
async def test_walked_pages_visit_each_session_once_in_order(
    shared_storage: Storage,
    moments: list[int],
    limit: int,
    sort_by: SessionSort,
    sort_order: SortOrder,
) -> None:
    """Also where most are of the same microsecond: those are ordered by id, the same way round."""
    owner = new_owner()
    sessions = []
    for moment in moments:
        sessions.append(new_session(owner, now=START + timedelta(microseconds=moment)))
        await shared_storage.sessions.add(sessions[-1], ())
    await stored_session(shared_storage, new_owner())

    items, totals = await walked(
        lambda offset: shared_storage.sessions.page(
            owner,
            SessionPageRequest(limit=limit, offset=offset, sort_by=sort_by, sort_order=sort_order),
        )
    )

    expected = sorted(
        sessions,
        key=lambda session: (getattr(session, sort_by), session.id),
        reverse=sort_order is SortOrder.DESC,
    )
    assert items == expected
    assert set(totals) == {len(sessions)}


@given(
    moments=st.lists(st.integers(0, 3), max_size=7),
    limit=st.integers(1, 4),
    offset=st.integers(0, 8),
    removed=st.sets(st.integers(0, 6)),
    sort_by=st.sampled_from(SessionSort),
    sort_order=st.sampled_from(SortOrder),
)
async def test_cursors_lead_to_what_lies_beside_them(
    shared_storage: Storage,
    moments: list[int],
    limit: int,
    offset: int,
    removed: set[int],
    sort_by: SessionSort,
    sort_order: SortOrder,
) -> None:
    """From any page on, forth and back, also where a session at the page's edge is gone."""
    asked = SessionPageRequest(limit=limit, offset=offset, sort_by=sort_by, sort_order=sort_order)
    owner, storage = new_owner(), shared_storage
    sessions = [new_session(owner, now=START + moment * TICK) for moment in moments]
    for session in (*sessions, new_session(new_owner())):
        await storage.sessions.add(session, ())
    ordered = sorted(sessions, key=asked.key, reverse=sort_order is SortOrder.DESC)
    previous, following = asked.cursors(await storage.sessions.page(owner, asked))
    start, stop = min(offset, len(ordered)), min(offset + limit, len(ordered))
    assert (previous is not None, following is not None) == (
        offset > 0 and bool(ordered),
        stop < len(ordered),
    )
    before, after = ordered[:start], ordered[stop:]
    gone = [ordered[place] for place in removed if place < len(ordered)]
    for session in gone:
        await storage.sessions.remove(owner, session.id)
    left = [session for session in ordered if session not in gone]
    for cursor, side in ((previous, before), (following, after)):
        if cursor is None:
            continue
        beside = replace(asked, offset=None, cursor=cursor)
        page = await storage.sessions.page(owner, beside)
        there = [session for session in side if session not in gone]
        rest = [session for session in left if session not in there]
        if side is before:
            items, earlier, later = there[-limit:], there[:-limit], rest
        else:
            items, earlier, later = there[:limit], rest, there[limit:]
        assert list(page.items) == items
        assert (page.total, page.offset) == (len(left), None)
        assert (page.has_previous, page.has_next) == (bool(earlier), bool(later))


@pytest.mark.parametrize("sort_order", SortOrder)
async def test_a_walk_by_cursor_ends_whichever_way_it_goes(
    storage: Storage, sort_order: SortOrder
) -> None:
    sessions = [await stored_session(storage) for _ in range(5)]
    asked = SessionPageRequest(limit=2, sort_order=sort_order, sort_by=SessionSort.CREATED_AT)
    ordered = sorted(sessions, key=asked.key, reverse=sort_order is SortOrder.DESC)
    found = []
    for way in (1, 0):
        page = await storage.sessions.page(ALICE, asked)
        found.append(list(page.items))
        while (cursor := asked.cursors(page)[way]) is not None:
            page = await storage.sessions.page(ALICE, replace(asked, cursor=cursor))
            found.append(list(page.items))
        end = Cursor(sort_by=asked.sort_by, sort_order=sort_order, side=Side.BEFORE, key=None)
        asked = replace(asked, cursor=end)
    assert found[:3] == [ordered[:2], ordered[2:4], ordered[4:]]
    assert found[3:] == [ordered[3:], ordered[1:3], ordered[:1]]


async def test_past_the_end_there_are_no_items_and_the_true_total(storage: Storage) -> None:
    await stored_session(storage)
    page = await storage.sessions.page(ALICE, SessionPageRequest(offset=2**31 - 1))
    assert (list(page.items), page.total, page.has_next) == ([], 1, False)
    assert page.previous_offset == 0
