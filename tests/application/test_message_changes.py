"""Messages that are replaced and removed."""

import pytest

from application.use_cases import UseCases
from domain.body import Body
from domain.errors import MessageNotFound, VersionMismatch
from domain.external_id import ExternalId
from domain.instant import TICK
from domain.message import LAST, MessageRef, NewMessage, Role
from domain.message_page import MessagePageRequest
from domain.owner import Owner
from domain.session import Session
from tests.clock import START, ManualClock

ALICE = Owner("issuer", "alice")
NEW = NewMessage(Role.ASSISTANT, "new", name="Ana", body=Body('{"a":1}'), format="x")
MIDDLE = ExternalId("middle")


@pytest.fixture
async def session(do: UseCases, clock: ManualClock) -> Session:
    three = [
        NewMessage(Role.USER, content, external_id=content)
        for content in ("first", "middle", "last")
    ]
    session = await do.create_session(ALICE, external_id="trip", messages=three)
    clock.move(60)
    return session


async def contents(do: UseCases, session: Session) -> list[str]:
    return [message.content for message in (await do.get_messages(ALICE, session.id)).items]


@pytest.mark.parametrize(("ref", "order"), [(2, 2), (MIDDLE, 2), (LAST, 3)])
async def test_a_put_takes_a_messages_place(
    do: UseCases, session: Session, clock: ManualClock, ref: MessageRef, order: int
) -> None:
    before = await do.get_message(ALICE, session.id, ref)
    put = await do.put_message(ALICE, session.id, ref, NEW)
    assert not put.appended
    assert put.message == before.replaced(NEW, clock.now())
    assert await do.get_message(ALICE, session.id, order) == put.message
    found = await do.get_session(ALICE, session.id)
    assert (found.last_updated, found.message_count) == (put.message.edited_at, 3)
    again = await do.put_message(ALICE, session.id, ref, NEW)
    assert again.message.version == clock.now() + TICK


async def test_a_put_under_an_unknown_external_id_appends(do: UseCases, session: Session) -> None:
    """With that as its external id, whatever the message says."""
    put = await do.put_message(
        ALICE, session.id, ExternalId("new"), NewMessage(Role.USER, "x", external_id="other")
    )
    assert put.appended
    assert (put.message.message_order, put.message.external_id) == (4, "new")
    for missing in (5, 0, 2**31):
        with pytest.raises(MessageNotFound):
            await do.put_message(ALICE, session.id, missing, NEW)
    empty = await do.create_session(ALICE)
    with pytest.raises(MessageNotFound):
        await do.put_message(ALICE, empty.id, LAST, NEW)


async def test_a_put_can_expect_a_version(do: UseCases, session: Session) -> None:
    """Which what is not there does not have."""
    at = (await do.get_message(ALICE, session.id, MIDDLE)).version
    for expected in ([], [at + TICK]):
        with pytest.raises(VersionMismatch):
            await do.put_message(ALICE, session.id, MIDDLE, NEW, expected=expected)
    with pytest.raises(VersionMismatch):
        await do.put_message(ALICE, session.id, ExternalId("new"), NEW, expected=[at])
    with pytest.raises(MessageNotFound):
        await do.put_message(ALICE, session.id, 9, NEW, expected=[at])
    assert await contents(do, session) == ["first", "middle", "last"]
    await do.put_message(ALICE, session.id, MIDDLE, NEW, expected=[at + TICK, at])
    with pytest.raises(VersionMismatch):
        await do.put_message(ALICE, session.id, MIDDLE, NEW, expected=[at])


async def test_a_put_can_be_an_append_or_nothing(do: UseCases, session: Session) -> None:
    for there in (1, LAST, MIDDLE):
        with pytest.raises(VersionMismatch):
            await do.put_message(ALICE, session.id, there, NEW, append_only=True)
    with pytest.raises(MessageNotFound):
        await do.put_message(ALICE, session.id, 4, NEW, append_only=True)
    put = await do.put_message(ALICE, session.id, ExternalId("new"), NEW, append_only=True)
    assert put.appended
    assert await contents(do, session) == ["first", "middle", "last", "new"]


async def test_a_removed_message_is_gone_and_its_order_with_it(
    do: UseCases, session: Session, clock: ManualClock
) -> None:
    last = await do.get_message(ALICE, session.id, LAST)
    assert await do.remove_message(ALICE, session.id, LAST) == last
    middle = await do.remove_message(ALICE, session.id, MIDDLE)
    for gone in (2, 3, MIDDLE, ExternalId("last")):
        for ask in (
            do.get_message(ALICE, session.id, gone),
            do.remove_message(ALICE, session.id, gone),
        ):
            with pytest.raises(MessageNotFound):
                await ask
    found = await do.get_session(ALICE, session.id)
    assert (found.message_count, found.last_updated) == (1, clock.now() + TICK)
    (stored,) = await do.append_messages(ALICE, session.id, [NEW])
    assert (middle.message_order, stored.message_order) == (2, 4)
    page = await do.get_messages(ALICE, session.id, MessagePageRequest(after=1))
    assert ([one.message_order for one in page.items], page.total) == ([4], 2)


async def test_a_removal_can_expect_a_version(do: UseCases, session: Session) -> None:
    at = (await do.get_message(ALICE, session.id, 1)).version
    for expected in ([], [at + TICK]):
        with pytest.raises(VersionMismatch):
            await do.remove_message(ALICE, session.id, 1, expected=expected)
    put = await do.put_message(ALICE, session.id, 1, NEW)
    with pytest.raises(VersionMismatch):
        await do.remove_message(ALICE, session.id, 1, expected=[at])
    await do.remove_message(ALICE, session.id, 1, expected=[put.message.version])


@pytest.mark.parametrize(
    ("before", "left"), [(None, 0), (0, 3), (1, 3), (2, 2), (3, 1), (4, 0), (2**31 - 1, 0)]
)
async def test_a_session_is_cleared_as_far_as_asked(
    do: UseCases, session: Session, clock: ManualClock, before: int | None, left: int
) -> None:
    assert await do.clear_messages(ALICE, session.id, before=before) == 3 - left
    assert await contents(do, session) == ["first", "middle", "last"][3 - left :]
    found = await do.get_session(ALICE, session.id)
    assert found.message_count == left
    assert found.last_updated == (session.last_updated if left == 3 else clock.now())
    assert await do.clear_messages(ALICE, session.id, before=before) == 0
    (stored,) = await do.append_messages(ALICE, session.id, [NEW])
    assert stored.message_order == 4


async def test_a_clearing_can_expect_a_version(do: UseCases, session: Session) -> None:
    await do.remove_message(ALICE, session.id, 1)
    for expected in ([], [session.version]):
        with pytest.raises(VersionMismatch):
            await do.clear_messages(ALICE, session.id, expected=expected)
    current = (await do.get_session(ALICE, session.id)).version
    assert await do.clear_messages(ALICE, session.id, expected=[session.version, current]) == 2


async def test_what_get_gave_can_be_put_back(do: UseCases, session: Session) -> None:
    """Its ids, order and times are passed over: it is not another message."""
    found = await do.get_message(ALICE, session.id, 1)
    same = NewMessage(
        found.role, found.content, external_id=found.external_id, timestamp=START + TICK
    )
    put = await do.put_message(ALICE, session.id, 2, same)
    assert (put.message.external_id, put.message.message_order) == ("middle", 2)
    assert put.message.content == "first"
