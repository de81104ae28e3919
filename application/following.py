"""Follow a session: wait for what comes, and hear what happens, as it happens."""

import asyncio
from collections import deque
from collections.abc import AsyncGenerator
from contextlib import ExitStack
from dataclasses import dataclass
from datetime import UTC, datetime
from uuid import UUID

from application.errors import Unavailable
from application.followers import EndReason, Followed, Follower, Followers
from application.ownership import Ownership
from application.ports.changes import ChangeReader, Changes, Edit, SessionKey
from application.ports.messages import MessageReader
from domain.errors import MessageNotFound, SessionNotFound
from domain.message import Message
from domain.message_page import MessagePageRequest
from domain.owner import Owner
from domain.page import Page
from domain.session import Session, SessionRef
from domain.session_event import (
    MessageAppended,
    MessageRemoved,
    MessageReplaced,
    MessagesCleared,
    SessionChanged,
    SessionEvent,
)

BATCH = 50
"""Messages read at once for a follower who has not had them yet."""

HELD_BYTES = 32 * 1024
"""Bytes of messages that are held for one follower, who may be slow, beside the first of them."""

_NO_EDITS = datetime.max.replace(tzinfo=UTC)


@dataclass(frozen=True, slots=True)
class AwaitMessages:
    messages: MessageReader
    ownership: Ownership
    followers: Followers

    async def __call__(
        self,
        caller: Owner,
        session: SessionRef,
        request: MessagePageRequest,
        follower: Follower,
        seconds: float,
    ) -> Page[Message]:
        """The page as soon as there is something on it, or else after so many seconds, or once the
        follower's waiting is ended. Raises SessionNotFound, SessionForbidden, TooManyFollowers."""
        loop = asyncio.get_running_loop()
        latest = loop.time() + seconds
        async with self.ownership.access_to(caller, session) as session_id:
            with self.followers.joined((caller, session_id), follower) as followed:
                while True:
                    page = await followed.read(
                        ("awaited", request),
                        lambda: self.messages.page(caller, session_id, request),
                    )
                    if page.items or follower.ended:
                        return page
                    if not await follower.wait(max(0.0, latest - loop.time())):
                        return page


@dataclass(frozen=True, slots=True)
class FollowSession:
    messages: MessageReader
    changes: ChangeReader
    ownership: Ownership
    followers: Followers

    async def __call__(
        self,
        caller: Owner,
        session: SessionRef,
        follower: Follower,
        after: int | None = None,
    ) -> "Following":
        """What happens in the session from now on, with the messages `after` an order that are
        there already. The caller closes it.

        Raises SessionNotFound, SessionForbidden, TooManyFollowers.
        """
        async with self.ownership.access_to(caller, session) as session_id:
            with ExitStack() as joined:
                key = caller, session_id
                followed = joined.enter_context(self.followers.joined(key, follower))
                begun = await followed.read("begin", lambda: self.changes.since(*key, _NO_EDITS))
                position = begun.session.last_order
                if after is not None:
                    position = min(after, position)
                return Following(self, key, follower, followed, begun, position, joined.pop_all())


class Following:
    """One follower's way through what happens in a session.

    `position` is the order of the last message that the follower has had. Little but the place is
    kept, and what happened is read from the storage when the follower takes it: one who is slow,
    or whom the storage keeps waiting, holds no memory.
    """

    def __init__(  # noqa: PLR0913, PLR0917 - where it begins
        self,
        of: FollowSession,
        key: SessionKey,
        follower: Follower,
        followed: Followed,
        begun: Changes,
        position: int,
        joined: ExitStack,
    ) -> None:
        self.position = position
        self._of = of
        self._key = key
        self._follower = follower
        self._followed = followed
        self._joined = joined
        self._known = begun
        self._highest = begun.session.last_order
        self._is_behind = False
        self._limit = BATCH
        self._edits: deque[Edit | SessionEvent] = deque()
        self._messages: deque[Message] = deque()
        self._told: dict[int, datetime] = {}  # edits that were told before they were heard of

    @property
    def session_id(self) -> UUID:
        return self._key[1]

    def close(self) -> None:
        self._joined.close()

    async def events(self, idle: float) -> AsyncGenerator[SessionEvent | None]:
        """Each event as it happens, and None whenever nothing has happened for `idle` seconds,
        until the follower's following is ended. While the storage is away, nothing happens."""
        while not self._follower.ended:
            try:
                event = await self._next()
            except SessionNotFound:
                self._follower.end(EndReason.SESSION_GONE)
                return
            except Unavailable:
                self._is_behind = True
                self._of.followers.watch(self._key)
                event = None
            if event is not None:
                yield event
            elif await self._follower.wait(idle):
                self._is_behind = True
            else:
                yield None

    async def _next(self) -> SessionEvent | None:
        """The next thing that has happened, or None. Raises SessionNotFound, Unavailable."""
        while True:
            if self._edits:
                event = await self._event(self._edits[0])
                self._edits.popleft()
                if event is not None:
                    return event
            elif self._messages:
                return self._appended(self._messages.popleft())
            elif self._highest > self.position:
                await self._read_messages()
            elif self._is_behind:
                await self._read_changes()
                self._is_behind = False
            else:
                return None

    def _appended(self, message: Message) -> MessageAppended:
        self.position = message.message_order
        self._tell(message)
        return MessageAppended(message)

    async def _event(self, edit: Edit | SessionEvent) -> SessionEvent | None:
        """The event of an edit; None where the message has been removed since."""
        if not isinstance(edit, Edit):
            return edit
        if edit.removed:
            return MessageRemoved(edit.message_order)
        try:
            message = await self._followed.read(
                edit, lambda: self._of.messages.get(*self._key, edit.message_order)
            )
        except MessageNotFound:
            return None
        self._tell(message)
        return MessageReplaced(message)

    def _tell(self, message: Message) -> None:
        if message.edited_at and message.edited_at > self._known.session.last_updated:
            self._told[message.message_order] = message.edited_at

    async def _read_messages(self) -> None:
        asked = MessagePageRequest(after=self.position, limit=self._limit)
        page = await self._followed.read(asked, lambda: self._of.messages.page(*self._key, asked))
        held = 0
        for message in page.items:
            held += message.size
            if held > HELD_BYTES and self._messages:
                break
            self._messages.append(message)
        kept = len(self._messages)
        self._limit = kept if kept < len(page.items) else min(2 * self._limit, BATCH)
        if not page.items:  # all up to there are removed
            self.position = self._highest

    async def _read_changes(self) -> None:
        since = self._known.session.last_updated
        now = await self._followed.read(since, lambda: self._of.changes.since(*self._key, since))
        before, self._known = self._known, now
        self._highest = now.session.last_order
        self._edits += [edit for edit in now.edits if self._concerns(edit)]
        self._edits += self._removed_from_front(before, now)
        if _shown(now.session) != _shown(before.session):
            self._edits.append(SessionChanged(now.session))
        latest = now.session.last_updated
        self._told = {order: at for order, at in self._told.items() if at > latest}

    def _concerns(self, edit: Edit) -> bool:
        """Whether the follower has the message as it was before that."""
        order = edit.message_order
        return order <= self.position and (edit.removed or self._told.get(order) != edit.at)

    def _removed_from_front(self, before: Changes, now: Changes) -> list[SessionEvent]:
        first = before.first_order
        if now.first_order <= first or first > self.position:
            return []
        removed = now.session.removed_count - before.session.removed_count
        if removed - sum(edit.removed for edit in now.edits) == 1:
            return [MessageRemoved(first)]
        return [MessagesCleared(now.first_order)]


def _shown(session: Session) -> tuple[object, ...]:
    return session.title, session.metadata, session.archived, session.pinned
