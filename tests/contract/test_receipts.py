"""What every storage promises of writes that happen once."""

import asyncio
from dataclasses import replace
from datetime import timedelta
from uuid import UUID

import pytest

from application.idempotency import RETENTION, IdempotencyClaim, Operation, Receipt
from application.ports.messages import PLAIN_TERMS, AppendTerms
from application.ports.storage import Storage
from domain.errors import ExternalIdTaken, SessionNotFound, VersionMismatch
from domain.instant import TICK
from domain.message_page import MessagePageRequest
from domain.owner import Owner
from domain.session_page import SessionPageRequest
from tests.clock import START
from tests.contract.examples import (
    ALICE,
    BOB,
    named,
    new_messages,
    new_session,
    started,
    stored_session,
)

APPEND = IdempotencyClaim(Operation.APPEND_MESSAGES, "key", b"a" * 32, START)
KEEP = AppendTerms(keeps_existing=True)
CREATE = IdempotencyClaim(Operation.CREATE_SESSION, "key", b"c" * 32, START)


async def total(storage: Storage, owner: Owner = ALICE) -> int:
    return (await storage.sessions.page(owner, SessionPageRequest())).total


def is_receipt(
    found: object, claim: IdempotencyClaim, session_id: UUID, *, first_order: int, how_many: int
) -> bool:
    """Whether it is the receipt of a write that stored so many messages, all that it was given."""
    assert isinstance(found, Receipt)
    assert found.stored_count in {None, how_many}
    return replace(found, stored_count=None) == Receipt(claim, session_id, first_order)


async def test_an_append_under_a_key_is_stored_once(storage: Storage) -> None:
    """And what a rival finds is where the first one's messages are."""
    session = await stored_session(storage, ALICE, "one")
    await storage.messages.append(ALICE, session.id, new_messages("two", "three"), START, APPEND)
    await storage.messages.append(ALICE, session.id, new_messages("four"), START)
    later = replace(APPEND, fingerprint=b"b" * 32, claimed_at=START + timedelta(hours=23))
    again = await storage.messages.append(ALICE, session.id, new_messages("x"), START, later)
    assert is_receipt(again, APPEND, session.id, first_order=2, how_many=2)
    page = await storage.messages.page(ALICE, session.id, MessagePageRequest())
    assert [message.content for message in page.items] == ["one", "two", "three", "four"]


async def test_a_session_under_a_key_is_stored_once(storage: Storage) -> None:
    """And its receipt outlives it."""
    session, messages = started(ALICE, new_messages("one"))
    assert await storage.sessions.add(session, messages, CREATE) is None
    receipt = Receipt(CREATE, session.id, first_order=1)
    assert await storage.sessions.add(new_session(), (), CREATE) == receipt
    assert await total(storage) == 1
    await storage.sessions.remove(ALICE, session.id)
    assert await storage.sessions.add(new_session(), (), CREATE) == receipt
    assert await total(storage) == 0


async def test_a_key_is_its_owners_and_its_operations(storage: Storage) -> None:
    session = await stored_session(storage)
    assert await storage.sessions.add(new_session(), (), CREATE) is None
    assert await storage.sessions.add(new_session(BOB), (), CREATE) is None
    same = replace(CREATE, operation=Operation.APPEND_MESSAGES)
    stored = await storage.messages.append(ALICE, session.id, new_messages("x"), START, same)
    assert not isinstance(stored, Receipt)
    other = replace(APPEND, key="KEY")
    stored = await storage.messages.append(ALICE, session.id, new_messages("x"), START, other)
    assert not isinstance(stored, Receipt)


async def test_a_refused_append_leaves_no_receipt(storage: Storage) -> None:
    """Also where the session is another owner's."""
    session, foreign = await stored_session(storage), await stored_session(storage, BOB)
    for id_ in (foreign.id, new_session().id):
        with pytest.raises(SessionNotFound):
            await storage.messages.append(ALICE, id_, new_messages("x"), START, APPEND)
    stored = await storage.messages.append(ALICE, session.id, new_messages("x"), START, APPEND)
    assert not isinstance(stored, Receipt)


async def test_a_removed_session_is_not_found_under_its_key(storage: Storage) -> None:
    session = await stored_session(storage)
    await storage.messages.append(ALICE, session.id, new_messages("x"), START, APPEND)
    await storage.sessions.remove(ALICE, session.id)
    with pytest.raises(SessionNotFound):
        await storage.messages.append(ALICE, session.id, new_messages("x"), START, APPEND)


@pytest.mark.parametrize("age", [RETENTION - TICK, RETENTION])
async def test_a_receipt_counts_for_a_day(storage: Storage, age: timedelta) -> None:
    """Then its key can be claimed anew, for both operations."""
    session = await stored_session(storage)
    await storage.messages.append(ALICE, session.id, new_messages("x"), START, APPEND)
    await storage.sessions.add(new_session(), (), CREATE)
    append, create = (replace(once, claimed_at=START + age) for once in (APPEND, CREATE))
    stored = await storage.messages.append(ALICE, session.id, new_messages("y"), START, append)
    assert isinstance(stored, Receipt) == (age < RETENTION)
    assert (await storage.sessions.add(new_session(), (), create) is None) == (age == RETENTION)
    found = await storage.sessions.get(ALICE, session.id)
    assert (found.message_count, await total(storage)) == ((1, 2) if age < RETENTION else (2, 3))


async def test_a_purge_forgets_old_receipts_and_counts_them(storage: Storage) -> None:
    for age in range(5):
        once = replace(CREATE, key=str(age), claimed_at=START + age * TICK)
        await storage.sessions.add(new_session(), (), once)
    assert await storage.purge(START + 2 * TICK) == 3
    assert await storage.purge(START + 2 * TICK) == 0
    kept = replace(CREATE, key="3")
    assert isinstance(await storage.sessions.add(new_session(), (), kept), Receipt)
    gone = replace(CREATE, key="2")
    assert await storage.sessions.add(new_session(), (), gone) is None


async def test_a_receipt_says_how_many_were_stored_where_others_were_there(
    storage: Storage,
) -> None:
    """Also none; and where orders were given and taken back."""
    session, first = started(ALICE, named("a", "b"))
    await storage.sessions.add(session, first)
    await storage.messages.remove(ALICE, session.id, 2, START)
    for key, names, first_order, count in (
        ("1", "acd", 3, 2),
        ("2", "dca", 5, 0),
        ("3", "b", 5, 1),
    ):
        claim = replace(APPEND, key=key)
        await storage.messages.append(ALICE, session.id, named(*names), START, claim, KEEP)
        for terms in (KEEP, AppendTerms(expected=[]), PLAIN_TERMS):
            again = await storage.messages.append(
                ALICE, session.id, named(*names), START, claim, terms
            )
            assert again == Receipt(claim, session.id, first_order, count)
    found = await storage.sessions.get(ALICE, session.id)
    assert (found.message_count, found.last_order) == (4, 5)


async def test_a_refusal_leaves_no_receipt(storage: Storage) -> None:
    """And where there is one, it comes before the refusal."""
    session, first = started(ALICE, named("a"), external_id="trip")
    await storage.sessions.add(session, first)
    stale, again = AppendTerms(expected=[]), new_session(external_id="trip")
    taken = storage.messages.append(ALICE, session.id, named("a"), START, APPEND)
    late = storage.messages.append(ALICE, session.id, named("b"), START, APPEND, stale)
    for refused, refusal in (
        (taken, ExternalIdTaken),
        (late, VersionMismatch),
        (storage.sessions.add(again, (), CREATE), ExternalIdTaken),
    ):
        with pytest.raises(refusal):
            await refused
    stored = await storage.messages.append(ALICE, session.id, named("b"), START, APPEND)
    assert not isinstance(stored, Receipt)
    assert await storage.sessions.add(new_session(external_id="new"), (), CREATE) is None
    assert isinstance(await storage.sessions.add(again, (), CREATE), Receipt)
    for terms in (PLAIN_TERMS, stale):
        found = await storage.messages.append(ALICE, session.id, named("a"), START, APPEND, terms)
        assert is_receipt(found, APPEND, session.id, first_order=2, how_many=1)


async def test_a_session_that_an_append_makes_has_the_appends_receipt(storage: Storage) -> None:
    """Under it an append to that session is a replay."""
    session, messages = started(ALICE, named("a", "b"), external_id="trip")
    assert await storage.sessions.add(session, messages, APPEND) is None
    other = new_session(external_id="other")
    for found in (
        await storage.sessions.add(other, (), APPEND),
        await storage.messages.append(ALICE, session.id, named("c"), START, APPEND),
    ):
        assert is_receipt(found, APPEND, session.id, first_order=1, how_many=2)
    assert await total(storage) == 1


@pytest.mark.parametrize("rivals", [2, 20])
async def test_of_rivals_under_one_key_one_is_stored(storage: Storage, rivals: int) -> None:
    """The others find its receipt, whether they append or create."""
    session = await stored_session(storage)
    appended = await asyncio.gather(
        *(
            storage.messages.append(ALICE, session.id, new_messages("x", "y"), START, APPEND)
            for _ in range(rivals)
        )
    )
    receipts = [found for found in appended if isinstance(found, Receipt)]
    assert len(receipts) == rivals - 1
    assert all(is_receipt(one, APPEND, session.id, first_order=1, how_many=2) for one in receipts)
    assert (await storage.sessions.get(ALICE, session.id)).message_count == 2

    sessions = [new_session() for _ in range(rivals)]
    found = await asyncio.gather(*(storage.sessions.add(new, (), CREATE) for new in sessions))
    (winner,) = [new for new, receipt in zip(sessions, found, strict=True) if receipt is None]
    assert found.count(Receipt(CREATE, winner.id, first_order=1)) == rivals - 1
    assert await total(storage) == 2


async def test_a_receipt_in_the_way_of_rivals_is_replaced_once(storage: Storage) -> None:
    """They all find it old, and one of them takes its place."""
    session = await stored_session(storage)
    await storage.messages.append(ALICE, session.id, new_messages("old"), START, APPEND)
    late = replace(APPEND, claimed_at=START + RETENTION)
    appended = await asyncio.gather(
        *(
            storage.messages.append(ALICE, session.id, new_messages("new"), START, late)
            for _ in range(10)
        )
    )
    assert sum(not isinstance(found, Receipt) for found in appended) == 1
    assert (await storage.sessions.get(ALICE, session.id)).message_count == 2
