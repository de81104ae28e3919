from abc import abstractmethod
from collections.abc import Mapping
from datetime import datetime
from typing import Protocol
from uuid import UUID

from application.idempotency import IdempotencyClaim, Receipt
from domain.message import Message, NewMessage
from domain.owner import Owner
from domain.page import MessagePageRequest, Page


class MessageReader(Protocol):
    """Reads messages by owner and session. Each method is one atomic act and may raise Unavailable.

    Another owner's session is no session at all.
    """

    @abstractmethod
    async def page(
        self, owner: Owner, session_id: UUID, request: MessagePageRequest
    ) -> Page[Message]:
        """The page that `request.span` says and the exact total, of one snapshot, at a cost that
        does not depend on where it lies. Past the end there are no items and the true total.
        Raises SessionNotFound."""


class MessageRepository(MessageReader, Protocol):
    """Reads and writes messages, on the same terms."""

    @abstractmethod
    async def append(
        self,
        owner: Owner,
        session_id: UUID,
        messages: Mapping[UUID, NewMessage],
        now: datetime,
        claim: IdempotencyClaim | None = None,
    ) -> tuple[Message, ...] | Receipt:
        """Store one or more messages, given by the ids they get, all or none, in their order, and
        a receipt if it is to happen once. A rival under the same key waits for the first.

        They take the orders after the session's last with no gap, whoever appends at the same
        time, and timestamps a microsecond apart from the later of `now` and a microsecond after
        the session's last change. The session's count and last_updated follow in the same act.
        Raises SessionNotFound.

        Where the session is there and the owner has a receipt for operation and key that counts,
        nothing is stored, and that receipt is the answer.
        """
