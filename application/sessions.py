from collections.abc import Collection, Sequence
from dataclasses import dataclass, replace
from datetime import datetime
from uuid import UUID

from application.idempotency import Command, IdempotencyClaim, Operation, Written
from application.ownership import Ownership
from application.ports.clock import Clock
from application.ports.identifiers import Identifiers
from application.ports.sessions import SessionReader, SessionRepository
from domain.message import Message, NewMessage, check_batch
from domain.metadata import EMPTY, Metadata
from domain.owner import Owner
from domain.page import Page, SessionPageRequest
from domain.session import NewSession, Session, SessionPatch

LAST_CHANGED_FIRST = SessionPageRequest()


@dataclass(frozen=True, slots=True)
class ListSessions:
    sessions: SessionReader

    async def __call__(
        self, caller: Owner, request: SessionPageRequest = LAST_CHANGED_FIRST
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
        return (await self.once(None, caller, NewSession(title, metadata), messages)).value

    async def once(
        self,
        key: str | None,
        caller: Owner,
        new: NewSession,
        messages: Sequence[NewMessage],
    ) -> Written[Session]:
        """The same, but only one under an idempotency key, if there is one: asked for again, it is
        as it was when it was new. Raises KeyReused."""
        check_batch(messages, least=0)
        now = self.clock.now()
        command = Command(session=new, messages=tuple(messages))
        claim = IdempotencyClaim.for_command(Operation.CREATE_SESSION, key, command, now)
        started = Session.started(self.identifiers.new(), caller, now, new)
        session, placed = self._with(messages, started)
        receipt = await self.sessions.add(session, placed, claim)
        if receipt is None:
            return Written(session)
        receipt.check(claim)
        began = receipt.claim.claimed_at
        first = replace(started, id=receipt.session_id, created_at=began, last_updated=began)
        return Written(self._with(messages, first)[0], replayed=True)

    def _with(
        self, messages: Sequence[NewMessage], session: Session
    ) -> tuple[Session, tuple[Message, ...]]:
        batch = {self.identifiers.new(): message for message in messages}
        return session.appended(batch, session.created_at)


@dataclass(frozen=True, slots=True)
class GetSession:
    sessions: SessionReader
    ownership: Ownership

    async def __call__(self, caller: Owner, session_id: UUID) -> Session:
        """Raises SessionNotFound, SessionForbidden."""
        async with self.ownership.access_to(session_id):
            return await self.sessions.get(caller, session_id)


@dataclass(frozen=True, slots=True)
class UpdateSession:
    sessions: SessionRepository
    ownership: Ownership
    clock: Clock

    async def __call__(
        self,
        caller: Owner,
        session_id: UUID,
        patch: SessionPatch,
        *,
        expected: Collection[datetime] | None = None,
    ) -> Session:
        """The session after `patch`, applied only at one of the `expected` versions.

        Raises SessionNotFound, SessionForbidden, VersionMismatch, and InvalidValue where the
        merged metadata breaks a limit.
        """
        now = self.clock.now()
        async with self.ownership.access_to(session_id):
            return await self.sessions.update(
                caller,
                session_id,
                lambda session: session.check_version(expected).updated(patch, now),
            )


@dataclass(frozen=True, slots=True)
class DeleteSession:
    sessions: SessionRepository
    ownership: Ownership

    async def __call__(
        self, caller: Owner, session_id: UUID, *, expected: Collection[datetime] | None = None
    ) -> None:
        """Remove a session and its messages, only at one of the `expected` versions.

        Raises SessionNotFound, SessionForbidden, VersionMismatch.
        """
        async with self.ownership.access_to(session_id):
            await self.sessions.remove(caller, session_id, expected)
