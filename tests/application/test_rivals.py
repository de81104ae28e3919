"""Writes that find, when they look, that a rival has just made or removed what they need."""

from collections.abc import Awaitable, Callable, Collection
from contextlib import suppress
from datetime import datetime
from uuid import UUID

import pytest

from adapters.memory import MemoryStorage
from adapters.memory.messages import MemoryMessageRepository
from adapters.memory.sessions import MemorySessionRepository
from adapters.system import Uuid7Identifiers
from application.appends import AppendMessages
from application.errors import Unavailable
from application.messages import Put, PutMessage
from application.ownership import Ownership
from application.use_cases import UseCases
from domain.body import BODY_MAX_DEFAULT
from domain.errors import ExternalIdTaken, SessionNotFound, VersionMismatch
from domain.external_id import ExternalId
from domain.message import Message, MessageRef, NewMessage, Role
from domain.owner import Owner
from tests.clock import ManualClock

ALICE = Owner("issuer", "alice")
HELLO = NewMessage(Role.USER, "hello")
THEIRS = NewMessage(Role.USER, "of the rival", external_id="first")
TRIP, FIRST = ExternalId("trip"), ExternalId("first")

Act = Callable[[], Awaitable[object]]


@pytest.fixture
def storage() -> MemoryStorage:
    return MemoryStorage()


async def nothing() -> None:
    pass


def appending(
    storage: MemoryStorage, clock: ManualClock, *, before: Act = nothing, after: Act = nothing
) -> AppendMessages:
    """An append with a rival who acts before and after each look for the session."""
    sessions, messages = storage.sessions, storage.messages
    assert isinstance(sessions, MemorySessionRepository)

    class Contested(MemorySessionRepository):
        async def find(self, owner: Owner, external_id: str) -> UUID:
            await before()
            try:
                return await super().find(owner, external_id)
            finally:
                await after()

    contested = Contested(sessions.data)
    return AppendMessages(
        contested, messages, Ownership(contested), Uuid7Identifiers(), clock, BODY_MAX_DEFAULT
    )


def putting(storage: MemoryStorage, clock: ManualClock, *, before: Act, after: Act) -> PutMessage:
    """A put with a rival who acts before and after each look for the message."""
    messages = storage.messages
    assert isinstance(messages, MemoryMessageRepository)

    class Contested(MemoryMessageRepository):
        async def get(self, owner: Owner, session_id: UUID, message: MessageRef) -> Message:
            await before()
            try:
                return await super().get(owner, session_id, message)
            finally:
                await after()

        async def replace(
            self,
            owner: Owner,
            session_id: UUID,
            message: MessageRef,
            new: NewMessage,
            now: datetime,
            expected: Collection[datetime] | None = None,
        ) -> Message:
            await before()
            try:
                return await super().replace(owner, session_id, message, new, now, expected)
            finally:
                await after()

    ownership = Ownership(storage.sessions)
    return PutMessage(
        Contested(messages.data), ownership, Uuid7Identifiers(), clock, BODY_MAX_DEFAULT
    )


async def test_of_two_first_writers_both_append_to_one_session(
    do: UseCases, storage: MemoryStorage, clock: ManualClock
) -> None:
    async def rival_makes_it() -> None:
        with suppress(ExternalIdTaken):
            await do.create_session(ALICE, external_id="trip", messages=[THEIRS])

    append = appending(storage, clock, after=rival_makes_it)
    stored = await append.once(None, ALICE, TRIP, [HELLO], create=True)
    assert [message.message_order for message in stored.value] == [2]
    assert (await do.list_sessions(ALICE)).total == 1


async def test_a_session_that_goes_meanwhile_is_made_anew(
    do: UseCases, storage: MemoryStorage, clock: ManualClock
) -> None:
    async def rival_removes_it() -> None:
        with suppress(SessionNotFound):
            await do.delete_session(ALICE, TRIP)

    await do.create_session(ALICE, external_id="trip", messages=[THEIRS])
    append = appending(storage, clock, after=rival_removes_it)
    stored = await append.once(None, ALICE, TRIP, [HELLO], create=True)
    assert [message.message_order for message in stored.value] == [1]
    with pytest.raises(SessionNotFound):
        await append(ALICE, TRIP, [HELLO])


async def test_an_append_gives_up_where_a_session_comes_and_goes_for_ever(
    do: UseCases, storage: MemoryStorage, clock: ManualClock
) -> None:
    async def rival_removes_it() -> None:
        with suppress(SessionNotFound):
            await do.delete_session(ALICE, TRIP)

    async def rival_makes_it() -> None:
        await do.create_session(ALICE, external_id="trip")

    append = appending(storage, clock, before=rival_removes_it, after=rival_makes_it)
    with pytest.raises(Unavailable):
        await append.once(None, ALICE, TRIP, [HELLO], create=True)
    assert (await do.get_session(ALICE, TRIP)).message_count == 0


@pytest.mark.parametrize("append_only", [False, True])
async def test_of_two_puts_under_a_new_external_id_one_appends(
    do: UseCases, storage: MemoryStorage, clock: ManualClock, *, append_only: bool
) -> None:
    """The other replaces what that has appended, or does nothing if it must append."""
    session = await do.create_session(ALICE)

    async def rival_appends() -> None:
        with suppress(ExternalIdTaken):
            await do.append_messages(ALICE, session.id, [THEIRS])

    put = putting(storage, clock, before=nothing, after=rival_appends)
    if append_only:
        with pytest.raises(VersionMismatch):
            await put(ALICE, session.id, FIRST, HELLO, append_only=True)
    else:
        done = await put(ALICE, session.id, FIRST, HELLO)
        assert done == Put(await do.get_message(ALICE, session.id, 1))
    (found,) = (await do.get_messages(ALICE, session.id)).items
    assert found.content == ("of the rival" if append_only else "hello")


async def test_a_put_gives_up_where_a_message_comes_and_goes_for_ever(
    do: UseCases, storage: MemoryStorage, clock: ManualClock
) -> None:
    session = await do.create_session(ALICE)

    async def rival_removes() -> None:
        await do.clear_messages(ALICE, session.id)

    async def rival_appends() -> None:
        await do.append_messages(ALICE, session.id, [THEIRS])

    put = putting(storage, clock, before=rival_removes, after=rival_appends)
    with pytest.raises(Unavailable):
        await put(ALICE, session.id, FIRST, HELLO)
