"""Repositories that wake those who follow a session once something is written to it: whatever
writes through them cannot forget to."""

import asyncio
from collections.abc import Callable, Collection, Iterator, Mapping, Sequence
from contextlib import ExitStack, contextmanager
from datetime import datetime
from uuid import UUID

from application.errors import Unavailable
from application.followers import UNSETTLED_SECONDS, Followers
from application.idempotency import IdempotencyClaim, Receipt
from application.ports.changes import SessionKey
from application.ports.messages import PLAIN_TERMS, AppendTerms, MessageRepository
from application.ports.removal import Removed
from application.ports.sessions import SessionRepository
from domain.message import Message, MessageRef, NewMessage
from domain.message_page import MessagePageRequest
from domain.owner import Owner
from domain.page import Page
from domain.session import Session, Version
from domain.session_page import SessionPageRequest


@contextmanager
def _notifying(followers: Followers, owner: Owner, session_id: UUID) -> Iterator[None]:
    """Wake the session's followers once its write is acknowledged. One whose outcome nobody knows
    may come to pass yet."""
    key: SessionKey = owner, session_id
    try:
        yield
    except (Unavailable, asyncio.CancelledError):
        followers.watch(key, UNSETTLED_SECONDS)
        raise
    followers.notify(key)


class NotifyingSessions(SessionRepository):
    def __init__(self, sessions: SessionRepository, followers: Followers) -> None:
        self._sessions = sessions
        self._followers = followers

    async def get(self, owner: Owner, session_id: UUID) -> Session:
        return await self._sessions.get(owner, session_id)

    async def page(self, owner: Owner, request: SessionPageRequest) -> Page[Session]:
        return await self._sessions.page(owner, request)

    async def find(self, owner: Owner, external_id: str) -> UUID:
        return await self._sessions.find(owner, external_id)

    async def exists(self, session_id: UUID) -> bool:
        return await self._sessions.exists(session_id)

    async def add(
        self, session: Session, messages: Sequence[Message], claim: IdempotencyClaim | None = None
    ) -> Receipt | None:
        """Nobody follows a session that is not there yet."""
        return await self._sessions.add(session, messages, claim)

    async def update(
        self, owner: Owner, session_id: UUID, change: Callable[[Session], Session]
    ) -> Session:
        with _notifying(self._followers, owner, session_id):
            return await self._sessions.update(owner, session_id, change)

    async def remove(
        self, owner: Owner, session_id: UUID, expected: Collection[Version] | None = None
    ) -> None:
        with _notifying(self._followers, owner, session_id):
            await self._sessions.remove(owner, session_id, expected)

    async def count(self, owner: Owner, ids: Collection[UUID] | None = None) -> Removed:
        return await self._sessions.count(owner, ids)

    async def remove_some(
        self, owner: Owner, ids: Collection[UUID], changed_before: datetime | None = None
    ) -> Removed:
        with ExitStack() as notifying:
            for session_id in ids:
                notifying.enter_context(_notifying(self._followers, owner, session_id))
            return await self._sessions.remove_some(owner, ids, changed_before)


class NotifyingMessages(MessageRepository):
    def __init__(self, messages: MessageRepository, followers: Followers) -> None:
        self._messages = messages
        self._followers = followers

    async def page(
        self, owner: Owner, session_id: UUID, request: MessagePageRequest
    ) -> Page[Message]:
        return await self._messages.page(owner, session_id, request)

    async def get(self, owner: Owner, session_id: UUID, message: MessageRef) -> Message:
        return await self._messages.get(owner, session_id, message)

    async def append(  # noqa: PLR0913, PLR0917 - the port's
        self,
        owner: Owner,
        session_id: UUID,
        messages: Mapping[UUID, NewMessage],
        now: datetime,
        claim: IdempotencyClaim | None = None,
        terms: AppendTerms = PLAIN_TERMS,
    ) -> tuple[Message, ...] | Receipt:
        with _notifying(self._followers, owner, session_id):
            return await self._messages.append(owner, session_id, messages, now, claim, terms)

    async def replace(  # noqa: PLR0913, PLR0917 - the port's
        self,
        owner: Owner,
        session_id: UUID,
        message: MessageRef,
        new: NewMessage,
        now: datetime,
        expected: Collection[datetime] | None = None,
    ) -> Message:
        with _notifying(self._followers, owner, session_id):
            return await self._messages.replace(owner, session_id, message, new, now, expected)

    async def remove(
        self,
        owner: Owner,
        session_id: UUID,
        message: MessageRef,
        now: datetime,
        expected: Collection[datetime] | None = None,
    ) -> Message:
        with _notifying(self._followers, owner, session_id):
            return await self._messages.remove(owner, session_id, message, now, expected)

    async def clear(
        self,
        owner: Owner,
        session_id: UUID,
        before: int | None,
        now: datetime,
        expected: Collection[Version] | None = None,
    ) -> int:
        with _notifying(self._followers, owner, session_id):
            return await self._messages.clear(owner, session_id, before, now, expected)
