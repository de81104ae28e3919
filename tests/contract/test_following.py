"""Whoever applies what they hear has what is stored, whatever was written meanwhile and by whom."""

from collections.abc import Sequence
from contextlib import aclosing
from dataclasses import dataclass, field
from typing import Any

from hypothesis import given
from hypothesis import strategies as st

from adapters.system import Uuid7Identifiers
from application.followers import Follower, Followers
from application.following import Following
from application.ports.storage import Storage
from application.use_cases import UseCases, build_use_cases
from domain.errors import MessageNotFound
from domain.message import LAST, NewMessage, Role
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
from tests.contract.examples import all_messages, new_owner

ORDERS = st.integers(1, 8)
WRITES = st.one_of(
    st.tuples(st.just("append"), st.integers(1, 3)),
    st.tuples(st.just("put"), ORDERS),
    st.tuples(st.just("remove"), ORDERS | st.just(LAST)),
    st.tuples(st.just("clear"), st.none() | ORDERS),
    st.tuples(st.just("title"), st.integers(0, 2)),
    st.tuples(st.just("hear"), st.none()),
)


@dataclass
class Window:
    """What a client shows."""

    title: str | None
    messages: dict[int, str] = field(default_factory=dict)
    appended: list[int] = field(default_factory=list)

    def apply(self, event: SessionEvent) -> None:
        match event:
            case MessageAppended(message):
                self.messages[message.message_order] = message.content
                self.appended.append(message.message_order)
            case MessageReplaced(message):
                assert message.message_order in self.messages
                self.messages[message.message_order] = message.content
            case MessageRemoved(order):
                self.messages.pop(order, None)
            case MessagesCleared(before):
                self.messages = {one: text for one, text in self.messages.items() if one >= before}
            case SessionChanged(session):
                self.title = session.title


async def hear(following: Following, window: Window) -> None:
    async with aclosing(following.events(0)) as events:
        async for event in events:
            if event is None:
                return
            window.apply(event)


async def write(do: UseCases, session: Session, act: str, about: Any, text: str) -> None:
    owner, id_ = session.owner, session.id
    new = NewMessage(Role.USER, text)
    try:
        match act:
            case "append":
                await do.append_messages(owner, id_, [new] * about)
            case "put":
                await do.put_message(owner, id_, about, new)
            case "remove":
                await do.remove_message(owner, id_, about)
            case "clear":
                await do.clear_messages(owner, id_, before=about)
            case "title":
                await do.update_session(owner, id_, SessionPatch(title=f"title {about}"))
    except MessageNotFound:
        pass


@given(
    writes=st.lists(st.tuples(WRITES, st.booleans()), max_size=25),
    after=st.none() | st.integers(0, 4),
)
async def test_what_is_heard_makes_what_is_stored(
    shared_storage: Storage, writes: Sequence[tuple[tuple[str, Any], bool]], after: int | None
) -> None:
    """Through this process or another, of whose writes a look tells."""
    clock = ManualClock()
    here, elsewhere = (
        build_use_cases(
            storage=shared_storage,
            clock=clock,
            identifiers=Uuid7Identifiers(),
            followers=Followers(shared_storage.changes, is_shared=True),
        )
        for _ in range(2)
    )
    owner: Owner = new_owner()
    first = [NewMessage(Role.USER, text) for text in "abcd"]
    session = await here.create_session(owner, messages=first)
    following = await here.follow_session(owner, session.id, Follower(), after)
    window = Window(None, {order: "abcd"[order - 1] for order in range(1, following.position + 1)})
    for place, ((act, about), is_elsewhere) in enumerate(writes):
        if act == "hear":
            await here.followers.look()
            await hear(following, window)
        else:
            await write(elsewhere if is_elsewhere else here, session, act, about, f"text {place}")
    await here.followers.look()
    await hear(following, window)
    following.close()
    stored = await all_messages(shared_storage, session)
    assert window.messages == {one.message_order: one.content for one in stored}
    assert window.title == (await here.get_session(owner, session.id)).title
    assert window.appended == sorted(set(window.appended))
