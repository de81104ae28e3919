from collections.abc import Sequence
from dataclasses import dataclass
from uuid import UUID

from application.ownership import Ownership
from application.ports.clock import Clock
from application.ports.identifiers import Identifiers
from application.ports.sessions import SessionRepository
from domain.message import NewMessage, check_batch
from domain.metadata import EMPTY, Metadata
from domain.owner import Owner
from domain.page import Page, SessionPageRequest
from domain.session import Session, SessionPatch

NEWEST_FIRST = SessionPageRequest()


@dataclass(frozen=True, slots=True)
class ListSessions:
    sessions: SessionRepository

    async def __call__(
        self, caller: Owner, request: SessionPageRequest = NEWEST_FIRST
    ) -> Page[Session]:
        """A page of the caller's own sessions."""
        return await self.sessions.page(caller, request)


@dataclass(frozen=True, slots=True)
class CreateSession:
    sessions: SessionRepository
    identifiers: Identifiers
    clock: Clock

    async def __call__(
        self,
        caller: Owner,
        *,
        title: str | None = None,
        metadata: Metadata = EMPTY,
        messages: Sequence[NewMessage] = (),
    ) -> Session:
        """A new session of the caller's with 0-100 first messages, all or nothing.

        Raises InvalidValue.
        """
        check_batch(messages, least=0)
        now = self.clock.now()
        session, placed = Session.started(
            self.identifiers.new(), caller, now, title=title, metadata=metadata
        ).appended({self.identifiers.new(): message for message in messages}, now)
        await self.sessions.add(session, placed)
        return session


@dataclass(frozen=True, slots=True)
class GetSession:
    sessions: SessionRepository
    ownership: Ownership

    async def __call__(self, caller: Owner, session_id: UUID) -> Session:
        """Raises SessionNotFound, SessionForbidden."""
        async with self.ownership.of(session_id):
            return await self.sessions.get(caller, session_id)


@dataclass(frozen=True, slots=True)
class UpdateSession:
    sessions: SessionRepository
    ownership: Ownership
    clock: Clock

    async def __call__(self, caller: Owner, session_id: UUID, patch: SessionPatch) -> Session:
        """The session after `patch`. Raises SessionNotFound, SessionForbidden, and InvalidValue
        where the merged metadata breaks a limit."""
        now = self.clock.now()
        async with self.ownership.of(session_id):
            return await self.sessions.amend(
                caller, session_id, lambda session: session.amended(patch, now)
            )


@dataclass(frozen=True, slots=True)
class DeleteSession:
    sessions: SessionRepository
    ownership: Ownership

    async def __call__(self, caller: Owner, session_id: UUID) -> None:
        """Remove a session and its messages. Raises SessionNotFound, SessionForbidden."""
        async with self.ownership.of(session_id):
            await self.sessions.remove(caller, session_id)
