"""What removes many sessions, and a person, on every storage."""

from datetime import timedelta
from uuid import uuid4

import pytest

from application.idempotency import IdempotencyClaim, Operation
from application.ports.removal import Holdings, Removed
from application.ports.storage import Storage
from application.removal import DeleteSessions, EraseOwner, RemoveIdleSessions
from domain.errors import InvalidValue
from domain.external_id import ExternalId
from domain.owner import Owner
from domain.search import SearchQuery, SearchRequest
from domain.session import Session, SessionRef
from tests.clock import START, ManualClock
from tests.contract.examples import appended, new_messages, new_owner, new_session, started

NOW = START + timedelta(days=100)


async def several(storage: Storage, owner: Owner, count: int = 3) -> list[Session]:
    """Sessions of 0, 1, 2 ... messages, the last of them archived."""
    made = []
    for size in range(count):
        session, placed = started(owner, new_messages(*["apricot"] * size), title="apricots")
        await storage.sessions.add(session, placed)
        made.append(session)
    await storage.sessions.update(owner, made[-1].id, lambda one: one._replace(archived=True))
    return made


async def found(storage: Storage, owner: Owner) -> int | None:
    request = SearchRequest(query=SearchQuery("apricot"))
    return (await storage.index.search(owner, request)).total


def deleting(storage: Storage) -> DeleteSessions:
    return DeleteSessions(storage.sessions, ManualClock(NOW))


async def test_sessions_are_deleted_by_their_names(shared_storage: Storage) -> None:
    """Others' count for nothing, nor do those that are not there."""
    owner, other = new_owner(), new_owner()
    made, others = await several(shared_storage, owner), await several(shared_storage, other)
    named = new_session(owner, external_id="named")
    await shared_storage.sessions.add(named, ())
    refs: list[SessionRef] = [
        made[1].id,
        made[2].id,
        others[2].id,
        uuid4(),
        ExternalId("named"),
        ExternalId("no"),
    ]
    for dry_run in (True, False):
        removed = await deleting(shared_storage)(owner, refs, dry_run=dry_run)
        assert removed == Removed(3, 3)
    assert await deleting(shared_storage)(owner, refs) == Removed()
    assert await shared_storage.sessions.count(owner) == Removed(1, 0)
    assert await shared_storage.sessions.count(other) == Removed(3, 3)


async def test_all_sessions_are_deleted_the_archived_too(shared_storage: Storage) -> None:
    owner = new_owner()
    await several(shared_storage, owner, 5)
    assert await deleting(shared_storage)(owner, None, dry_run=True) == Removed(5, 10)
    assert await deleting(shared_storage)(owner, None) == Removed(5, 10)
    assert await deleting(shared_storage)(owner, None) == Removed()
    assert await found(shared_storage, owner) == 0


async def test_a_request_names_up_to_100_sessions(shared_storage: Storage) -> None:
    with pytest.raises(InvalidValue):
        await deleting(shared_storage)(new_owner(), [uuid4() for _ in range(101)])


async def test_a_long_session_goes_step_by_step(
    shared_storage: Storage, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The oldest messages first, and that is no change of it."""
    for module in ("adapters.sql.bulk_removal", "application.ports.sessions"):
        monkeypatch.setattr(f"{module}.REMOVED_AT_ONCE", 4)
    owner = new_owner()
    session, placed = started(owner, new_messages(*"abcdefghij"))
    await shared_storage.sessions.add(session, placed)
    steps = []
    while step := await shared_storage.sessions.remove_some(owner, [session.id]):
        steps.append(step)
        if not step.sessions:
            left = await shared_storage.sessions.get(owner, session.id)
            assert left.last_updated == session.last_updated
            assert left.message_count == 10 - sum(step.messages for step in steps)
    assert sum(step.messages for step in steps) == 10
    assert steps[-1].sessions == 1


async def test_a_person_is_erased_and_others_are_not(shared_storage: Storage) -> None:
    storage, owner, other = shared_storage, new_owner(), new_owner()
    await several(storage, other)
    (session, *_) = await several(storage, owner)
    claim = IdempotencyClaim(Operation.APPEND_MESSAGES, "key", b"0" * 32, START)
    await storage.messages.append(owner, session.id, new_messages("x"), START, claim)
    kept = await storage.holdings(other)
    assert await storage.holdings(owner) == Holdings(3, 4, 1, is_known=True)
    erase = EraseOwner(storage, ManualClock(NOW))
    rehearsal = await erase(owner, dry_run=True)
    assert rehearsal.left == rehearsal.removed == Holdings(3, 4, 1, is_known=True)
    erasure = await erase(owner)
    assert (erasure.erased_at, erasure.removed) == (NOW, Holdings(3, 4, 1))
    assert erasure.was_known
    assert not erasure.left
    assert not await storage.holdings(owner)
    assert await found(storage, owner) == 0
    assert await storage.holdings(other) == kept
    assert await found(storage, other) == 6
    again = await erase(owner)
    assert not again.removed
    assert not again.was_known


async def test_idle_sessions_are_removed_and_those_that_changed_are_not(storage: Storage) -> None:
    owner, other = new_owner(), new_owner()
    idle = [*await several(storage, owner), *await several(storage, other)]
    busy = idle.pop(1)
    await appended(storage, busy, new_messages("still here"), NOW - timedelta(days=29))
    removal = RemoveIdleSessions(storage, ManualClock(NOW))
    assert await removal(101) == Removed()
    assert await removal(30) == Removed(5, 5)
    assert (await storage.sessions.get(owner, busy.id)).message_count == 2
    assert await removal(30) == Removed()
