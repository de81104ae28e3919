from collections.abc import Callable, Collection, Sequence
from dataclasses import dataclass
from datetime import datetime
from uuid import UUID

from adapters.memory.data import Conversation, Data
from application.idempotency import IdempotencyClaim, Receipt
from application.ports.removal import Removed
from application.ports.sessions import SessionRepository
from domain.errors import ExternalIdTaken, SessionNotFound
from domain.message import (
    Message,
)
from domain.owner import Owner
from domain.page import Page
from domain.session import Session, Version
from domain.session_page import SessionPageRequest


@dataclass(frozen=True, slots=True)
class MemorySessionRepository(SessionRepository):
    data: Data

    async def add(
        self, session: Session, messages: Sequence[Message], claim: IdempotencyClaim | None = None
    ) -> Receipt | None:
        owner, external_id = session.owner, session.external_id
        receipt = self.data.receipt_of(owner, claim)
        if receipt is not None:
            return receipt
        if external_id is not None:
            key = owner.key, external_id
            if key in self.data.by_external_id:
                raise ExternalIdTaken(session_id=self.data.by_external_id[key])
            self.data.by_external_id[key] = session.id
        if claim is not None:
            self.data.keep(owner, Receipt(claim, session.id, 1))
        conversations = self.data.by_owner.setdefault(owner.key, {})
        conversations[session.id] = Conversation(session, list(messages))
        self.data.owner_of[session.id] = owner.key
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
        self, owner: Owner, session_id: UUID, expected: Collection[Version] | None = None
    ) -> None:
        session = self.data.find(owner, session_id).session.check_version(expected)
        self.data.by_external_id.pop((owner.key, session.external_id or ""), None)
        del self.data.by_owner[owner.key][session_id]
        del self.data.owner_of[session_id]

    async def count(self, owner: Owner, ids: Collection[UUID] | None = None) -> Removed:
        own = self.data.for_owner(owner)
        counted = [one for id_, one in own.items() if ids is None or id_ in ids]
        return Removed(len(counted), sum(len(one.messages) for one in counted))

    async def remove_some(
        self, owner: Owner, ids: Collection[UUID], changed_before: datetime | None = None
    ) -> Removed:
        own = self.data.for_owner(owner)
        old = [
            id_
            for id_ in ids
            if id_ in own
            and (changed_before is None or own[id_].session.last_updated < changed_before)
        ]
        removed = await self.count(owner, old)
        for id_ in old:
            await self.remove(owner, id_)
        return removed

    async def find(self, owner: Owner, external_id: str) -> UUID:
        found = self.data.by_external_id.get((owner.key, external_id))
        if found is None:
            raise SessionNotFound
        return found

    async def exists(self, session_id: UUID) -> bool:
        return session_id in self.data.owner_of
