"""What those who follow sessions learn of them."""

from datetime import UTC, datetime, timedelta
from uuid import uuid4

import pytest

from application.ports.changes import Changes, Edit
from application.ports.storage import Storage
from domain.errors import SessionNotFound
from domain.message import NewMessage, Role
from domain.session import Session
from tests.clock import START
from tests.contract.examples import ALICE, BOB, appended, new_messages, new_owner, stored_session

NEW = NewMessage(Role.ASSISTANT, "new")
NEVER = datetime(1, 1, 1, tzinfo=UTC)
ALWAYS = datetime.max.replace(tzinfo=UTC)


async def since(storage: Storage, session: Session, at: datetime = NEVER) -> Changes:
    return await storage.changes.since(session.owner, session.id, at)


async def test_versions_are_those_of_ones_own_sessions(storage: Storage) -> None:
    """Whoever asks about as many as there are, of as many owners."""
    owners = [ALICE, BOB, *(new_owner() for _ in range(10))]
    sessions = [await stored_session(storage, owner, "a") for owner in owners for _ in range(3)]
    asked = [(session.owner, session.id) for session in sessions]
    nobody = [(BOB, sessions[0].id), (ALICE, sessions[3].id), (ALICE, uuid4())]
    found = await storage.changes.versions([*asked, *nobody])
    assert found == {(one.owner, one.id): one.version for one in sessions}
    assert await storage.changes.versions([]) == {}
    assert await storage.changes.versions(nobody) == {}


async def test_every_write_moves_the_version(storage: Storage) -> None:
    session = await stored_session(storage, ALICE, *"abcd")
    key = ALICE, session.id

    def flagged(found: Session) -> Session:
        return found._replace(pinned=True, revision=found.revision + 1)

    seen = [session.version]
    for write in (
        lambda: appended(storage, session, new_messages("x")),
        lambda: storage.messages.replace(*key, 1, NEW, START),
        lambda: storage.messages.remove(*key, 2, START),
        lambda: storage.messages.clear(*key, 3, START),
        lambda: storage.sessions.update(*key, flagged),
    ):
        await write()
        seen.append((await storage.changes.versions([key]))[key])
        assert seen[-1] > seen[-2]
    await storage.sessions.remove(*key)
    assert await storage.changes.versions([key]) == {}


async def test_edits_are_told_in_their_order(storage: Storage) -> None:
    session = await stored_session(storage, ALICE, *"abcdef")
    key = ALICE, session.id
    assert await since(storage, session) == Changes(session, 1, [])
    edits: list[Edit] = []
    for step, (act, order) in enumerate(
        [("put", 5), ("remove", 3), ("put", 2), ("remove", 4), ("put", 5)], start=1
    ):
        now = START + timedelta(minutes=step)
        if act == "put":
            replaced = await storage.messages.replace(*key, order, NEW, now)
            edits = [edit for edit in edits if edit.message_order != order]
            edits.append(Edit(order, replaced.version))
        else:
            await storage.messages.remove(*key, order, now)
            session = await storage.sessions.get(*key)
            edits.append(Edit(order, session.last_updated, removed=True))
    session = await storage.sessions.get(*key)
    assert await since(storage, session) == Changes(session, 1, edits)
    for place, edit in enumerate(edits, start=1):
        assert (await since(storage, session, edit.at)).edits == edits[place:]
    assert await since(storage, session, ALWAYS) == Changes(session, 1, [])


async def test_what_goes_from_the_beginning_moves_the_first_order(storage: Storage) -> None:
    """And takes the removals that lie below it along."""
    session = await stored_session(storage, ALICE, *"abcdefgh")
    key = ALICE, session.id
    await storage.messages.remove(*key, 2, START)
    assert [edit.message_order for edit in (await since(storage, session)).edits] == [2]
    await storage.messages.remove(*key, 1, START)
    found = await since(storage, session)
    assert (found.first_order, found.session.removed_count, found.edits) == (3, 2, [])
    await storage.messages.remove(*key, 6, START)
    await storage.messages.clear(*key, 5, START)
    found = await since(storage, session)
    assert (found.first_order, found.session.removed_count) == (5, 5)
    assert [edit.message_order for edit in found.edits] == [6]
    await storage.messages.clear(*key, None, START)
    found = await since(storage, session)
    assert (found.first_order, found.session.removed_count, found.edits) == (9, 8, [])


async def test_nobody_learns_of_a_session_that_is_not_theirs(storage: Storage) -> None:
    session = await stored_session(storage, ALICE, "a")
    for owner, id_ in ((BOB, session.id), (ALICE, uuid4())):
        with pytest.raises(SessionNotFound):
            await storage.changes.since(owner, id_, NEVER)
