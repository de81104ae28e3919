from abc import abstractmethod
from collections.abc import Callable, Collection, Sequence
from datetime import datetime
from typing import Protocol
from uuid import UUID

from application.idempotency import IdempotencyClaim, Receipt
from application.ports.removal import Removed
from domain.message import Message
from domain.owner import Owner
from domain.page import Page
from domain.session import Session, Version
from domain.session_page import SessionPageRequest

REMOVED_AT_ONCE = 10_000
"""Messages that one step of a removal takes, about."""


class SessionReader(Protocol):
    """Reads sessions by owner. Each method is one atomic act and may raise Unavailable.

    Another owner's session is, to every method but `exists`, no session at all.
    """

    @abstractmethod
    async def get(self, owner: Owner, session_id: UUID) -> Session:
        """Raises SessionNotFound."""

    @abstractmethod
    async def page(self, owner: Owner, request: SessionPageRequest) -> Page[Session]:
        """A page and the exact total, of one snapshot. Ties are broken by id, in the sort's
        direction. Past the end there are no items and the true total. Beside a cursor's key it
        costs the same wherever that lies."""

    @abstractmethod
    async def find(self, owner: Owner, external_id: str) -> UUID:
        """The id of the owner's session with that external id. Raises SessionNotFound."""

    @abstractmethod
    async def exists(self, session_id: UUID) -> bool:
        """Whether anyone at all has such a session."""


class SessionRepository(SessionReader, Protocol):
    """Reads and writes sessions, on the same terms."""

    @abstractmethod
    async def add(
        self, session: Session, messages: Sequence[Message], claim: IdempotencyClaim | None = None
    ) -> Receipt | None:
        """Store a new session with its first messages, and a receipt if it is to happen once: all
        or nothing. A rival under the same key waits for the first.

        Where the owner has a receipt for operation and key that counts, nothing is stored, and
        that receipt is the answer. Raises ExternalIdTaken where another session of the owner has
        the external id.
        """

    @abstractmethod
    async def update(
        self, owner: Owner, session_id: UUID, change: Callable[[Session], Session]
    ) -> Session:
        """Store what `change` makes of the session's title, metadata, flags, last_updated and
        revision, and return it. No other change comes between; `change` may run more than once.
        What it raises is raised, and nothing is stored. Raises SessionNotFound."""

    @abstractmethod
    async def count(self, owner: Owner, ids: Collection[UUID] | None = None) -> Removed:
        """How many of the owner's sessions there are, of those ids or of all, and how many messages
        are in them."""

    @abstractmethod
    async def remove_some(
        self, owner: Owner, ids: Collection[UUID], changed_before: datetime | None = None
    ) -> Removed:
        """Take a step, which is soon done, in removing those of the owner's sessions, with their
        messages, whose last change was before that time, if one is given: REMOVED_AT_ONCE messages
        at most. A session of more loses the oldest of them first, and that is no change of it. Say
        what was removed; once that is nothing, nothing is left to be removed."""

    @abstractmethod
    async def remove(
        self, owner: Owner, session_id: UUID, expected: Collection[Version] | None = None
    ) -> None:
        """Remove the session and its messages, only at one of the `expected` versions, if any.

        Raises SessionNotFound, VersionMismatch.
        """
