from collections.abc import Callable, Collection, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from uuid import UUID

from application.idempotency import IdempotencyClaim, Operation, Receipt
from application.ports.messages import MessageRepository
from application.ports.sessions import SessionRepository
from application.ports.storage import Storage
from domain.errors import SessionNotFound
from domain.message import Message, NewMessage
from domain.owner import Owner
from domain.page import MessagePageRequest, Page, SessionPageRequest
from domain.session import Session


@dataclass(slots=True)
class _Conversation:
    session: Session
    messages: list[Message]


@dataclass(slots=True)
class _Data:
    """Entities are immutable values, so handing them out gives nothing away. No method awaits
    between a look and a change, so each is atomic within one event loop."""

    by_owner: dict[UUID, dict[UUID, _Conversation]] = field(default_factory=dict)
    owner_of: dict[UUID, UUID] = field(default_factory=dict)
    receipts: dict[tuple[UUID, Operation, str], Receipt] = field(default_factory=dict)

    def for_owner(self, owner: Owner) -> dict[UUID, _Conversation]:
        return self.by_owner.get(owner.key, {})

    def find(self, owner: Owner, session_id: UUID) -> _Conversation:
        conversation = self.for_owner(owner).get(session_id)
        if conversation is None:
            raise SessionNotFound
        return conversation

    def claim_key(
        self, owner: Owner, claim: IdempotencyClaim | None, session_id: UUID, first_order: int
    ) -> Receipt | None:
        """Return the receipt of an earlier claim, or None now that this one is the first."""
        if claim is None:
            return None
        while (eldest := next(iter(self.receipts), None)) and self.receipts[eldest].is_expired(
            claim.claimed_at
        ):
            del self.receipts[eldest]
        key = owner.key, claim.operation, claim.key
        receipt = self.receipts.get(key)
        if receipt is not None and not receipt.is_expired(claim.claimed_at):
            return receipt
        self.receipts[key] = Receipt(claim, session_id, first_order)
        return None


@dataclass(frozen=True, slots=True)
class MemorySessionRepository(SessionRepository):
    data: _Data

    async def add(
        self, session: Session, messages: Sequence[Message], claim: IdempotencyClaim | None = None
    ) -> Receipt | None:
        first = self.data.claim_key(session.owner, claim, session.id, 1)
        if first is not None:
            return first
        conversations = self.data.by_owner.setdefault(session.owner.key, {})
        conversations[session.id] = _Conversation(session, list(messages))
        self.data.owner_of[session.id] = session.owner.key
        return None

    async def get(self, owner: Owner, session_id: UUID) -> Session:
        return self.data.find(owner, session_id).session

    async def page(self, owner: Owner, request: SessionPageRequest) -> Page[Session]:
        conversations = self.data.for_owner(owner).values()
        return request.page_of(conversation.session for conversation in conversations)

    async def update(
        self, owner: Owner, session_id: UUID, change: Callable[[Session], Session]
    ) -> Session:
        conversation = self.data.find(owner, session_id)
        conversation.session = change(conversation.session)
        return conversation.session

    async def remove(
        self, owner: Owner, session_id: UUID, expected: Collection[datetime] | None = None
    ) -> None:
        self.data.find(owner, session_id).session.check_version(expected)
        del self.data.by_owner[owner.key][session_id]
        del self.data.owner_of[session_id]

    async def exists(self, session_id: UUID) -> bool:
        return session_id in self.data.owner_of


@dataclass(frozen=True, slots=True)
class MemoryMessageRepository(MessageRepository):
    data: _Data

    async def append(
        self,
        owner: Owner,
        session_id: UUID,
        messages: Mapping[UUID, NewMessage],
        now: datetime,
        claim: IdempotencyClaim | None = None,
    ) -> tuple[Message, ...] | Receipt:
        conversation = self.data.find(owner, session_id)
        first_order = conversation.session.message_count + 1
        first = self.data.claim_key(owner, claim, session_id, first_order)
        if first is not None:
            return first
        conversation.session, placed = conversation.session.appended(messages, now)
        conversation.messages.extend(placed)
        return placed

    async def page(
        self, owner: Owner, session_id: UUID, request: MessagePageRequest
    ) -> Page[Message]:
        return request.page_of(self.data.find(owner, session_id).messages)


class MemoryStorage(Storage):
    def __init__(self) -> None:
        self._data = _Data()
        self._sessions = MemorySessionRepository(self._data)
        self._messages = MemoryMessageRepository(self._data)

    @property
    def sessions(self) -> SessionRepository:
        return self._sessions

    @property
    def messages(self) -> MessageRepository:
        return self._messages

    async def is_current(self) -> bool:
        return True

    async def migrate(self) -> None:
        pass

    async def open(self) -> None:
        pass

    async def purge(self, claimed_until: datetime) -> int:
        receipts = self._data.receipts
        old = [key for key, kept in receipts.items() if kept.claim.claimed_at <= claimed_until]
        for key in old:
            del receipts[key]
        return len(old)

    async def check(self) -> None:
        pass

    async def close(self) -> None:
        pass
