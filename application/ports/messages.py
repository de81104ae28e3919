from abc import abstractmethod
from collections.abc import Mapping
from datetime import datetime
from typing import Protocol
from uuid import UUID

from domain.message import Message, NewMessage
from domain.owner import Owner
from domain.page import MessagePageRequest, Page


class MessageRepository(Protocol):
    """Messages by owner and session. Each method is one atomic act and may raise Unavailable.

    Another owner's session is no session at all.
    """

    @abstractmethod
    async def append(
        self, owner: Owner, session_id: UUID, messages: Mapping[UUID, NewMessage], now: datetime
    ) -> tuple[Message, ...]:
        """Store one or more messages, given by the ids they get, all or none, in their order.

        They take the orders after the session's last with no gap, whoever appends at the same
        time, and timestamps a microsecond apart from the later of `now` and a microsecond after
        the session's last change. The session's count and last_updated follow in the same act.
        Raises SessionNotFound.
        """

    @abstractmethod
    async def page(
        self, owner: Owner, session_id: UUID, request: MessagePageRequest
    ) -> Page[Message]:
        """The page that `request.span` says and the exact total, of one snapshot, at a cost that
        does not depend on where it lies. Past the end there are no items and the true total.
        Raises SessionNotFound."""
