"""What every MessageRepository promises of single messages, replacements and removals."""

import asyncio
from collections.abc import Sequence
from datetime import timedelta
from uuid import uuid4

import pytest
from hypothesis import given
from hypothesis import strategies as st

from application.ports.storage import Storage
from domain.body import Body
from domain.errors import MessageNotFound, SessionNotFound, VersionMismatch
from domain.external_id import ExternalId
from domain.instant import TICK
from domain.message import LAST, Message, MessageRef, NewMessage, Role
from domain.metadata import Metadata
from domain.session import Session, Version
from tests.clock import START
from tests.contract.examples import (
    ALICE,
    BOB,
    all_messages,
    appended,
    named,
    new_messages,
    new_owner,
    started,
    stored_session,
)

NEW = NewMessage(
    Role.DEVELOPER,
    "new",
    Metadata('{"a":1.50}'),
    name="Ana",
    external_id="other",
    format="x",
    body=Body(r'{"a":"\u0000"}'),
    timestamp=START,
)
LATER = START + 10 * TICK


async def stored(storage: Storage, *names: str) -> tuple[Session, list[Message]]:
    session, messages = started(ALICE, named(*names))
    await storage.sessions.add(session, messages)
    return session, list(messages)


@pytest.mark.parametrize(("ref", "place"), [(2, 1), (ExternalId("b"), 1), (LAST, 2)], ids=str)
async def test_a_message_is_replaced_and_removed_by_each_of_its_names(
    storage: Storage, ref: MessageRef, place: int
) -> None:
    """At the time when its session changed, with all else of it and of the others as it was."""
    session, messages = await stored(storage, "a", "b", "c")
    get, key = storage.messages.get, (ALICE, session.id)
    assert await get(*key, ref) == messages[place]
    for now in (START, LATER):
        session = session.changed(now)
        replaced = messages[place].replaced(NEW, session.last_updated)
        assert await storage.messages.replace(*key, ref, NEW, now) == replaced
        assert await storage.sessions.get(*key) == session
        messages[place] = replaced
        assert await all_messages(storage, session) == messages
    plain = NewMessage(Role.USER, "plain")
    session = session.changed(START)
    messages[place] = messages[place].replaced(plain, session.last_updated)
    assert await storage.messages.replace(*key, ref, plain, START) == messages[place]
    assert await storage.messages.remove(*key, ref, START) == messages.pop(place)
    session = session.changed(START, removed=1)
    assert await storage.sessions.get(*key) == session
    assert await all_messages(storage, session) == messages


@pytest.mark.parametrize("ref", [0, -1, 4, 2**31 - 1, 2**63, 10**30, ExternalId("A")], ids=str)
async def test_a_message_that_is_not_there_is_not_found(storage: Storage, ref: MessageRef) -> None:
    """Nor is one of another session."""
    session, _ = await stored(storage, "a", "b", "c")
    await stored(storage, "A", "b", "c", "d")
    for expected in (None, [START]):
        for ask in (
            storage.messages.get(ALICE, session.id, ref),
            storage.messages.replace(ALICE, session.id, ref, NEW, START, expected),
            storage.messages.remove(ALICE, session.id, ref, START, expected),
        ):
            with pytest.raises(MessageNotFound):
                await ask
    assert await storage.sessions.get(ALICE, session.id) == session


async def test_another_owners_messages_are_no_messages_at_all(storage: Storage) -> None:
    session, messages = await stored(storage, "a")
    empty = await stored_session(storage)
    for owner, id_ in ((BOB, session.id), (ALICE, uuid4()), (BOB, empty.id)):
        for ref in (1, ExternalId("a"), LAST):
            for ask in (
                storage.messages.get(owner, id_, ref),
                storage.messages.replace(owner, id_, ref, NEW, START),
                storage.messages.remove(owner, id_, ref, START, []),
            ):
                with pytest.raises(SessionNotFound):
                    await ask
        with pytest.raises(SessionNotFound):
            await storage.messages.clear(owner, id_, None, START, [])
    with pytest.raises(MessageNotFound):
        await storage.messages.get(ALICE, empty.id, LAST)
    assert await all_messages(storage, session) == messages


async def test_a_message_is_changed_at_an_expected_version_only(storage: Storage) -> None:
    session, messages = await stored(storage, "a", "b")
    key = ALICE, session.id
    at = messages[0].version
    for stale in ([], [at + TICK], [messages[1].version]):
        with pytest.raises(VersionMismatch):
            await storage.messages.replace(*key, 1, NEW, START, stale)
        with pytest.raises(VersionMismatch):
            await storage.messages.remove(*key, 1, START, stale)
    assert await storage.sessions.get(*key) == session
    assert await all_messages(storage, session) == messages
    replaced = await storage.messages.replace(*key, ExternalId("a"), NEW, START, [at + TICK, at])
    with pytest.raises(VersionMismatch):
        await storage.messages.replace(*key, ExternalId("a"), NEW, START, [at])
    with pytest.raises(VersionMismatch):
        await storage.messages.remove(*key, 1, START, [at])
    removed = await storage.messages.remove(*key, 1, START, [replaced.version])
    assert removed == replaced


async def test_a_session_is_cleared_at_an_expected_version_only(storage: Storage) -> None:
    session, messages = await stored(storage, "a", "b")
    flagged = session._replace(pinned=True, revision=1)
    await storage.sessions.update(ALICE, session.id, lambda _: flagged)
    for stale in ([], [session.version], [Version(session.last_updated + TICK, 1)]):
        with pytest.raises(VersionMismatch):
            await storage.messages.clear(ALICE, session.id, None, START, stale)
        with pytest.raises(VersionMismatch):
            await storage.messages.clear(ALICE, session.id, 0, START, stale)
    assert await all_messages(storage, session) == messages
    expected = [session.version, flagged.version]
    assert await storage.messages.clear(ALICE, session.id, None, START, expected) == 2


@pytest.mark.parametrize("before", [None, 0, 1, 2, 3, 5, 6, 7, 2**63])
async def test_a_session_is_cleared_as_far_as_asked(storage: Storage, before: int | None) -> None:
    """Of messages that have a gap already. Where nothing goes, nothing changes."""
    session, messages = await stored(storage, "a", "b", "c", "d", "e", "f")
    key = ALICE, session.id
    for order in (3, 5):
        await storage.messages.remove(*key, order, START)
        session = session.changed(START, removed=1)
    left = [messages[place] for place in (0, 1, 3, 5)]
    kept = [one for one in left if before is not None and one.message_order >= before]
    for removed in (len(left) - len(kept), 0):
        assert await storage.messages.clear(*key, before, START) == removed
        if removed:
            session = session.changed(START, removed=removed)
        assert await storage.sessions.get(*key) == session
        assert await all_messages(storage, session) == kept
    (placed,) = await appended(storage, session, new_messages("x"))
    assert placed.message_order == 7
    assert await all_messages(storage, session) == [*kept, placed]


@given(removals=st.permutations(range(1, 7)), pause=st.integers(0, 6))
async def test_messages_removed_one_by_one_give_no_order_back(
    shared_storage: Storage, removals: Sequence[int], pause: int
) -> None:
    """In any order of theirs, until none is left, with an append somewhere among them."""
    session, first = started(new_owner(), new_messages(*"abcdef"))
    await shared_storage.sessions.add(session, first)
    left = {message.message_order: message for message in first}
    for turn, order in enumerate(removals):
        if turn == pause:
            (placed,) = await appended(shared_storage, session, new_messages("g"))
            left[placed.message_order] = placed
            assert placed.message_order == 7
        gone = await shared_storage.messages.remove(session.owner, session.id, order, START)
        assert gone == left.pop(order)
        assert await all_messages(shared_storage, session) == list(left.values())
        found = await shared_storage.sessions.get(session.owner, session.id)
        assert found.message_count == len(left)
    assert list(left) == ([7] if pause < 6 else [])
    (placed,) = await appended(shared_storage, session, new_messages("h"))
    assert placed.message_order == (8 if left else 7)
    last = await shared_storage.messages.get(session.owner, session.id, LAST)
    assert last == placed


async def test_rivals_who_take_the_last_message_back_take_one_each(storage: Storage) -> None:
    session, _ = await stored(storage, *"abcdefgh")
    pops = [storage.messages.remove(ALICE, session.id, LAST, START) for _ in range(8)]
    removed = await asyncio.gather(*pops)
    assert sorted(message.message_order for message in removed) == list(range(1, 9))
    found = await storage.sessions.get(ALICE, session.id)
    assert (found.message_count, found.removed_count) == (0, 8)
    with pytest.raises(MessageNotFound):
        await storage.messages.remove(ALICE, session.id, LAST, START)


async def test_of_rivals_at_one_version_of_a_message_one_changes_it(storage: Storage) -> None:
    session, (message,) = await stored(storage, "a")

    async def rival(number: int) -> Message | None:
        new = NewMessage(Role.USER, str(number))
        expected = [message.version]
        try:
            return await storage.messages.replace(ALICE, session.id, 1, new, START, expected)
        except VersionMismatch:
            return None

    found = [one for one in await asyncio.gather(*map(rival, range(10))) if one]
    assert found == await all_messages(storage, session)
    everyone = [storage.messages.replace(ALICE, session.id, 1, NEW, START) for _ in range(10)]
    versions = {one.version for one in await asyncio.gather(*everyone)}
    assert len(versions) == 10


async def test_changes_of_one_session_at_the_same_time_leave_no_trace_of_another(
    storage: Storage,
) -> None:
    """Appends, replacements and removals: what each has answered is what is there."""
    session, messages = await stored(storage, *"abcdefgh")
    key = ALICE, session.id
    replaced, removed, placed = await asyncio.gather(
        asyncio.gather(*(storage.messages.replace(*key, n, NEW, START) for n in (1, 3, 5))),
        asyncio.gather(*(storage.messages.remove(*key, n, START) for n in (2, 4, 8))),
        asyncio.gather(*(appended(storage, session, new_messages("x", "y")) for _ in range(4))),
    )
    assert [message.message_order for message in removed] == [2, 4, 8]
    left = {message.message_order: message for message in messages}
    for message in (*replaced, *[one for batch in placed for one in batch]):
        left[message.message_order] = message
    for message in removed:
        del left[message.message_order]
    assert await all_messages(storage, session) == [left[order] for order in sorted(left)]
    assert sorted(left) == [1, 3, 5, 6, 7, *range(9, 17)]
    found = await storage.sessions.get(*key)
    assert (found.message_count, found.last_order, found.removed_count) == (13, 16, 3)


async def test_an_append_and_a_rename_at_the_same_time_both_survive(storage: Storage) -> None:
    session = await stored_session(storage)

    async def rename(title: str) -> None:
        def change(found: Session) -> Session:
            later = found.last_updated + timedelta(seconds=1)
            return found._replace(title=title, last_updated=later)

        await storage.sessions.update(ALICE, session.id, change)

    for turn in range(10):
        await asyncio.gather(rename(str(turn)), appended(storage, session, new_messages("said")))
        found = await storage.sessions.get(ALICE, session.id)
        assert (found.title, found.message_count) == (str(turn), turn + 1)
