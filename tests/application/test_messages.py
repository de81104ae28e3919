import pytest

from application.use_cases import UseCases
from domain.errors import InvalidValue
from domain.message import BATCH_MAX, NewMessage, Role
from domain.owner import Owner
from tests.clock import ManualClock

ALICE = Owner("issuer", "alice")


def said(*contents: str) -> list[NewMessage]:
    return [NewMessage(Role.USER, content) for content in contents]


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
