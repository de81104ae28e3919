"""What every MessageRepository promises of appends."""

import asyncio
import json
from collections.abc import Sequence
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from itertools import pairwise
from uuid import uuid4

import pytest
from hypothesis import given
from hypothesis import strategies as st

from application.ports.messages import PLAIN_TERMS, AppendTerms
from application.ports.storage import Storage
from domain.body import Body
from domain.errors import ExternalIdTaken, SessionNotFound, VersionMismatch
from domain.framework_item import message_from_item
from domain.instant import TICK
from domain.message import LAST, Message, NewMessage, Role
from domain.message_page import MessagePageRequest
from domain.metadata import Metadata
from domain.owner import Owner
from domain.session import Version
from domain.strict_json import parse_document
from tests.clock import START
from tests.contract.examples import (
    ALICE,
    BOB,
    OTHER_ALICE,
    all_messages,
    appended,
    batch,
    named,
    new_messages,
    new_owner,
    started,
    stored_session,
)
from tests.domain.conversations import SHAPES

KEEP = AppendTerms(keeps_existing=True)
HELLO = NewMessage(Role.USER, "hello")


def orders(messages: Sequence[Message]) -> list[int]:
    return [message.message_order for message in messages]


async def test_a_message_comes_back_with_all_that_was_said(storage: Storage) -> None:
    """Whether it came with its session or later."""
    said = [
        NewMessage(Role.TOOL, "naïve\r\n\t🙂\U0010ffff", Metadata('{"n":1.50,"a":{"z":1,"b":2}}')),
        NewMessage(
            Role.DEVELOPER,
            "",
            name="Ana Ünal",
            external_id="ü/1?#",
            format="x.y/1",
            body=Body(r'{"b":[1.50,12345678901234567890,-0,1e-400],"\ud83d":"\u0000","a":null}'),
            timestamp=START - timedelta(days=400),
        ),
        NewMessage(Role.USER, "x" * 300_000),
    ]
    session, first = started(ALICE, batch(*said))
    await storage.sessions.add(session, first)
    again = [replace(said[1], external_id="2"), said[2]]
    later = await appended(storage, session, batch(*again))
    stored = [*first, *later]
    assert await all_messages(storage, session) == stored
    for message in stored:
        found = await storage.messages.get(ALICE, session.id, message.message_order)
        assert found == message
    for message, new in zip(stored, [*said, *said[1:]], strict=True):
        for field in ("role", "content", "metadata", "name", "format", "body"):
            assert getattr(message, field) == getattr(new, field)
        assert message.timestamp.tzinfo is UTC


@pytest.mark.parametrize("other", [BOB, OTHER_ALICE], ids=["subject", "issuer"])
async def test_another_owners_session_takes_and_shows_nothing(
    storage: Storage, other: Owner
) -> None:
    """Nor does one that is not there."""
    session = await stored_session(storage, ALICE, "mine")
    for owner, id_ in ((other, session.id), (ALICE, uuid4())):
        for terms in (PLAIN_TERMS, KEEP, AppendTerms(expected=[])):
            with pytest.raises(SessionNotFound):
                await storage.messages.append(owner, id_, named("theirs"), START, None, terms)
        with pytest.raises(SessionNotFound):
            await storage.messages.append(owner, id_, new_messages("theirs"), START)
        with pytest.raises(SessionNotFound):
            await storage.messages.page(owner, id_, MessagePageRequest())
    assert await storage.sessions.get(ALICE, session.id) == session
    assert len(await all_messages(storage, session)) == 1


async def test_messages_in_any_shape_are_kept_as_they_are(storage: Storage) -> None:
    session = await stored_session(storage)
    items = [
        message_from_item(parse_document(json.dumps(shape.item).encode()), shape.format)
        for shape in SHAPES.values()
    ]
    items = [replace(item, external_id=None) for item in items]
    stored = await appended(storage, session, batch(*items))
    assert await all_messages(storage, session) == list(stored)
    for message, shape in zip(stored, SHAPES.values(), strict=True):
        assert message.body
        assert message.body.to_dict() == shape.item
        assert (message.role, message.content) == (shape.role, shape.text)


@given(appends=st.lists(st.tuples(st.integers(-5, 5), st.integers(1, 4)), max_size=6))
async def test_orders_have_no_gap_and_timestamps_rise_whatever_the_clock_does(
    shared_storage: Storage, appends: list[tuple[int, int]]
) -> None:
    session = await stored_session(shared_storage, new_owner())
    now, last = START, session.last_updated
    for step, how_many in appends:
        now += step * TICK
        texts = [str(place) for place in range(how_many)]
        placed = await appended(shared_storage, session, new_messages(*texts), now)
        assert placed[0].timestamp == max(now, last + TICK)
        last = placed[-1].timestamp
        found = await shared_storage.sessions.get(session.owner, session.id)
        assert found.last_updated == last

    stored = await all_messages(shared_storage, session)
    assert orders(stored) == list(range(1, len(stored) + 1))
    assert all(one.timestamp < other.timestamp for one, other in pairwise(stored))
    found = await shared_storage.sessions.get(session.owner, session.id)
    assert found.message_count == len(stored) == sum(how_many for _, how_many in appends)


minutes = st.none() | st.integers(-9, 9)


@given(
    appends=st.lists(st.lists(minutes, min_size=1, max_size=3), max_size=4),
    removals=st.sets(st.integers(0, 3)),
)
async def test_times_given_are_kept_as_the_session_says(
    shared_storage: Storage, appends: list[list[int | None]], removals: set[int]
) -> None:
    """Behind the last message that is left, and at a time of now for the session."""

    def at(minute: int | None) -> datetime | None:
        return None if minute is None else START + timedelta(minutes=minute)

    session = await stored_session(shared_storage, new_owner())
    for turn, given_times in enumerate(appends):
        said = batch(*(replace(HELLO, timestamp=at(minute)) for minute in given_times))
        left = await all_messages(shared_storage, session)
        last = left[-1].timestamp if left else None
        session, placed = session.appended(said, START, last)
        assert await appended(shared_storage, session, said) == placed
        if turn in removals:
            await shared_storage.messages.remove(session.owner, session.id, LAST, START)
            session = session.changed(START, removed=1)
        assert await shared_storage.sessions.get(session.owner, session.id) == session


async def test_an_external_id_is_taken_once_in_a_session(storage: Storage) -> None:
    """What is refused stores nothing, and the first that is taken is named."""
    session, first = started(ALICE, named("a", "b"))
    await storage.sessions.add(session, first)
    for names, order, index in ((("x", "b", "a"), 2, 1), (("a",), 1, 0)):
        with pytest.raises(ExternalIdTaken) as refusal:
            await appended(storage, session, named(*names))
        assert (refusal.value.message_order, refusal.value.index) == (order, index)
    assert await storage.sessions.get(ALICE, session.id) == session
    assert orders(await appended(storage, session, named("A", "x"))) == [3, 4]
    other = await stored_session(storage)
    assert orders(await appended(storage, other, named("a", "b"))) == [1, 2]
    await storage.messages.remove(ALICE, session.id, 1, START)
    assert orders(await appended(storage, session, named("a"))) == [5]


async def test_what_is_there_is_kept_where_so_asked(storage: Storage) -> None:
    """Each as it is stored, in the order given; where all are there, nothing changes."""
    session, first = started(ALICE, named("a", "b"))
    await storage.sessions.add(session, first)
    said = named("c", "b", "d", "a")
    stored = await appended(storage, session, said, terms=KEEP)
    assert orders(stored) == [3, 2, 4, 1]
    assert (stored[1], stored[3]) == (first[1], first[0])
    assert [stored[0].id, stored[2].id] == list(said)[::2]
    after = await storage.sessions.get(ALICE, session.id)
    assert after.message_count == 4
    again = await appended(storage, session, named("d", "a"), START + TICK, terms=KEEP)
    assert again == (stored[2], stored[3])
    assert await storage.sessions.get(ALICE, session.id) == after


async def test_an_append_is_made_at_an_expected_version_only(storage: Storage) -> None:
    """A flag counts. What is refused for another reason is told that."""
    session, first = started(ALICE, named("a"))
    await storage.sessions.add(session, first)
    flagged = session._replace(archived=True, revision=1)
    await storage.sessions.update(ALICE, session.id, lambda _: flagged)
    for stale in ([], [session.version], [Version(session.last_updated + TICK, 1)]):
        terms = AppendTerms(expected=stale)
        with pytest.raises(VersionMismatch):
            await appended(storage, session, new_messages("x"), terms=terms)
        with pytest.raises(ExternalIdTaken):
            await appended(storage, session, named("a"), terms=terms)
        kept = AppendTerms(expected=stale, keeps_existing=True)
        with pytest.raises(VersionMismatch):
            await appended(storage, session, named("a"), terms=kept)
        with pytest.raises(SessionNotFound):
            await storage.messages.append(ALICE, uuid4(), named("a"), START, terms=terms)
    assert await storage.sessions.get(ALICE, session.id) == flagged
    both = AppendTerms(expected=[session.version, flagged.version])
    assert orders(await appended(storage, session, new_messages("x"), terms=both)) == [2]


async def test_messages_appended_at_the_same_time_all_find_their_place(storage: Storage) -> None:
    session = await stored_session(storage)

    async def writer(name: int) -> None:
        for turn in range(8):
            said = new_messages(f"{name}.{turn}.a", f"{name}.{turn}.b")
            await storage.messages.append(ALICE, session.id, said, START)

    await asyncio.gather(*map(writer, range(16)))

    stored = await all_messages(storage, session)
    assert orders(stored) == list(range(1, 257))
    contents = [message.content for message in stored]
    assert len(set(contents)) == len(contents)
    for first, second in zip(contents[::2], contents[1::2], strict=True):
        assert first.removesuffix("a") == second.removesuffix("b")


@pytest.mark.parametrize("terms", [AppendTerms(), KEEP], ids=["refuse", "keep"])
async def test_of_rivals_with_one_external_id_one_is_stored(
    storage: Storage, terms: AppendTerms
) -> None:
    """The others are refused or get what that has stored. Those without one are not held up."""
    session = await stored_session(storage)

    async def rival(number: int) -> Message | int | None:
        said = batch(replace(HELLO, external_id="a", content=str(number)))
        try:
            return (await appended(storage, session, said, terms=terms))[0]
        except ExternalIdTaken as refused:
            return refused.message_order

    plain = [appended(storage, session, new_messages("x")) for _ in range(10)]
    found, _ = await asyncio.gather(asyncio.gather(*map(rival, range(10))), asyncio.gather(*plain))
    stored = await all_messages(storage, session)
    assert orders(stored) == list(range(1, 12))
    (winner,) = [message for message in stored if message.external_id == "a"]
    if terms is KEEP:
        assert found == [winner] * 10
    else:
        assert found.count(winner) == 1
        assert found.count(winner.message_order) == 9


async def test_at_one_version_one_of_rivals_is_stored(storage: Storage) -> None:
    session = await stored_session(storage)
    terms = AppendTerms(expected=[session.version])
    rivals = [appended(storage, session, new_messages("x"), terms=terms) for _ in range(10)]
    found = await asyncio.gather(*rivals, return_exceptions=True)
    assert sum(isinstance(one, VersionMismatch) for one in found) == 9
    assert orders(await all_messages(storage, session)) == [1]


async def test_a_cancelled_append_is_whole_or_absent(storage: Storage) -> None:
    """One that looks before it writes, too. And what is appended next is not lost with it."""
    session = await stored_session(storage)
    for turn in range(20):
        terms = KEEP if turn % 2 else PLAIN_TERMS
        append = asyncio.ensure_future(
            appended(storage, session, new_messages("a", "b"), terms=terms)
        )
        await asyncio.sleep(turn * 0.0001)
        append.cancel()
        await asyncio.gather(append, return_exceptions=True)
    await appended(storage, session, new_messages("last"))

    contents = [message.content for message in await all_messages(storage, session)]
    contents.remove("last")
    assert contents == ["a", "b"] * (len(contents) // 2)
