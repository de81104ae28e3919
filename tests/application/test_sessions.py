from uuid import uuid4

import pytest

from application.use_cases import UseCases
from domain.errors import InvalidValue, SessionForbidden, SessionNotFound, VersionMismatch
from domain.instant import TICK
from domain.message import BATCH_MAX, NewMessage, Role
from domain.metadata import METADATA_MAX, Metadata
from domain.owner import Owner
from domain.page import SessionPageRequest
from domain.session import SessionPatch
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
    stale = [session.last_updated]
    with pytest.raises(VersionMismatch):
        await do.update_session(ALICE, session.id, SessionPatch(title="new"), expected=stale)
    with pytest.raises(VersionMismatch):
        await do.delete_session(ALICE, session.id, expected=stale)
    with pytest.raises(VersionMismatch):
        await do.delete_session(ALICE, session.id, expected=[])
    found = await do.get_session(ALICE, session.id)
    assert found.title == "old"
    current = [*stale, found.last_updated]
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
    session = await do.create_session(ALICE, messages=[HELLO])
    for session_id, refusal in ((session.id, SessionForbidden), (uuid4(), SessionNotFound)):
        for ask in (
            do.get_session(BOB, session_id),
            do.update_session(BOB, session_id, SessionPatch(title="mine")),
            do.delete_session(BOB, session_id),
            do.get_messages(BOB, session_id),
            do.append_messages(BOB, session_id, [HELLO]),
        ):
            with pytest.raises(refusal):
                await ask
    assert await do.get_session(ALICE, session.id) == session


class TestHidden:
    @pytest.fixture
    def hide_foreign(self) -> bool:
        return True

    async def test_another_owners_session_can_be_hidden(self, do: UseCases) -> None:
        session = await do.create_session(ALICE)
        with pytest.raises(SessionNotFound):
            await do.get_session(BOB, session.id)
