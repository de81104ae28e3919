from dataclasses import dataclass, field
from datetime import datetime
from uuid import UUID

from application.idempotency import IdempotencyClaim, Operation, Receipt
from application.ports.changes import Edit
from domain.errors import MessageNotFound, SessionNotFound
from domain.external_id import ExternalId
from domain.message import (
    Last,
    Message,
    MessageRef,
)
from domain.owner import Owner
from domain.session import Session


@dataclass(slots=True)
class Conversation:
    session: Session
    messages: list[Message]
    removals: list[Edit] = field(default_factory=list)

    @property
    def first_order(self) -> int:
        """The lowest order of its messages, or else the next to be given."""
        return self.messages[0].message_order if self.messages else self.session.last_order + 1

    @property
    def last_said(self) -> datetime | None:
        return self.messages[-1].timestamp if self.messages else None

    def by_external_id(self) -> dict[str, Message]:
        return {one.external_id: one for one in self.messages if one.external_id is not None}

    def place(self, message: MessageRef) -> int:
        """Where the message is among the messages. Raises MessageNotFound."""
        match message:
            case int():
                found = (place for place, one in self._numbered() if one.message_order == message)
            case ExternalId(value):
                found = (place for place, one in self._numbered() if one.external_id == value)
            case Last.LAST:
                found = (place for place, _ in reversed(self._numbered()))
        place = next(found, None)
        if place is None:
            raise MessageNotFound
        return place

    def _numbered(self) -> list[tuple[int, Message]]:
        return list(enumerate(self.messages))


@dataclass(slots=True)
class Data:
    """Entities are immutable values, so handing them out gives nothing away. No method awaits
    between a look and a change, so each is atomic within one event loop."""

    by_owner: dict[UUID, dict[UUID, Conversation]] = field(default_factory=dict)
    owner_of: dict[UUID, UUID] = field(default_factory=dict)
    by_external_id: dict[tuple[UUID, str], UUID] = field(default_factory=dict)
    receipts: dict[tuple[UUID, Operation, str], Receipt] = field(default_factory=dict)

    def for_owner(self, owner: Owner) -> dict[UUID, Conversation]:
        return self.by_owner.get(owner.key, {})

    def find(self, owner: Owner, session_id: UUID) -> Conversation:
        conversation = self.for_owner(owner).get(session_id)
        if conversation is None:
            raise SessionNotFound
        return conversation

    def receipt_of(self, owner: Owner, claim: IdempotencyClaim | None) -> Receipt | None:
        """Return the receipt of an earlier claim, if it counts."""
        if claim is None:
            return None
        while (eldest := next(iter(self.receipts), None)) and self.receipts[eldest].is_expired(
            claim.claimed_at
        ):
            del self.receipts[eldest]
        receipt = self.receipts.get((owner.key, claim.operation, claim.key))
        return None if receipt is None or receipt.is_expired(claim.claimed_at) else receipt

    def keep(self, owner: Owner, receipt: Receipt) -> None:
        claim = receipt.claim
        self.receipts.pop((owner.key, claim.operation, claim.key), None)
        self.receipts[owner.key, claim.operation, claim.key] = receipt
