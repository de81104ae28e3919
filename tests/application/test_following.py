"""Waiting for what comes, and hearing what happens."""

import asyncio
from collections.abc import AsyncIterator, Callable
from contextlib import aclosing, asynccontextmanager, suppress
from dataclasses import dataclass, field
from typing import Any
from uuid import uuid4

import pytest

from adapters.memory import MemoryStorage
from adapters.system import Uuid7Identifiers
from application.errors import TooManyFollowers, Unavailable
from application.followers import EndReason, Follower, Followers
from application.following import BATCH, HELD_BYTES, Following
from application.ports.changes import Changes
from application.use_cases import UseCases, build_use_cases
from domain.errors import SessionForbidden, SessionNotFound
from domain.external_id import ExternalId
from domain.message import LAST, NewMessage, Role
from domain.message_page import MessagePageRequest
from domain.owner import Owner
from domain.session import Session, SessionPatch
from domain.session_event import (
    MessageAppended,
    MessageRemoved,
    MessageReplaced,
    MessagesCleared,
    SessionChanged,
    SessionEvent,
)
from tests.clock import ManualClock
from tests.waiting import await_until

ALICE = Owner("issuer", "alice")
BOB = Owner("issuer", "bob")
IDLE = 0.02


def said(*contents: str) -> list[NewMessage]:
    return [NewMessage(Role.USER, content) for content in contents]


@pytest.fixture
async def session(do: UseCases) -> Session:
    return await do.create_session(ALICE, external_id="trip", messages=said("a", "b", "c"))


@asynccontextmanager
async def following(
    do: UseCases, session: Session, after: int | None = None, follower: Follower | None = None
) -> AsyncIterator[Following]:
    begun = await do.follow_session(ALICE, session.id, follower or Follower(), after)
    try:
        yield begun
    finally:
        begun.close()


async def news(of: Following, idle: float = IDLE) -> list[str]:
    """What has happened until nothing happens any more."""
    heard = []
    async with aclosing(of.events(idle)) as events:
        async for event in events:
            if event is None:
                break
            heard.append(shown(event))
    return heard


def shown(event: SessionEvent) -> str:
    match event:
        case MessageAppended(message):
            return f"{message.message_order} {message.content}"
        case MessageReplaced(message):
            return f"replaced {message.message_order} {message.content}"
        case MessageRemoved(order):
            return f"removed {order}"
        case MessagesCleared(before):
            return f"cleared before {before}"
        case SessionChanged(session):
            return f"session {session.title}"


async def test_a_follower_hears_what_happens_from_now_on(do: UseCases, session: Session) -> None:
    id_ = session.id
    async with following(do, session) as begun:
        assert (begun.position, begun.session_id) == (3, id_)
        assert await news(begun) == []
        await do.append_messages(ALICE, id_, said("d", "e"))
        await do.put_message(ALICE, id_, 1, said("A")[0])
        await do.remove_message(ALICE, id_, 2)
        await do.update_session(ALICE, id_, SessionPatch(title="Lisbon"))
        assert await news(begun) == ["replaced 1 A", "removed 2", "session Lisbon", "4 d", "5 e"]
        await do.clear_messages(ALICE, id_, before=4)
        assert await news(begun) == ["cleared before 4"]
        await do.remove_message(ALICE, id_, 4)
        assert await news(begun) == ["removed 4"]
        await do.clear_messages(ALICE, id_)
        assert await news(begun) == ["removed 5"]
        await do.append_messages(ALICE, id_, said("f"))
        assert await news(begun) == ["6 f"]
    assert not do.followers.count


@pytest.mark.parametrize(
    ("after", "heard"), [(0, "abc"), (1, "bc"), (2, "c"), (3, ""), (99, ""), (None, "")]
)
async def test_a_follower_resumes_after_an_order(
    do: UseCases, session: Session, after: int | None, heard: str
) -> None:
    async with following(do, session, after) as begun:
        assert [line[-1] for line in await news(begun)] == list(heard)
        await do.append_messages(ALICE, session.id, said("x"))
        assert await news(begun) == ["4 x"]
        assert begun.position == 4


async def test_what_a_follower_never_had_is_not_taken_back(do: UseCases, session: Session) -> None:
    """Nor is a message told as replaced that comes as it is now."""
    id_ = session.id
    async with following(do, session) as begun:
        await do.append_messages(ALICE, id_, said("d", "e", "f"))
        await do.remove_message(ALICE, id_, 5)
        await do.put_message(ALICE, id_, 4, said("D")[0])
        assert await news(begun) == ["4 D", "6 f"]
        await do.append_messages(ALICE, id_, said("g"))
        await do.remove_message(ALICE, id_, LAST)
        assert await news(begun) == []
        await do.append_messages(ALICE, id_, said("h"))
        assert await news(begun) == ["8 h"]
    async with following(do, session, after=0) as begun:
        await do.clear_messages(ALICE, id_, before=3)
        assert await news(begun) == ["3 c", "4 D", "6 f", "8 h", "cleared before 3"]


async def test_flags_and_metadata_are_news_of_the_session(do: UseCases, session: Session) -> None:
    async with following(do, session) as begun:
        for patch in (
            SessionPatch(archived=True),
            SessionPatch(pinned=True),
            SessionPatch(metadata={"a": 1}),
        ):
            await do.update_session(ALICE, session.id, patch)
            assert await news(begun) == ["session None"]
        await do.update_session(ALICE, session.id, SessionPatch(pinned=True))
        assert await news(begun) == []


async def test_a_long_history_is_held_in_pieces(do: UseCases) -> None:
    """Whatever its messages weigh: the follower may be slow."""
    large = "x" * (HELD_BYTES // 3)
    contents = [large if 40 < place < 80 else "y" for place in range(3 * BATCH)]
    session = await do.create_session(ALICE)
    for place in range(0, len(contents), BATCH):
        await do.append_messages(ALICE, session.id, said(*contents[place : place + BATCH]))
    async with following(do, session, after=0) as begun:
        orders = []
        async with aclosing(begun.events(IDLE)) as events:
            async for event in events:
                if event is None:
                    break
                assert isinstance(event, MessageAppended)
                orders.append(event.message.message_order)
                held = sum(message.size for message in begun._messages)  # noqa: SLF001 - what it holds
                assert held <= HELD_BYTES
    assert orders == list(range(1, len(contents) + 1))


async def test_whoever_may_not_have_a_session_does_not_follow_it(
    do: UseCases, session: Session
) -> None:
    asked = MessagePageRequest(after=0)
    for refused, id_ in ((SessionForbidden, session.id), (SessionNotFound, uuid4())):
        with pytest.raises(refused):
            await do.follow_session(BOB, id_, Follower())
        with pytest.raises(refused):
            await do.await_messages(BOB, id_, asked, Follower(), 30)
    with pytest.raises(SessionNotFound):
        await do.follow_session(BOB, ExternalId("trip"), Follower())
    assert not do.followers.count


async def test_following_ends_with_the_session(do: UseCases, session: Session) -> None:
    follower = Follower()
    async with following(do, session, follower=follower) as begun:
        await do.delete_session(ALICE, session.id)
        assert [event async for event in begun.events(30)] == []
    assert follower.ended is EndReason.SESSION_GONE
    waiting = asyncio.create_task(
        do.await_messages(ALICE, (other := await do.create_session(ALICE)).id, AFTER_0, follower, 9)
    )
    assert not (await waiting).items  # a follower who is at the end does not wait
    waiting = asyncio.create_task(do.await_messages(ALICE, other.id, AFTER_0, Follower(), WAIT))
    await await_until(lambda: do.followers.count)
    await do.delete_session(ALICE, other.id)
    with pytest.raises(SessionNotFound):
        await waiting


AFTER_0 = MessagePageRequest(after=0)
WAIT = 60.0


@pytest.mark.parametrize("reason", [EndReason.CLIENT_LEFT, EndReason.TOKEN_EXPIRED])
async def test_the_first_reason_to_end_counts(
    do: UseCases, session: Session, reason: EndReason
) -> None:
    follower = Follower()
    async with following(do, session, after=0, follower=follower) as begun:
        heard = []
        async for event in begun.events(WAIT):
            heard.append(event)
            follower.end(reason)
            follower.end(EndReason.STOPPING)
    assert len(heard) == 1
    assert follower.ended is reason


async def test_stopping_ends_everybody_and_whoever_comes_yet(
    do: UseCases, session: Session
) -> None:
    async with following(do, session) as begun:
        hearing = asyncio.create_task(news(begun, WAIT))
        waiting = asyncio.create_task(
            do.await_messages(ALICE, session.id, MessagePageRequest(after=3), Follower(), WAIT)
        )
        await await_until(lambda: do.followers.count == 2)
        do.followers.stop()
        assert await hearing == []
        assert not (await waiting).items
    late = Follower()
    async with following(do, session, after=1, follower=late) as begun:
        assert begun.position == 1
        assert await news(begun, WAIT) == []
    assert late.ended is EndReason.STOPPING


async def test_a_wait_ends_with_what_comes_or_with_its_time(do: UseCases, session: Session) -> None:
    asked = MessagePageRequest(after=3)
    page = await do.await_messages(ALICE, session.id, MessagePageRequest(after=2), Follower(), 0)
    assert [message.content for message in page.items] == ["c"]
    follower = Follower()
    page = await do.await_messages(ALICE, session.id, asked, follower, IDLE)
    assert (page.items, page.total) == ([], 3)
    assert follower.waited > 0
    waiting = asyncio.create_task(
        do.await_messages(ALICE, ExternalId("trip"), asked, Follower(), WAIT)
    )
    await await_until(lambda: do.followers.count)
    await do.update_session(ALICE, session.id, SessionPatch(title="no message"))
    await asyncio.sleep(IDLE)
    assert not waiting.done()
    await do.append_messages(ALICE, session.id, said("d", "e"))
    assert [message.content for message in (await waiting).items] == ["d", "e"]


async def test_there_is_a_place_for_so_many(clock: ManualClock) -> None:
    """Of one owner, and of all; whoever leaves makes room."""
    storage = MemoryStorage()
    followers = Followers(storage.changes, is_shared=False, most=3, most_of_owner=2)
    do = build_use_cases(
        storage=storage, clock=clock, identifiers=Uuid7Identifiers(), followers=followers
    )
    sessions = {owner: await do.create_session(owner) for owner in (ALICE, BOB)}

    async def follow(owner: Owner) -> Following:
        return await do.follow_session(owner, sessions[owner].id, Follower())

    begun = [await follow(ALICE), await follow(ALICE)]
    with pytest.raises(TooManyFollowers):
        await do.await_messages(ALICE, sessions[ALICE].id, AFTER_0, Follower(), 1)
    begun.append(await follow(BOB))
    with pytest.raises(Unavailable):
        await follow(BOB)
    begun.pop().close()
    begun.append(await follow(BOB))
    for one in begun:
        one.close()
    assert not followers.count


@dataclass
class Faulty(MemoryStorage):
    """One that is away at times, that counts what it is asked, and that others write to."""

    is_away: bool = False
    asked: list[Any] = field(default_factory=list)

    def __post_init__(self) -> None:
        super().__init__()
        changes = self.changes
        since, versions = changes.since, changes.versions

        async def counted(name: str, act: Callable[..., Any], *arguments: Any) -> Any:
            self.asked.append((name, arguments))
            await asyncio.sleep(0)
            if self.is_away:
                raise Unavailable
            return await act(*arguments)

        class Counted(type(changes)):  # type: ignore[misc]
            async def since(self, *arguments: Any) -> Changes:
                return await counted("since", since, *arguments)  # type: ignore[no-any-return]

            async def versions(self, *arguments: Any) -> Any:
                return await counted("versions", versions, *arguments)

        self._changes = Counted(changes.data)  # type: ignore[attr-defined]

    @property
    def is_shared(self) -> bool:
        return True


@dataclass
class Two:
    """Two processes over one storage."""

    here: UseCases
    elsewhere: UseCases
    storage: Faulty


@pytest.fixture
def two(clock: ManualClock) -> Two:
    storage = Faulty()
    here, elsewhere = (
        build_use_cases(storage=storage, clock=clock, identifiers=Uuid7Identifiers())
        for _ in range(2)
    )
    return Two(here, elsewhere, storage)


async def test_one_look_finds_what_others_have_written(two: Two) -> None:
    sessions = [await two.here.create_session(ALICE, messages=said("a")) for _ in range(10)]
    await two.here.followers.look()
    assert not two.storage.asked
    begun = [
        await two.here.follow_session(ALICE, session.id, Follower())
        for session in sessions
        for _ in range(5)
    ]
    await two.here.followers.look()
    for one in begun:
        assert await news(one) == []
    two.storage.asked.clear()
    await two.here.followers.look()
    assert [name for name, _ in two.storage.asked] == ["versions"]
    assert len(two.storage.asked[0][1][0]) == 10
    await two.elsewhere.append_messages(ALICE, sessions[0].id, said("b"))
    await two.elsewhere.delete_session(ALICE, sessions[1].id)
    await two.here.followers.look()
    assert [await news(one) for one in begun] == [["2 b"]] * 5 + [[]] * 45
    for one in begun:
        one.close()
    two.storage.asked.clear()
    await two.here.followers.look()
    assert not two.storage.asked


async def test_followers_of_one_session_share_what_they_read(two: Two) -> None:
    session = await two.here.create_session(ALICE)
    begun = [await two.here.follow_session(ALICE, session.id, Follower()) for _ in range(50)]
    hearing = [asyncio.create_task(news(one, 0.5)) for one in begun]
    await asyncio.sleep(IDLE)
    two.storage.asked.clear()
    await two.here.append_messages(ALICE, session.id, said("a"))
    assert await asyncio.gather(*hearing) == [["1 a"]] * 50
    assert [name for name, _ in two.storage.asked] == ["since"]


async def test_a_read_that_began_before_a_write_is_not_shared_after_it(two: Two) -> None:
    """Else what it does not have would not be heard until something else happens."""
    session = await two.here.create_session(ALICE)
    begun = [await two.here.follow_session(ALICE, session.id, Follower()) for _ in range(20)]
    hearing = [asyncio.create_task(news(one, 0.5)) for one in begun]
    for number in range(1, 31):
        await two.here.append_messages(ALICE, session.id, said(str(number)))
        for _ in range(number % 4):
            await asyncio.sleep(0)
    everything = [f"{number} {number}" for number in range(1, 31)]
    assert await asyncio.gather(*hearing) == [everything] * 20


async def test_followers_go_on_once_the_storage_is_back(two: Two) -> None:
    session = await two.here.create_session(ALICE)
    async with following(two.here, session) as begun:
        hearing = asyncio.create_task(heard_until(begun, "2 b"))
        two.storage.is_away = True
        await two.here.append_messages(ALICE, session.id, said("a"))
        await asyncio.sleep(IDLE)
        for _ in range(3):
            with pytest.raises(Unavailable):
                await two.here.followers.look()
        await two.elsewhere.append_messages(ALICE, session.id, said("b"))
        two.storage.is_away = False
        await two.here.followers.look()
        assert await hearing == ["1 a", "2 b"]


async def heard_until(of: Following, last: str) -> list[str]:
    heard: list[str] = []
    async with aclosing(of.events(IDLE)) as events:
        async for event in events:
            heard += [shown(event)] if event else []
            if heard and heard[-1] == last:
                break
    return heard


async def test_a_look_that_fails_is_made_good_by_the_next(two: Two) -> None:
    session = await two.here.create_session(ALICE)

    async def keep_looking() -> None:
        while True:
            await asyncio.sleep(0.001)
            with suppress(Unavailable):
                await two.here.followers.look()

    looking = asyncio.create_task(keep_looking())
    async with following(two.here, session) as begun:
        two.storage.is_away = True
        await await_until(lambda: len(two.storage.asked) > 5)
        two.storage.is_away = False
        await two.elsewhere.append_messages(ALICE, session.id, said("a"))
        assert await heard_until(begun, "1 a") == ["1 a"]
    looking.cancel()
    with pytest.raises(asyncio.CancelledError):
        await looking


@pytest.mark.parametrize("fault", [Unavailable, asyncio.CancelledError])
async def test_a_write_that_may_come_to_pass_is_looked_for(
    clock: ManualClock, monkeypatch: pytest.MonkeyPatch, fault: type[BaseException]
) -> None:
    """Where no other process writes, nothing is looked at otherwise."""
    storage = MemoryStorage()
    do = build_use_cases(storage=storage, clock=clock, identifiers=Uuid7Identifiers())
    session = await do.create_session(ALICE)
    append = type(storage.messages).append
    late: list[Any] = []

    async def lost(*arguments: Any) -> None:
        late.append(append(*arguments))
        raise fault

    async with following(do, session) as begun:
        await do.followers.look()
        assert await news(begun) == []
        with monkeypatch.context() as patched:
            patched.setattr(type(storage.messages), "append", lost)
            with pytest.raises(fault):
                await do.append_messages(ALICE, session.id, said("a"))
        await do.followers.look()
        assert await news(begun) == []
        await late[0]
        await do.followers.look()
        assert await news(begun) == ["1 a"]


@pytest.fixture
def between(monkeypatch: pytest.MonkeyPatch, storage: MemoryStorage) -> list[Any]:
    """What happens before a message that was replaced is read."""
    acts: list[Any] = []
    get = type(storage.messages).get

    async def late(*arguments: Any) -> Any:
        if acts:
            await acts.pop()()
        return await get(*arguments)

    monkeypatch.setattr(type(storage.messages), "get", late)
    return acts


async def test_a_message_that_is_removed_before_it_is_read_is_told_as_removed(
    do: UseCases, session: Session, between: list[Any]
) -> None:
    async with following(do, session) as begun:
        await do.put_message(ALICE, session.id, 2, said("B")[0])
        between.append(lambda: do.remove_message(ALICE, session.id, 2))
        assert await news(begun) == ["removed 2"]


async def test_an_edit_that_is_read_before_it_is_heard_of_is_told_once(
    do: UseCases, session: Session, between: list[Any]
) -> None:
    async with following(do, session) as begun:
        await do.put_message(ALICE, session.id, 2, said("B")[0])
        between.append(lambda: do.put_message(ALICE, session.id, 2, said("BB")[0]))
        assert await news(begun) == ["replaced 2 BB"]
        await do.put_message(ALICE, session.id, 2, said("BBB")[0])
        assert await news(begun) == ["replaced 2 BBB"]
