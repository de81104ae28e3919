"""Writes that happen once, as whoever calls the use cases directly has them."""

from dataclasses import replace
from datetime import timedelta
from uuid import uuid4

import pytest

from application.errors import KeyReused
from application.idempotency import (
    KEY_MAX,
    RETENTION,
    IdempotencyClaim,
    Operation,
    Receipt,
    Written,
)
from application.ports.messages import AppendTerms
from application.use_cases import UseCases
from domain.body import Body
from domain.errors import (
    ExternalIdTaken,
    InvalidValue,
    SessionForbidden,
    SessionNotFound,
    VersionMismatch,
)
from domain.external_id import ExternalId
from domain.instant import TICK
from domain.message import Message, NewMessage, Role
from domain.metadata import EMPTY, Metadata
from domain.owner import Owner
from domain.session import NewSession
from tests.clock import START, ManualClock

ALICE = Owner("issuer", "alice")
BOB = Owner("issuer", "bob")
KEEP = AppendTerms(keeps_existing=True)
HELLO = NewMessage(Role.USER, "hello")
THERE = NewMessage(Role.ASSISTANT, "there")


def named(name: str) -> NewMessage:
    return NewMessage(Role.USER, name, external_id=name)


async def test_a_creation_asked_again_is_as_it_was_when_it_was_new(
    do: UseCases, clock: ManualClock
) -> None:
    first = await do.create_session.once("key", ALICE, NewSession(" Trip "), [HELLO, THERE])
    assert not first.replayed
    await do.append_messages(ALICE, first.value.id, [HELLO])
    clock.move(60)
    again = await do.create_session.once("key", ALICE, NewSession("Trip"), [HELLO, THERE])
    assert (again.value, again.replayed) == (first.value, True)
    await do.delete_session(ALICE, first.value.id)
    gone = await do.create_session.once("key", ALICE, NewSession("Trip"), [HELLO, THERE])
    assert (gone.value, gone.replayed) == (first.value, True)
    assert (await do.list_sessions(ALICE)).total == 0


async def test_an_append_asked_again_gives_the_messages_that_it_stored(
    do: UseCases, clock: ManualClock
) -> None:
    session = await do.create_session(ALICE, messages=[HELLO])
    first = await do.append_messages.once("key", ALICE, session.id, [HELLO, THERE])
    await do.append_messages(ALICE, session.id, [HELLO])
    clock.move(60)
    again = await do.append_messages.once("key", ALICE, session.id, [HELLO, THERE])
    assert not first.replayed
    assert (again.value, again.replayed) == (first.value, True)
    assert (await do.get_messages(ALICE, session.id)).total == 4
    await do.delete_session(ALICE, session.id)
    with pytest.raises(SessionNotFound):
        await do.append_messages.once("key", ALICE, session.id, [HELLO, THERE])


async def test_a_key_stands_for_one_request_only(do: UseCases) -> None:
    session = await do.create_session(ALICE)
    other = await do.create_session(ALICE)
    await do.create_session.once("key", ALICE, NewSession("Trip"), [HELLO])
    for title, metadata, messages in (
        ("Other", EMPTY, [HELLO]),
        (None, EMPTY, [HELLO]),
        ("Trip", Metadata('{"a":1}'), [HELLO]),
        ("Trip", EMPTY, [THERE]),
        ("Trip", EMPTY, [HELLO, HELLO]),
        ("Trip", EMPTY, []),
    ):
        with pytest.raises(KeyReused):
            await do.create_session.once("key", ALICE, NewSession(title, metadata), messages)
    await do.append_messages.once("key", ALICE, session.id, [HELLO])
    for session_id, messages in (
        (other.id, [HELLO]),
        (session.id, [THERE]),
        (session.id, [HELLO, HELLO]),
        (session.id, [replace(HELLO, metadata=Metadata('{"a":1}'))]),
        (session.id, [replace(HELLO, role=Role.TOOL)]),
    ):
        with pytest.raises(KeyReused):
            await do.append_messages.once("key", ALICE, session_id, messages)
    assert (await do.get_messages(ALICE, session.id)).total == 1
    assert (await do.get_messages(ALICE, other.id)).total == 0


async def test_a_key_is_its_owners(do: UseCases) -> None:
    session = await do.create_session(ALICE)
    stored = await do.append_messages.once("key", ALICE, session.id, [HELLO])
    with pytest.raises(SessionForbidden):
        await do.append_messages.once("key", BOB, session.id, [HELLO])
    created = await do.create_session.once("key", BOB, NewSession(), [])
    assert not created.replayed
    assert tuple((await do.get_messages(ALICE, session.id)).items) == stored.value


async def test_a_key_is_forgotten_after_a_day(do: UseCases, clock: ManualClock) -> None:
    session = await do.create_session(ALICE)
    await do.append_messages.once("key", ALICE, session.id, [HELLO])
    clock.move(RETENTION.total_seconds() - 1)
    assert (await do.append_messages.once("key", ALICE, session.id, [HELLO])).replayed
    clock.move(1)
    assert not (await do.append_messages.once("key", ALICE, session.id, [HELLO])).replayed
    assert (await do.get_messages(ALICE, session.id)).total == 2


async def test_keys_that_count_no_more_can_be_forgotten_for_good(
    do: UseCases, clock: ManualClock
) -> None:
    session = await do.create_session(ALICE)
    await do.append_messages.once("old", ALICE, session.id, [HELLO])
    clock.move(1)
    await do.append_messages.once("young", ALICE, session.id, [HELLO])
    clock.move(RETENTION.total_seconds() - 1)
    assert await do.purge_receipts() == 1
    assert await do.purge_receipts() == 0
    assert (await do.append_messages.once("young", ALICE, session.id, [HELLO])).replayed


@pytest.mark.parametrize("key", ["", "x" * (KEY_MAX + 1), "a\n", "é", "\x7f"])
async def test_a_key_that_is_no_key_stores_nothing(do: UseCases, key: str) -> None:
    with pytest.raises(
        InvalidValue, match="must be 1 to 255 printable ASCII characters"
    ) as refusal:
        await do.create_session.once(key, ALICE, NewSession(), [])
    assert refusal.value.field == ("key",)
    assert (await do.list_sessions(ALICE)).total == 0


def test_any_printable_key_of_the_largest_size_is_taken() -> None:
    for key in (" ", "~", "x" * KEY_MAX):
        assert IdempotencyClaim(Operation.CREATE_SESSION, key, b"", START).key == key


def test_a_receipt_counts_for_less_than_a_day() -> None:
    claim = IdempotencyClaim(Operation.CREATE_SESSION, "key", b"", START)
    receipt = Receipt(claim, uuid4(), 1)
    assert not receipt.is_expired(START + RETENTION - TICK)
    assert receipt.is_expired(START + RETENTION)
    assert timedelta(days=1) == RETENTION


def test_a_receipt_is_for_who_asks_the_same_under_its_key() -> None:
    claim = IdempotencyClaim(Operation.CREATE_SESSION, "key", b"same", START)
    receipt = Receipt(claim, uuid4(), 1)
    receipt.check(claim)
    for other in (None, replace(claim, fingerprint=b"other")):
        with pytest.raises(KeyReused):
            receipt.check(other)


async def test_a_retry_gives_what_is_left_of_what_was_stored(do: UseCases) -> None:
    """And what became of it. It stores nothing."""
    session = await do.create_session(ALICE)
    first = await do.append_messages.once("key", ALICE, session.id, [HELLO, THERE, HELLO])
    put = await do.put_message(ALICE, session.id, 1, THERE)
    await do.remove_message(ALICE, session.id, 2)
    again = await do.append_messages.once("key", ALICE, session.id, [HELLO, THERE, HELLO])
    assert again.value == (put.message, first.value[2])
    await do.append_messages(ALICE, session.id, [HELLO])
    await do.clear_messages(ALICE, session.id)
    again = await do.append_messages.once("key", ALICE, session.id, [HELLO, THERE, HELLO])
    assert (again.value, again.replayed) == ((), True)


async def test_a_retry_gives_all_of_what_is_more_than_a_page(do: UseCases) -> None:
    """A page of messages ends at four megabytes."""
    session = await do.create_session(ALICE)
    large = [NewMessage(Role.USER, body=Body.from_mapping({"a": "x" * 250_000}))] * 40
    first = await do.append_messages.once("key", ALICE, session.id, large)
    assert len((await do.get_messages(ALICE, session.id)).items) < 20
    again = await do.append_messages.once("key", ALICE, session.id, large)
    assert again.value == first.value


async def test_a_retry_of_an_import_gives_what_was_there_in_its_place(do: UseCases) -> None:
    session = await do.create_session(ALICE, messages=[named("b"), named("d")])
    batch = [named("a"), named("b"), HELLO, named("c"), named("d")]

    async def ask() -> Written[tuple[Message, ...]]:
        return await do.append_messages.once("key", ALICE, session.id, batch, KEEP)

    first = await ask()
    assert [message.message_order for message in first.value] == [3, 1, 4, 5, 2]
    assert await ask() == replace(first, replayed=True)
    await do.remove_message(ALICE, session.id, ExternalId("d"))
    await do.remove_message(ALICE, session.id, ExternalId("a"))
    assert [message.message_order for message in (await ask()).value] == [1, 4, 5]
    await do.append_messages(ALICE, session.id, [named("a")])
    assert [message.message_order for message in (await ask()).value] == [1, 4, 5]
    await do.delete_session(ALICE, session.id)
    with pytest.raises(SessionNotFound):
        await ask()


async def test_a_retry_of_an_import_keeps_its_order_where_what_it_kept_is_gone(
    do: UseCases,
) -> None:
    session = await do.create_session(ALICE, messages=[named("a"), named("c")])
    batch = [named("a"), HELLO, named("b"), named("c"), named("d")]

    async def ask() -> list[int]:
        again = await do.append_messages.once("key", ALICE, session.id, batch, KEEP)
        return [message.message_order for message in again.value]

    assert await ask() == [1, 3, 4, 2, 5]
    await do.remove_message(ALICE, session.id, ExternalId("a"))
    assert await ask() == [3, 4, 2, 5]
    await do.remove_message(ALICE, session.id, 3)
    assert await ask() == [4, 2, 5]


async def test_a_retry_of_an_import_of_what_was_all_there_gives_it(do: UseCases) -> None:
    session = await do.create_session(ALICE, messages=[named("b"), named("d")])
    batch = [named("d"), named("b")]
    for replayed in (False, True):
        again = await do.append_messages.once("key", ALICE, session.id, batch, KEEP)
        assert [message.message_order for message in again.value] == [2, 1]
        assert again.replayed == replayed


async def test_a_session_that_an_append_makes_is_made_once(do: UseCases) -> None:
    async def ask(*messages: NewMessage) -> Written[tuple[Message, ...]]:
        trip = ExternalId("trip")
        return await do.append_messages.once("key", ALICE, trip, messages, create=True)

    first = await ask(HELLO)
    assert await ask(HELLO) == Written(first.value, replayed=True)
    with pytest.raises(KeyReused):
        await ask(THERE)
    await do.delete_session(ALICE, ExternalId("trip"))
    with pytest.raises(SessionNotFound):
        await ask(HELLO)
    with pytest.raises(KeyReused):
        await ask(THERE)
    assert (await do.list_sessions(ALICE)).total == 0


async def test_a_refusal_leaves_no_key_behind(do: UseCases) -> None:
    """Neither of a taken external id nor of another version; and the key comes before them."""
    session = await do.create_session(ALICE, external_id="trip", messages=[named("a")])
    with pytest.raises(ExternalIdTaken):
        await do.append_messages.once("key", ALICE, session.id, [named("a")])
    stale = AppendTerms(expected=[])
    with pytest.raises(VersionMismatch):
        await do.append_messages.once("key", ALICE, session.id, [named("b")], stale)
    with pytest.raises(ExternalIdTaken):
        await do.create_session.once("key", ALICE, NewSession(external_id="trip"), [])
    at = AppendTerms(expected=[session.version])
    for replayed in (False, True):
        stored = await do.append_messages.once("key", ALICE, session.id, [named("b")], at)
        assert stored.replayed == replayed
        created = await do.create_session.once("key", ALICE, NewSession(external_id="new"), [])
        assert created.replayed == replayed
