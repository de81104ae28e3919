from abc import abstractmethod
from collections.abc import Collection, Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Protocol
from uuid import UUID

from application.idempotency import IdempotencyClaim, Receipt
from domain.message import Message, MessageRef, NewMessage
from domain.message_page import MessagePageRequest
from domain.owner import Owner
from domain.page import Page
from domain.session import Version


@dataclass(frozen=True, slots=True, kw_only=True)
class AppendTerms:
    """On which terms messages are appended: only at one of the `expected` versions of the session,
    if any; where `keeps_existing`, those whose external ids are there already are left as they
    are, and the others are stored."""

    expected: Collection[Version] | None = None
    keeps_existing: bool = False


PLAIN_TERMS = AppendTerms()


class MessageReader(Protocol):
    """Reads messages by owner and session. Each method is one atomic act and may raise Unavailable.

    Another owner's session is no session at all. What was removed is not there.
    """

    @abstractmethod
    async def page(
        self, owner: Owner, session_id: UUID, request: MessagePageRequest
    ) -> Page[Message]:
        """The page that `request.span` says and the exact total, of one snapshot, at a cost that
        grows with what was removed from the session and not with its length or with where the page
        lies. Past the end there are no items and the true total. It has as many items as
        `request.fitting` lets it have by their size, and the session's last_updated as its
        `as_of`. Raises SessionNotFound."""

    @abstractmethod
    async def get(self, owner: Owner, session_id: UUID, message: MessageRef) -> Message:
        """Raises SessionNotFound, MessageNotFound."""


class MessageRepository(MessageReader, Protocol):
    """Reads and writes messages, on the same terms.

    The session's count and last_updated follow in the same act, as Session.appended and
    Session.changed have it.
    """

    @abstractmethod
    async def append(  # noqa: PLR0913, PLR0917 - the command, and how it is to happen
        self,
        owner: Owner,
        session_id: UUID,
        messages: Mapping[UUID, NewMessage],
        now: datetime,
        claim: IdempotencyClaim | None = None,
        terms: AppendTerms = PLAIN_TERMS,
    ) -> tuple[Message, ...] | Receipt:
        """Store one or more messages, given by the ids they get, all or none, in their order, and
        a receipt if it is to happen once. A rival under the same key waits for the first. Return
        each as it is stored.

        They take the orders after the highest that the session ever gave with no gap, whoever
        appends at the same time, and timestamps as Session.appended has it. Raises
        SessionNotFound, then ExternalIdTaken, then VersionMismatch.

        Where the session is there and the owner has a receipt for operation and key that counts,
        nothing is stored, and that receipt is the answer.
        """

    @abstractmethod
    async def replace(  # noqa: PLR0913, PLR0917 - the command, and how it is to happen
        self,
        owner: Owner,
        session_id: UUID,
        message: MessageRef,
        new: NewMessage,
        now: datetime,
        expected: Collection[datetime] | None = None,
    ) -> Message:
        """Put `new` in a message's place, as Message.replaced has it, only at one of its
        `expected` versions, if any, and return it. Raises SessionNotFound, MessageNotFound,
        VersionMismatch."""

    @abstractmethod
    async def remove(
        self,
        owner: Owner,
        session_id: UUID,
        message: MessageRef,
        now: datetime,
        expected: Collection[datetime] | None = None,
    ) -> Message:
        """Remove one message, only at one of its `expected` versions, if any, and return what it
        was. Its order is never given again. Raises SessionNotFound, MessageNotFound,
        VersionMismatch."""

    @abstractmethod
    async def clear(
        self,
        owner: Owner,
        session_id: UUID,
        before: int | None,
        now: datetime,
        expected: Collection[Version] | None = None,
    ) -> int:
        """Remove all messages, or those of lower orders than `before`, only at one of the
        session's `expected` versions, if any, and say how many they were. Where there is none,
        nothing changes. Raises SessionNotFound, VersionMismatch."""
