"""What goes out of a service comes into another as it was, on every storage."""

from collections.abc import AsyncIterator

import pytest

from adapters.system import Uuid7Identifiers
from application import imports
from application.ports.storage import Storage
from application.use_cases import UseCases, build_use_cases
from domain.body import Body
from domain.message import NewMessage, Role
from domain.metadata import Metadata
from domain.session import SessionPatch
from domain.session_page import SessionFilter, SessionPageRequest
from domain.transfer import Outcome, Part
from tests.clock import ManualClock
from tests.contract.examples import new_owner
from tests.moving import as_parts, but_for_ids, exported, given, imported, session


@pytest.fixture
def clock() -> ManualClock:
    return ManualClock()


@pytest.fixture
def do(storage: Storage, clock: ManualClock) -> UseCases:
    return build_use_cases(storage=storage, clock=clock, identifiers=Uuid7Identifiers())


async def test_what_is_exported_is_imported_as_it_was(do: UseCases, clock: ManualClock) -> None:
    """But for ids, and with no holes among the orders; counts of what is archived are true."""
    alice, bob = new_owner(), new_owner()
    body = Body.from_mapping({"b": "\ud800\0", "a": [1.5, 10**30]})
    first = await do.create_session(
        alice,
        title="One",
        metadata=Metadata('{"n":1.10,"a":{}}'),
        messages=[
            NewMessage(Role.USER, "hi", external_id="m"),
            NewMessage(Role.DEVELOPER, name="Planner", body=body, format="x/1"),
        ],
    )
    clock.move(5)
    await do.put_message(alice, first.id, 1, NewMessage(Role.USER, "hello"))
    await do.update_session(alice, first.id, SessionPatch(archived=True, title="Uno"))
    clock.move(5)
    second = await do.create_session(alice, external_id="two", messages=[])
    await do.update_session(alice, second.id, SessionPatch(pinned=True))
    clock.move(5)
    lines = await exported(do, alice)
    assert [line["type"] for line in lines] == [
        "header", "session", "message", "message", "session", "footer"
    ]  # fmt: skip
    assert lines[-1] == {"type": "footer", "sessions": 2, "messages": 2}
    clock.move(60)
    assert [one.outcome for one in await imported(do, bob, lines)] == [Outcome.CREATED] * 2
    back = await exported(do, bob)
    assert but_for_ids(back) == but_for_ids(lines)
    assert [line.get("external_id") for line in back[1:5]] == [str(first.id), "m", None, "two"]
    for archived, total in ((True, 1), (False, 1), (None, 2)):
        asked = SessionPageRequest(filters=SessionFilter(archived=archived))
        assert (await do.list_sessions(bob, asked)).total == total
    clock.move(60)
    again = await imported(do, bob, back)
    assert [(one.outcome, one.messages, one.left_out) for one in again] == [
        (Outcome.KEPT, 0, ()),
        (Outcome.KEPT, 0, ()),
    ]
    assert but_for_ids(await exported(do, bob)) == but_for_ids(lines)


async def test_orders_are_given_anew_with_no_gaps(do: UseCases) -> None:
    alice, bob = new_owner(), new_owner()
    said = [NewMessage(Role.USER, str(number)) for number in range(4)]
    made = await do.create_session(alice, messages=said)
    await do.remove_message(alice, made.id, 2)
    await imported(do, bob, await exported(do, alice))
    messages = [line for line in await exported(do, bob) if line["type"] == "message"]
    assert [line["message_order"] for line in messages] == [1, 2, 3]
    assert [line["content"] for line in messages] == ["0", "2", "3"]


async def test_a_session_with_more_than_one_act_holds_is_whole_after_any_interruption(
    do: UseCases, clock: ManualClock, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Those of its messages that have no external ids are found by their place."""
    monkeypatch.setattr(imports, "ACT_MESSAGES", 3)
    alice = new_owner()
    for name, said in (("named", {"external_id": "m"}), ("unnamed", {})):
        messages = [
            NewMessage(Role.USER, f"{number}", external_id=(said and f"m{number}") or None)
            for number in range(10)
        ]
        await do.create_session(alice, external_id=name, messages=messages)
        clock.move(1)
    clock.move(100)
    lines = await exported(do, alice)
    parts = as_parts(lines)
    for stop in range(len(parts)):
        bob = new_owner()
        seen = do.import_sessions(bob, _cut(given(parts[:stop])))
        with pytest.raises(OSError, match="gone"):
            async for _ in seen:
                pass
        await imported(do, bob, lines)
        back = [line["content"] for line in await exported(do, bob) if line["type"] == "message"]
        assert back == [str(number) for number in range(10)] * 2
    whole = new_owner()
    await imported(do, whole, lines)
    assert but_for_ids(await exported(do, whole)) == but_for_ids(lines)


async def _cut(parts: AsyncIterator[Part]) -> AsyncIterator[Part]:
    async for part in parts:
        yield part
    raise OSError("gone")


FOLLOWING = [
    (("a", "b"), ("a", "b"), 0, 0),
    (("a", "b"), ("a", "b", "c"), 1, 0),
    ((), ("a", "b"), 2, 0),
    (("a", "b"), ("b", "c", "d"), 2, 0),
    (("a", "b"), ("a", "c", "d"), 0, 2),
    (("a", "b", "here"), ("a", "b"), 0, 0),
    (("a", "b", "here"), ("a", "b", "c"), 0, 1),
]


@pytest.mark.parametrize(("there", "brought", "added", "left_out"), FOLLOWING)
async def test_a_session_that_is_there_gets_what_follows_its_last_message(
    do: UseCases, there: tuple[str, ...], brought: tuple[str, ...], added: int, left_out: int
) -> None:
    """And nothing else: what a person has removed, or another branch, is said and left out."""
    owner = new_owner()
    messages = [NewMessage(Role.USER, name, external_id=name) for name in there]
    await do.create_session(owner, external_id="s", title="Mine", messages=messages)
    lines = session("s", *brought, title="Theirs")
    for expected in (added, 0):
        (found,) = await imported(do, owner, lines)
        assert (found.outcome, found.messages) == (Outcome.KEPT, expected)
        assert sum(one.count for one in found.left_out) == left_out
    stored = await exported(do, owner)
    assert stored[1]["title"] == "Mine"
    assert stored[1]["message_count"] == len(there) + added


async def test_a_session_is_known_by_its_own_id_too(do: UseCases) -> None:
    """An export that comes back to where it is from doubles nothing."""
    alice = new_owner()
    await do.create_session(alice, messages=[NewMessage(Role.USER, "hi")])
    lines = await exported(do, alice)
    (found,) = await imported(do, alice, lines)
    assert found.outcome is Outcome.KEPT
    assert but_for_ids(await exported(do, alice)) == but_for_ids(lines)
