from collections.abc import Collection, Sequence
from dataclasses import dataclass
from datetime import datetime

from application.idempotency import Command, IdempotencyClaim, Operation, Written
from application.ownership import Ownership
from application.ports.clock import Clock
from application.ports.identifiers import Identifiers
from application.ports.sessions import SessionReader, SessionRepository
from domain.message import NewMessage, check_batch, check_bodies
from domain.metadata import EMPTY, Metadata
from domain.owner import Owner
from domain.page import Page
from domain.session import NewSession, Session, SessionPatch, SessionRef, Version
from domain.session_page import SessionPageRequest

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
    body_size_max: int

    async def __call__(  # noqa: PLR0913 - all that a session may be started with
        self,
        caller: Owner,
        *,
        title: str | None = None,
        metadata: Metadata = EMPTY,
        external_id: str | None = None,
        created_at: datetime | None = None,
        messages: Sequence[NewMessage] = (),
    ) -> Session:
        """A new session of the caller's with 0-100 first messages, all or nothing.

        Raises InvalidValue, ExternalIdTaken.
        """
        new = NewSession(title, metadata, external_id, created_at)
        return (await self.once(None, caller, new, messages)).value

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
        check_bodies(messages, self.body_size_max)
        now = self.clock.now()
        command = Command(session=new, messages=tuple(messages))
        claim = IdempotencyClaim.for_command(Operation.CREATE_SESSION, key, command, now)
        batch = {self.identifiers.new(): message for message in messages}
        session, placed = Session.started(self.identifiers.new(), caller, now, new, batch)
        receipt = await self.sessions.add(session, placed, claim)
        if receipt is None:
            return Written(session)
        receipt.check(claim)
        began = receipt.claim.claimed_at
        first, _ = Session.started(receipt.session_id, caller, began, new, batch)
        return Written(first, replayed=True)


@dataclass(frozen=True, slots=True)
class GetSession:
    sessions: SessionReader
    ownership: Ownership

    async def __call__(self, caller: Owner, session: SessionRef) -> Session:
        """Raises SessionNotFound, SessionForbidden."""
        async with self.ownership.access_to(caller, session) as session_id:
            return await self.sessions.get(caller, session_id)


@dataclass(frozen=True, slots=True)
class UpdateSession:
    sessions: SessionRepository
    ownership: Ownership
    clock: Clock

    async def __call__(
        self,
        caller: Owner,
        session: SessionRef,
        patch: SessionPatch,
        *,
        expected: Collection[Version] | None = None,
    ) -> Session:
        """The session after `patch`, applied only at one of the `expected` versions.

        Raises SessionNotFound, SessionForbidden, VersionMismatch, and InvalidValue where the
        merged metadata breaks a limit.
        """
        now = self.clock.now()
        async with self.ownership.access_to(caller, session) as session_id:
            return await self.sessions.update(
                caller,
                session_id,
                lambda found: found.check_version(expected).updated(patch, now),
            )


@dataclass(frozen=True, slots=True)
class DeleteSession:
    sessions: SessionRepository
    ownership: Ownership

    async def __call__(
        self, caller: Owner, session: SessionRef, *, expected: Collection[Version] | None = None
    ) -> None:
        """Remove a session and its messages, only at one of the `expected` versions.

        Raises SessionNotFound, SessionForbidden, VersionMismatch.
        """
        async with self.ownership.access_to(caller, session) as session_id:
            await self.sessions.remove(caller, session_id, expected)
