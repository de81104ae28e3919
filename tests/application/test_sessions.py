from collections.abc import Awaitable
from uuid import uuid4

import pytest

from application.use_cases import UseCases
from domain.errors import (
    ExternalIdTaken,
    InvalidValue,
    SessionForbidden,
    SessionNotFound,
    VersionMismatch,
)
from domain.external_id import ExternalId
from domain.instant import TICK
from domain.message import BATCH_MAX, LAST, NewMessage, Role
from domain.metadata import METADATA_MAX, Metadata
from domain.owner import Owner
from domain.session import SessionPatch, SessionRef, Version
from domain.session_page import SessionFilter, SessionPageRequest
from tests.clock import START, ManualClock

ALICE = Owner("issuer", "alice")
BOB = Owner("issuer", "bob")
HELLO = NewMessage(Role.USER, "hello")


async def test_a_created_session_is_the_callers(do: UseCases) -> None:
    session = await do.create_session(ALICE, title=" Trip ", metadata=Metadata('{"a":1}'))
    assert (session.owner, session.title, session.metadata.json) == (ALICE, "Trip", '{"a":1}')
    assert (session.created_at, session.last_updated, session.message_count) == (START, START, 0)
    assert session.id.version == 7
    assert await do.get_session(ALICE, session.id) == session


async def test_first_messages_come_with_the_session_or_not_at_all(do: UseCases) -> None:
    session = await do.create_session(ALICE, messages=[HELLO] * BATCH_MAX)
    assert session.message_count == BATCH_MAX
    assert session.last_updated == START + BATCH_MAX * TICK
    with pytest.raises(InvalidValue):
        await do.create_session(ALICE, messages=[HELLO] * (BATCH_MAX + 1))
    with pytest.raises(InvalidValue):
        await do.create_session(ALICE, title=" ")
    assert (await do.list_sessions(ALICE)).total == 1


async def test_the_list_shows_the_callers_newest_first(do: UseCases, clock: ManualClock) -> None:
    first = await do.create_session(ALICE)
    clock.move(1)
    second = await do.create_session(ALICE)
    await do.create_session(BOB)
    assert [found.id for found in (await do.list_sessions(ALICE)).items] == [second.id, first.id]
    clock.move(1)
    await do.append_messages(ALICE, first.id, [HELLO])
    page = await do.list_sessions(ALICE, SessionPageRequest(limit=1))
    assert ([found.id for found in page.items], page.total) == ([first.id], 2)


async def test_an_update_is_dated_by_the_clock(do: UseCases, clock: ManualClock) -> None:
    session = await do.create_session(ALICE, title="old")
    clock.move(5)
    renamed = await do.update_session(ALICE, session.id, SessionPatch(title="new"))
    assert (renamed.title, renamed.last_updated) == ("new", clock.now())
    assert await do.get_session(ALICE, session.id) == renamed


async def test_an_update_that_breaks_a_limit_changes_nothing(do: UseCases) -> None:
    big = Metadata.from_mapping({"a": "x" * (METADATA_MAX - 20)})
    session = await do.create_session(ALICE, metadata=big)
    with pytest.raises(InvalidValue):
        await do.update_session(
            ALICE, session.id, SessionPatch(title="new", metadata={"b": "x" * 20})
        )
    assert await do.get_session(ALICE, session.id) == session


async def test_a_change_can_expect_a_version(do: UseCases) -> None:
    session = await do.create_session(ALICE, title="old")
    await do.append_messages(ALICE, session.id, [HELLO])
    stale = [session.version]
    with pytest.raises(VersionMismatch):
        await do.update_session(ALICE, session.id, SessionPatch(title="new"), expected=stale)
    with pytest.raises(VersionMismatch):
        await do.delete_session(ALICE, session.id, expected=stale)
    with pytest.raises(VersionMismatch):
        await do.delete_session(ALICE, session.id, expected=[])
    found = await do.get_session(ALICE, session.id)
    assert found.title == "old"
    current = [*stale, found.version]
    await do.update_session(ALICE, session.id, SessionPatch(title="new"), expected=current)
    with pytest.raises(SessionForbidden):
        await do.delete_session(BOB, session.id, expected=[])
    await do.delete_session(ALICE, session.id)


async def test_a_deleted_session_is_gone(do: UseCases) -> None:
    session = await do.create_session(ALICE, messages=[HELLO])
    await do.delete_session(ALICE, session.id)
    for again in (do.delete_session(ALICE, session.id), do.get_messages(ALICE, session.id)):
        with pytest.raises(SessionNotFound):
            await again
    assert (await do.list_sessions(ALICE)).total == 0


async def test_another_owners_session_is_forbidden_and_a_missing_one_not_found(
    do: UseCases,
) -> None:
    """By an external id it is not found, since that is a name among the caller's own."""
    session = await do.create_session(ALICE, external_id="trip", messages=[HELLO])
    refs: tuple[SessionRef, ...] = (session.id, uuid4(), ExternalId("trip"), ExternalId("other"))
    for ref in refs:
        for ask in every_use(do, ref):
            with pytest.raises(SessionForbidden if ref is session.id else SessionNotFound):
                await ask
    assert await do.get_session(ALICE, ExternalId("trip")) == session
    assert (await do.list_sessions(BOB)).total == 0


def every_use(do: UseCases, session: SessionRef) -> tuple[Awaitable[object], ...]:
    """Bob's, of a session."""
    return (
        do.get_session(BOB, session),
        do.update_session(BOB, session, SessionPatch(title="mine")),
        do.delete_session(BOB, session),
        do.get_messages(BOB, session),
        do.get_message(BOB, session, 1),
        do.append_messages(BOB, session, [HELLO]),
        do.put_message(BOB, session, 1, HELLO),
        do.put_message(BOB, session, ExternalId("new"), HELLO),
        do.remove_message(BOB, session, LAST),
        do.clear_messages(BOB, session),
    )


async def test_a_session_is_found_by_its_external_id(do: UseCases) -> None:
    session = await do.create_session(ALICE, external_id="trip")
    theirs = await do.create_session(BOB, external_id="trip")
    assert await do.get_session(ALICE, ExternalId("trip")) == session
    renamed = await do.update_session(ALICE, ExternalId("trip"), SessionPatch(title="new"))
    assert (renamed.id, renamed.external_id, renamed.title) == (session.id, "trip", "new")
    with pytest.raises(ExternalIdTaken) as refusal:
        await do.create_session(ALICE, external_id="trip")
    assert refusal.value.session_id == session.id
    await do.delete_session(ALICE, ExternalId("trip"))
    with pytest.raises(SessionNotFound):
        await do.get_session(ALICE, ExternalId("trip"))
    assert await do.get_session(BOB, ExternalId("trip")) == theirs
    anew = await do.create_session(ALICE, external_id="trip")
    assert anew.id != session.id


async def test_an_archived_session_leaves_the_list_and_comes_back(
    do: UseCases, clock: ManualClock
) -> None:
    kept, gone = await do.create_session(ALICE), await do.create_session(ALICE)
    clock.move(60)
    shelved = await do.update_session(ALICE, gone.id, SessionPatch(archived=True))
    assert (shelved.version, shelved.last_updated) == (Version(START, 1), START)
    page = await do.list_sessions(ALICE)
    assert (list(page.items), page.total) == ([kept], 1)
    for archived, total in ((True, 1), (None, 2)):
        asked = SessionPageRequest(filters=SessionFilter(archived=archived))
        assert (await do.list_sessions(ALICE, asked)).total == total
    await do.update_session(ALICE, gone.id, SessionPatch(archived=False))
    assert (await do.list_sessions(ALICE)).total == 2


class TestHidden:
    @pytest.fixture
    def hide_foreign(self) -> bool:
        return True

    async def test_another_owners_session_can_be_hidden(self, do: UseCases) -> None:
        session = await do.create_session(ALICE)
        for ask in every_use(do, session.id):
            with pytest.raises(SessionNotFound):
                await ask
