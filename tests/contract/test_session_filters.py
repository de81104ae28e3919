"""What every storage promises of sessions' external ids, of their flags, and of filters on them."""

import asyncio
from dataclasses import replace
from datetime import timedelta
from typing import Any

import pytest

from application.ports.storage import Storage
from domain.errors import ExternalIdTaken, SessionNotFound
from domain.instant import TICK
from domain.metadata import Metadata
from domain.owner import Owner
from domain.page import SortOrder
from domain.session import Session, SessionPatch
from domain.session_page import SessionFilter, SessionPageRequest, SessionSort
from tests.clock import START
from tests.contract.examples import ALICE, BOB, new_messages, new_session, started, stored_session

ANY = SessionFilter(archived=None)


async def total(storage: Storage, filters: SessionFilter, owner: Owner = ALICE) -> int:
    return (await storage.sessions.page(owner, SessionPageRequest(filters=filters))).total


async def test_an_external_id_is_taken_once_by_its_owner(storage: Storage) -> None:
    """What is refused stores nothing, its messages neither, and is not counted."""
    session = new_session(external_id="trip")
    for one in (session, new_session(external_id="Trip"), new_session(BOB, external_id="trip")):
        await storage.sessions.add(one, ())
        assert await storage.sessions.find(one.owner, one.external_id or "") == one.id
    again, messages = started(ALICE, new_messages("x"), external_id="trip")
    with pytest.raises(ExternalIdTaken) as refusal:
        await storage.sessions.add(again, messages)
    assert (refusal.value.session_id, refusal.value.message_order) == (session.id, None)
    assert not await storage.sessions.exists(again.id)
    assert await total(storage, ANY) == 2
    for unknown in ("TRIP", " trip", "tri", ""):
        with pytest.raises(SessionNotFound):
            await storage.sessions.find(ALICE, unknown)
    await storage.sessions.remove(ALICE, session.id)
    with pytest.raises(SessionNotFound):
        await storage.sessions.find(ALICE, "trip")
    await storage.sessions.add(again, messages)
    assert await storage.sessions.find(ALICE, "trip") == again.id
    assert await total(storage, ANY) == 2


@pytest.mark.parametrize("has_others", [False, True])
async def test_of_rivals_with_one_external_id_one_makes_its_session(
    storage: Storage, *, has_others: bool
) -> None:
    """Also where they are their owner's first. The others are told which it is."""
    if has_others:
        await stored_session(storage)

    async def rival(session: Session) -> object:
        try:
            return await storage.sessions.add(session, ())
        except ExternalIdTaken as taken:
            return taken.session_id

    sessions = [new_session(external_id="trip") for _ in range(10)]
    found = await asyncio.gather(*map(rival, sessions))
    winner = await storage.sessions.find(ALICE, "trip")
    assert found.count(None) == 1
    assert found.count(winner) == 9
    assert sessions[found.index(None)].id == winner
    assert await total(storage, ANY) == 1 + has_others


async def test_a_flag_moves_the_version_and_the_totals_and_not_the_time(storage: Storage) -> None:
    kept, session = await stored_session(storage), await stored_session(storage, ALICE, "x")
    on, off = SessionPatch(archived=True), SessionPatch(archived=False)
    for patch, archived in ((on, 1), (on, 1), (off, 0), (on, 1)):
        session = session.updated(patch, START + timedelta(days=1))
        update = storage.sessions.update
        found = await update(ALICE, session.id, lambda one, p=patch: one.updated(p, START))  # type: ignore[misc]
        assert found == session == await storage.sessions.get(ALICE, session.id)
        assert await total(storage, SessionFilter()) == 2 - archived
        assert await total(storage, SessionFilter(archived=True)) == archived
        assert await total(storage, ANY) == 2
    assert (session.revision, session.last_updated) == (3, found.last_updated)
    await storage.messages.append(ALICE, session.id, new_messages("y"), START)
    assert (await storage.sessions.get(ALICE, session.id)).archived
    await storage.sessions.remove(ALICE, session.id)
    assert await total(storage, SessionFilter()) == await total(storage, ANY) == 1
    assert await total(storage, SessionFilter(archived=True)) == 0
    page = await storage.sessions.page(ALICE, SessionPageRequest())
    assert list(page.items) == [kept]


@pytest.mark.parametrize("expects", [False, True])
async def test_an_archived_session_that_goes_leaves_the_totals_true(
    storage: Storage, *, expects: bool
) -> None:
    """However it goes, and when flags and removals come at the same time."""
    sessions = [await stored_session(storage) for _ in range(6)]
    patch = SessionPatch(archived=True)
    changes = [
        storage.sessions.update(ALICE, one.id, lambda found: found.updated(patch, START))
        for one in sessions[:4]
    ]
    flagged = await asyncio.gather(*changes)
    removals = [
        storage.sessions.remove(ALICE, one.id, [one.version] if expects else None)
        for one in (*flagged[:2], sessions[4])
    ]
    unflag = storage.sessions.update(
        ALICE, flagged[2].id, lambda found: found._replace(archived=False, revision=2)
    )
    await asyncio.gather(unflag, *removals)
    assert await total(storage, SessionFilter()) == 2
    assert await total(storage, SessionFilter(archived=True)) == 1
    assert await total(storage, ANY) == 3


def member(value: str, name: str = "a") -> dict[str, Any]:
    return {"metadata": ((name, value),)}


FILTERS: list[dict[str, Any]] = [
    {},
    {"archived": None},
    {"archived": True},
    {"pinned": True},
    {"pinned": False},
    {"archived": None, "pinned": True},
    {"external_id": "trip"},
    {"external_id": "none"},
    {"archived": True, "external_id": "trip"},
    {"updated_after": START + 3 * TICK},
    {"updated_before": START + 3 * TICK},
    {"updated_after": START, "updated_before": START + 6 * TICK},
    {"archived": None, "updated_after": START + 2 * TICK, "pinned": False},
    member("1"),
    member("1.0"),
    member("10e-1"),
    member('"1"'),
    member("true"),
    member("null"),
    member("19.99"),
    member("0.12345678901234567890123"),
    member("0.12345678901234567890124"),
    member("12345678901234567890"),
    member("-0.0"),
    member("1e-400"),
    member("1e-16383"),
    member("0"),
    member('""'),
    member('"é🙂\'\\"\\\\"'),
    member('{"y":[1,{"z":2}],"x":null}'),
    member('{"x":null}'),
    member("[1,2]"),
    member("[2,1]"),
    member("1", "b.c'\"$é"),
    member("1", ""),
    member("1", "unknown"),
    {"archived": None, "metadata": (("a", "1"), ("b", "true"))},
]

METADATA = [
    "{}",
    '{"a":1}',
    '{"a":1.0,"b":true}',
    '{"a":"1"}',
    '{"a":true}',
    '{"a":null}',
    '{"a":19.990}',
    '{"a":0.12345678901234567890123}',
    '{"a":12345678901234567890}',
    '{"a":12345678901234567891}',
    '{"a":-0}',
    '{"a":1e-400}',
    '{"a":2e-400}',
    '{"a":1e-16383}',
    '{"a":""}',
    '{"a":"é🙂\'\\"\\\\"}',
    '{"a":{"x":null,"y":[1.0,{"z":2}]}}',
    '{"a":[1,2]}',
    '{"b.c\'\\"$é":1,"":1}',
    '{"b":{"a":1}}',
]


async def sessions_of_all_kinds(storage: Storage) -> list[Session]:
    sessions = []
    for place, metadata in enumerate(METADATA * 2):
        fresh = new_session(
            now=START + place // 3 * TICK,
            metadata=Metadata(metadata),
            external_id="trip" if place == 1 else None,
        )
        session = fresh._replace(archived=place % 4 == 0, pinned=place % 3 == 0)
        await storage.sessions.add(fresh, ())
        await storage.sessions.update(ALICE, session.id, lambda _, to=session: to)  # type: ignore[misc]
        sessions.append(session)
    await storage.sessions.add(new_session(BOB, external_id="none"), ())
    return sessions


async def test_a_list_has_what_its_filter_leaves_in_each_sort(storage: Storage) -> None:
    """With the total of that, by offset, and by cursor to its end and back."""
    sessions = await sessions_of_all_kinds(storage)
    for place, chosen in enumerate(FILTERS):
        request = SessionPageRequest(
            limit=3,
            sort_by=list(SessionSort)[place % 2],
            sort_order=list(SortOrder)[place // 2 % 2],
            filters=SessionFilter(**chosen),
        )
        whole = replace(request, limit=200).page_of(sessions)
        for asked in (request, replace(request, offset=4), replace(request, offset=50)):
            page = await storage.sessions.page(ALICE, asked)
            expected = asked.page_of(sessions)
            assert replace(page, items=list(page.items)) == expected, chosen
        found = await followed(storage, request, way=1)
        assert found == list(whole.items), chosen


async def followed(storage: Storage, request: SessionPageRequest, way: int) -> list[Session]:
    """All that the cursors lead to. The totals stay, and the way back is the same."""
    page = await storage.sessions.page(ALICE, request)
    total, pages = page.total, [list(page.items)]
    while (cursor := request.cursors(page)[way]) is not None:
        page = await storage.sessions.page(ALICE, replace(request, cursor=cursor))
        assert page.total == total
        pages.append(list(page.items))
    back = [pages[-1]]
    while (cursor := request.cursors(page)[1 - way]) is not None:
        page = await storage.sessions.page(ALICE, replace(request, cursor=cursor))
        back.append(list(page.items))
    assert back == pages[::-1]
    return [session for items in pages for session in items]
