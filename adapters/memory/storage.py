from collections.abc import Callable, Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from uuid import UUID

from application.idempotency import IdempotencyClaim, Operation, Receipt
from application.ports.changes import ChangeReader, Changes, Edit, SessionKey
from application.ports.messages import PLAIN_TERMS, AppendTerms, MessageRepository
from application.ports.removal import Holdings, Removed
from application.ports.search import SearchIndex
from application.ports.sessions import SessionRepository
from application.ports.storage import Storage
from domain.errors import ExternalIdTaken, MessageNotFound, SessionNotFound
from domain.external_id import ExternalId
from domain.message import (
    Last,
    Message,
    MessageRef,
    NewMessage,
    as_stored,
    without_existing,
)
from domain.message_page import MessagePageRequest
from domain.owner import Owner
from domain.page import Page
from domain.search import SearchPage, SearchRequest, hits_of
from domain.session import Session, Version
from domain.session_page import SessionPageRequest


@dataclass(slots=True)
class _Conversation:
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
class _Data:
    """Entities are immutable values, so handing them out gives nothing away. No method awaits
    between a look and a change, so each is atomic within one event loop."""

    by_owner: dict[UUID, dict[UUID, _Conversation]] = field(default_factory=dict)
    owner_of: dict[UUID, UUID] = field(default_factory=dict)
    by_external_id: dict[tuple[UUID, str], UUID] = field(default_factory=dict)
    receipts: dict[tuple[UUID, Operation, str], Receipt] = field(default_factory=dict)

    def for_owner(self, owner: Owner) -> dict[UUID, _Conversation]:
        return self.by_owner.get(owner.key, {})

    def find(self, owner: Owner, session_id: UUID) -> _Conversation:
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


@dataclass(frozen=True, slots=True)
class MemorySessionRepository(SessionRepository):
    data: _Data

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
        conversations[session.id] = _Conversation(session, list(messages))
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


@dataclass(frozen=True, slots=True)
class MemoryMessageRepository(MessageRepository):
    data: _Data

    async def append(  # noqa: PLR0913, PLR0917 - the port's
        self,
        owner: Owner,
        session_id: UUID,
        messages: Mapping[UUID, NewMessage],
        now: datetime,
        claim: IdempotencyClaim | None = None,
        terms: AppendTerms = PLAIN_TERMS,
    ) -> tuple[Message, ...] | Receipt:
        conversation = self.data.find(owner, session_id)
        receipt = self.data.receipt_of(owner, claim)
        if receipt is not None:
            return receipt
        is_named = any(message.external_id for message in messages.values())
        there = conversation.by_external_id() if is_named else {}
        new = without_existing(messages, there, keep=terms.keeps_existing)
        session = conversation.session.check_version(terms.expected)
        conversation.session, placed = session.appended(new, now, conversation.last_said)
        conversation.messages.extend(placed)
        if claim is not None:
            self.data.keep(owner, Receipt(claim, session_id, session.last_order + 1, len(placed)))
        return as_stored(messages, placed, there)

    async def page(
        self, owner: Owner, session_id: UUID, request: MessagePageRequest
    ) -> Page[Message]:
        conversation = self.data.find(owner, session_id)
        return request.page_of(conversation.messages, conversation.session.last_updated)

    async def get(self, owner: Owner, session_id: UUID, message: MessageRef) -> Message:
        conversation = self.data.find(owner, session_id)
        return conversation.messages[conversation.place(message)]

    async def replace(  # noqa: PLR0913, PLR0917 - the port's
        self,
        owner: Owner,
        session_id: UUID,
        message: MessageRef,
        new: NewMessage,
        now: datetime,
        expected: Collection[datetime] | None = None,
    ) -> Message:
        conversation = self.data.find(owner, session_id)
        place = conversation.place(message)
        found = conversation.messages[place].check_version(expected)
        conversation.session = conversation.session.changed(now)
        replaced = found.replaced(new, conversation.session.last_updated)
        conversation.messages[place] = replaced
        return replaced

    async def remove(
        self,
        owner: Owner,
        session_id: UUID,
        message: MessageRef,
        now: datetime,
        expected: Collection[datetime] | None = None,
    ) -> Message:
        conversation = self.data.find(owner, session_id)
        place = conversation.place(message)
        removed = conversation.messages[place].check_version(expected)
        conversation.session = conversation.session.changed(now, removed=1)
        del conversation.messages[place]
        at = conversation.session.last_updated
        edits = [*conversation.removals, Edit(removed.message_order, at, removed=True)]
        first = conversation.first_order
        conversation.removals = [edit for edit in edits if edit.message_order > first]
        return removed

    async def clear(
        self,
        owner: Owner,
        session_id: UUID,
        before: int | None,
        now: datetime,
        expected: Collection[Version] | None = None,
    ) -> int:
        conversation = self.data.find(owner, session_id)
        session = conversation.session.check_version(expected)
        kept = [
            one
            for one in conversation.messages
            if before is not None and one.message_order >= before
        ]
        removed = len(conversation.messages) - len(kept)
        if removed:
            conversation.session = session.changed(now, removed=removed)
            conversation.messages = kept
            first = conversation.first_order
            known = conversation.removals
            conversation.removals = [edit for edit in known if edit.message_order > first]
        return removed


@dataclass(frozen=True, slots=True)
class MemorySearchIndex(SearchIndex):
    data: _Data

    async def search(
        self, owner: Owner, request: SearchRequest, session_id: UUID | None = None
    ) -> SearchPage:
        looked_at: Iterable[_Conversation] = self.data.for_owner(owner).values()
        if session_id is not None:
            looked_at = [self.data.find(owner, session_id)]
        return request.page_of(
            hit for one in looked_at for hit in hits_of(one.session, one.messages)
        )


@dataclass(frozen=True, slots=True)
class MemoryChangeReader(ChangeReader):
    data: _Data

    async def versions(self, sessions: Collection[SessionKey]) -> Mapping[SessionKey, Version]:
        found = {(owner, id_): self.data.for_owner(owner).get(id_) for owner, id_ in sessions}
        return {key: one.session.version for key, one in found.items() if one is not None}

    async def since(self, owner: Owner, session_id: UUID, at: datetime) -> Changes:
        conversation = self.data.find(owner, session_id)
        edits = [
            Edit(message.message_order, message.edited_at)
            for message in conversation.messages
            if message.edited_at is not None and message.edited_at > at
        ]
        edits += [edit for edit in conversation.removals if edit.at > at]
        edits.sort(key=lambda edit: edit.at)
        return Changes(conversation.session, conversation.first_order, edits)


class MemoryStorage(Storage):
    def __init__(self) -> None:
        self._data = _Data()
        self._sessions = MemorySessionRepository(self._data)
        self._messages = MemoryMessageRepository(self._data)
        self._index = MemorySearchIndex(self._data)
        self._changes = MemoryChangeReader(self._data)

    @property
    def sessions(self) -> SessionRepository:
        return self._sessions

    @property
    def messages(self) -> MessageRepository:
        return self._messages

    @property
    def index(self) -> SearchIndex:
        return self._index

    @property
    def changes(self) -> ChangeReader:
        return self._changes

    @property
    def is_shared(self) -> bool:
        return False

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

    async def holdings(self, owner: Owner) -> Holdings:
        found = await self._sessions.count(owner)
        keys = sum(key == owner.key for key, _, _ in self._data.receipts)
        is_known = owner.key in self._data.by_owner
        return Holdings(found.sessions, found.messages, keys, is_known)

    async def forget_owner(self, owner: Owner) -> int:
        receipts = self._data.receipts
        keys = [key for key in receipts if key[0] == owner.key]
        for key in keys:
            del receipts[key]
        if not self._data.for_owner(owner):
            self._data.by_owner.pop(owner.key, None)
        return len(keys)

    async def idle_sessions(
        self, changed_before: datetime, after: tuple[Owner, UUID] | None, limit: int
    ) -> Sequence[tuple[Owner, UUID]]:
        idle = {
            (key, id_): (one.session.owner, id_)
            for key, own in self._data.by_owner.items()
            for id_, one in own.items()
            if one.session.last_updated < changed_before
        }
        last = (after[0].key, after[1]) if after else None
        return [idle[place] for place in sorted(idle) if last is None or place > last][:limit]

    async def tend_index(self) -> bool:
        return False

    async def rebuild_index(self) -> int:
        return 0

    async def check(self) -> None:
        pass

    async def close(self) -> None:
        pass
