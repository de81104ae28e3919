from dataclasses import replace
from datetime import timedelta
from uuid import uuid4

import pytest

from application.idempotency import Written
from application.ports.messages import AppendTerms
from application.use_cases import UseCases
from domain.body import BODY_MAX_DEFAULT, Body
from domain.errors import (
    ExternalIdTaken,
    InvalidValue,
    MessageNotFound,
    SessionNotFound,
    VersionMismatch,
)
from domain.external_id import ExternalId
from domain.message import BATCH_MAX, LAST, Message, NewMessage, Role
from domain.owner import Owner
from domain.session import NewSession, SessionPatch
from tests.clock import START, ManualClock

ALICE = Owner("issuer", "alice")
BOB = Owner("issuer", "bob")
KEEP = AppendTerms(keeps_existing=True)
LARGE = Body.from_mapping({"a": "x" * (BODY_MAX_DEFAULT - 8)})
TRIP = ExternalId("trip")


def said(*contents: str) -> list[NewMessage]:
    return [NewMessage(Role.USER, content) for content in contents]


def named(*names: str) -> list[NewMessage]:
    return [NewMessage(Role.USER, name, external_id=name) for name in names]


def contents(written: Written[tuple[Message, ...]]) -> list[str]:
    return [message.content for message in written.value]


async def test_messages_are_stored_in_the_order_given(do: UseCases, clock: ManualClock) -> None:
    session = await do.create_session(ALICE, messages=said("one"))
    clock.move(-3600)
    stored = await do.append_messages(ALICE, session.id, said("two", "three"))
    assert [message.message_order for message in stored] == [2, 3]
    assert {message.id.version for message in stored} == {7}
    page = await do.get_messages(ALICE, session.id)
    assert [message.content for message in page.items] == ["one", "two", "three"]
    assert tuple(page.items[1:]) == stored
    found = await do.get_session(ALICE, session.id)
    assert (found.message_count, found.last_updated) == (3, stored[-1].timestamp)


@pytest.mark.parametrize("how_many", [0, BATCH_MAX + 1])
async def test_a_batch_out_of_bounds_stores_nothing(do: UseCases, how_many: int) -> None:
    session = await do.create_session(ALICE)
    with pytest.raises(InvalidValue):
        await do.append_messages(ALICE, session.id, said(*["x"] * how_many))
    assert (await do.get_messages(ALICE, session.id)).total == 0


async def test_a_body_over_the_limit_that_is_set_stores_nothing(do: UseCases) -> None:
    session = await do.create_session(ALICE, messages=said("one"))
    fits = NewMessage(Role.USER, body=LARGE)
    (stored,) = await do.append_messages(ALICE, session.id, [fits])
    assert stored.body == LARGE
    large = NewMessage(Role.USER, body=Body(LARGE.json + " "))
    batch = [fits, large]
    for ask, field in (
        (do.append_messages(ALICE, session.id, batch), ("messages", 1, "body")),
        (do.create_session(ALICE, messages=batch), ("messages", 1, "body")),
        (do.put_message(ALICE, session.id, 1, large), ("body",)),
    ):
        with pytest.raises(InvalidValue, match="must not exceed 262144 bytes") as refusal:
            await ask
        assert refusal.value.field == field
    assert (await do.list_sessions(ALICE)).total == 1
    assert (await do.get_messages(ALICE, session.id)).total == 2


async def test_a_message_is_found_by_its_order_its_external_id_and_as_the_last(
    do: UseCases,
) -> None:
    session = await do.create_session(ALICE, external_id="trip", messages=named("a", "b"))
    first, last = (await do.get_messages(ALICE, TRIP)).items
    for ref, message in ((1, first), (ExternalId("a"), first), (LAST, last)):
        assert await do.get_message(ALICE, session.id, ref) == message
        assert await do.get_message(ALICE, TRIP, ref) == message
    for missing in (0, 3, -1, 10**30, ExternalId("A")):
        with pytest.raises(MessageNotFound):
            await do.get_message(ALICE, TRIP, missing)
    empty = await do.create_session(ALICE)
    with pytest.raises(MessageNotFound):
        await do.get_message(ALICE, empty.id, LAST)


async def test_an_external_id_that_is_taken_stores_nothing_and_names_its_message(
    do: UseCases,
) -> None:
    session = await do.create_session(ALICE, messages=named("a", "b"))
    with pytest.raises(ExternalIdTaken) as refusal:
        await do.append_messages(ALICE, session.id, [*named("c"), *named("b")])
    assert (refusal.value.message_order, refusal.value.index) == (2, 1)
    with pytest.raises(InvalidValue):
        await do.append_messages(ALICE, session.id, named("d", "d"))
    with pytest.raises(InvalidValue):
        await do.create_session(ALICE, messages=named("d", "d"))
    assert (await do.get_messages(ALICE, session.id)).total == 2
    other = await do.create_session(ALICE, messages=named("a"))
    assert other.message_count == 1


async def test_what_is_there_already_can_be_kept(do: UseCases, clock: ManualClock) -> None:
    """So that an import is simply repeated: it gets all as it is stored, in its own order."""
    session = await do.create_session(ALICE, messages=named("b"))
    batch = [*named("a", "b"), *said("x"), *named("c")]
    clock.move(60)
    first = await do.append_messages.once(None, ALICE, session.id, batch, KEEP)
    assert [message.message_order for message in first.value] == [2, 1, 3, 4]
    version = (await do.get_session(ALICE, session.id)).version
    again = await do.append_messages.once(None, ALICE, session.id, [*batch[:2], batch[3]], KEEP)
    assert again.value == (*first.value[:2], first.value[3])
    assert not again.replayed
    assert (await do.get_session(ALICE, session.id)).version == version


async def test_an_append_can_expect_a_version(do: UseCases) -> None:
    session = await do.create_session(ALICE, external_id="trip")
    await do.update_session(ALICE, TRIP, SessionPatch(archived=True))
    for expected in ([], [session.version]):
        terms = AppendTerms(expected=expected)
        with pytest.raises(VersionMismatch):
            await do.append_messages.once(None, ALICE, TRIP, said("one"), terms)
    current = (await do.get_session(ALICE, TRIP)).version
    terms = AppendTerms(expected=[session.version, current])
    stored = await do.append_messages.once(None, ALICE, TRIP, said("one"), terms)
    assert contents(stored) == ["one"]
    with pytest.raises(VersionMismatch):
        await do.append_messages.once(None, ALICE, TRIP, said("two"), terms)


async def test_a_session_is_made_by_its_first_message_if_so_asked(do: UseCases) -> None:
    with pytest.raises(SessionNotFound):
        await do.append_messages(ALICE, TRIP, said("one"))
    stale = AppendTerms(expected=[])
    with pytest.raises(VersionMismatch):
        await do.append_messages.once(None, ALICE, TRIP, said("one"), stale, create=True)
    for content, order in (("one", 1), ("two", 2)):
        stored = await do.append_messages.once(None, ALICE, TRIP, said(content), create=True)
        assert [message.message_order for message in stored.value] == [order]
    await do.append_messages.once(None, BOB, TRIP, said("one"), create=True)
    (session,) = (await do.list_sessions(ALICE)).items
    assert (session.external_id, session.message_count) == ("trip", 2)
    assert session.created_at == START
    with pytest.raises(SessionNotFound):
        await do.append_messages.once(None, ALICE, uuid4(), said("one"), create=True)


async def test_an_older_conversation_keeps_its_times(do: UseCases, clock: ManualClock) -> None:
    then = START - timedelta(days=400)
    old = [
        NewMessage(Role.USER, "a", timestamp=then),
        NewMessage(Role.ASSISTANT, "b", timestamp=then + timedelta(minutes=1)),
    ]
    moved = await do.create_session(ALICE, created_at=then - timedelta(days=1), messages=old)
    assert moved.created_at == then - timedelta(days=1)
    assert moved.last_updated == then + timedelta(minutes=1)
    newer = await do.create_session(ALICE)
    assert [one.id for one in (await do.list_sessions(ALICE)).items] == [newer.id, moved.id]
    clock.move(60)
    later = replace(old[0], timestamp=then + timedelta(minutes=2))
    (stored,) = await do.append_messages(ALICE, moved.id, [later])
    assert stored.timestamp == later.timestamp
    assert (await do.get_session(ALICE, moved.id)).last_updated == clock.now()
    with pytest.raises(InvalidValue, match="must not be in the future"):
        await do.create_session.once(
            None, ALICE, NewSession(created_at=START + timedelta(days=1)), []
        )
