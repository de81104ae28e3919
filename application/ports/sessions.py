from abc import abstractmethod
from collections.abc import Callable, Collection, Sequence
from datetime import datetime
from typing import Protocol
from uuid import UUID

from application.idempotency import IdempotencyClaim, Receipt
from domain.message import Message
from domain.owner import Owner
from domain.page import Page, SessionPageRequest
from domain.session import Session


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
        that receipt is the answer.
        """

    @abstractmethod
    async def update(
        self, owner: Owner, session_id: UUID, change: Callable[[Session], Session]
    ) -> Session:
        """Store what `change` makes of the session's title, metadata and last_updated, and return
        it. No other change comes between; `change` may run more than once. What it raises is
        raised, and nothing is stored. Raises SessionNotFound."""

    @abstractmethod
    async def remove(
        self, owner: Owner, session_id: UUID, expected: Collection[datetime] | None = None
    ) -> None:
        """Remove the session and its messages, only at one of the `expected` versions, if any.

        Raises SessionNotFound, VersionMismatch.
        """
