"""Writes that happen once, as whoever calls the use cases directly has them."""

from dataclasses import dataclass, replace
from datetime import timedelta
from uuid import UUID, uuid4

import pytest

from application.errors import KeyReused
from application.idempotency import (
    KEY_MAX,
    RETENTION,
    Command,
    IdempotencyClaim,
    Operation,
    Receipt,
)
from application.use_cases import UseCases
from domain.errors import InvalidValue, SessionForbidden, SessionNotFound
from domain.instant import TICK
from domain.message import NewMessage, Role
from domain.metadata import EMPTY, Metadata
from domain.owner import Owner
from domain.session import NewSession
from tests.clock import START, ManualClock

ALICE = Owner("issuer", "alice")
BOB = Owner("issuer", "bob")
HELLO = NewMessage(Role.USER, "hello")
THERE = NewMessage(Role.ASSISTANT, "there")


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
    with pytest.raises(InvalidValue, match="must be 1 to 255 printable ASCII characters"):
        await do.create_session.once(key, ALICE, NewSession(), [])
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


def test_what_is_asked_differently_has_another_fingerprint() -> None:
    """Also where only the place of a comma or a quotation mark would tell them apart."""
    asked = [
        Command(),
        Command(session_id=uuid4()),
        Command(session=NewSession("a")),
        Command(session=NewSession("a"), messages=(HELLO,)),
        Command(messages=(HELLO, THERE)),
        Command(messages=(THERE, HELLO)),
        Command(messages=(NewMessage(Role.USER, 'a","{}'),)),
        Command(messages=(NewMessage(Role.USER, "é"),)),
        Command(messages=(NewMessage(Role.USER, "e\u0301"),)),
    ]
    assert len({command.fingerprint for command in asked}) == len(asked)


def test_every_field_of_a_command_and_of_what_it_holds_changes_its_fingerprint() -> None:
    """Also one that is added, which need not be named anywhere. At its default it changes nothing:
    a retry across an upgrade is the same request."""

    @dataclass(frozen=True, slots=True, kw_only=True)
    class LaterCommand(Command):
        create: bool = False

    @dataclass(frozen=True, slots=True)
    class LaterMessage(NewMessage):
        name: str | None = None

    said = LaterMessage(Role.USER, "hello")
    plainly = Command(session=NewSession("a"), messages=(HELLO,))
    later = LaterCommand(session=NewSession("a"), messages=(said,))
    commands = [
        plainly,
        replace(plainly, session_id=uuid4()),
        replace(plainly, session=NewSession("a", Metadata("[]"))),
        replace(plainly, messages=(replace(HELLO, role=Role.TOOL),)),
        replace(plainly, messages=(replace(HELLO, metadata=Metadata("[]")),)),
        replace(later, create=True),
        replace(later, messages=(replace(said, name="x"),)),
    ]
    assert len({command.fingerprint for command in commands}) == len(commands)
    assert later.fingerprint == plainly.fingerprint


def test_a_fingerprint_is_what_earlier_releases_have_stored() -> None:
    session_id = UUID("01a20abe-9819-7728-aa45-2446966d66bb")
    append = Command(session_id=session_id, messages=(HELLO, THERE))
    create = Command(session=NewSession("Trip", Metadata('{"a":1}')), messages=(HELLO,))
    assert append.fingerprint.hex() == (
        "f5e0b41daa169f16c2bec65c582d30181363642f015263153dfabc16ea4c27c7"
    )
    assert create.fingerprint.hex() == (
        "2cb13e2ef0e577f603329615ae7a24f11d676d2b57ed302d1c3468803d69ba18"
    )
