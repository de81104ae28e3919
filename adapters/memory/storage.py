from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from uuid import UUID

from application.ports.messages import MessageRepository
from application.ports.sessions import SessionRepository
from application.ports.storage import Storage
from domain.errors import SessionNotFound
from domain.message import Message, NewMessage
from domain.owner import Owner
from domain.page import MessagePageRequest, Page, SessionPageRequest, SessionSort, SortOrder
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

    def of(self, owner: Owner) -> dict[UUID, _Conversation]:
        return self.by_owner.get(owner.key, {})

    def find(self, owner: Owner, session_id: UUID) -> _Conversation:
        conversation = self.of(owner).get(session_id)
        if conversation is None:
            raise SessionNotFound
        return conversation


@dataclass(frozen=True, slots=True)
class MemorySessionRepository(SessionRepository):
    data: _Data

    async def add(self, session: Session, messages: Sequence[Message]) -> None:
        conversations = self.data.by_owner.setdefault(session.owner.key, {})
        conversations[session.id] = _Conversation(session, list(messages))
        self.data.owner_of[session.id] = session.owner.key

    async def get(self, owner: Owner, session_id: UUID) -> Session:
        return self.data.find(owner, session_id).session

    async def page(self, owner: Owner, request: SessionPageRequest) -> Page[Session]:
        sessions = sorted(
            (conversation.session for conversation in self.data.of(owner).values()),
            key=_SORT_KEYS[request.sort_by],
            reverse=request.sort_order is SortOrder.DESC,
        )
        items = sessions[request.offset : request.offset + request.limit]
        return Page(items, len(sessions), request.limit, request.offset)

    async def amend(
        self, owner: Owner, session_id: UUID, change: Callable[[Session], Session]
    ) -> Session:
        conversation = self.data.find(owner, session_id)
        conversation.session = change(conversation.session)
        return conversation.session

    async def remove(
        self, owner: Owner, session_id: UUID, check: Callable[[Session], object]
    ) -> None:
        check(self.data.find(owner, session_id).session)
        del self.data.by_owner[owner.key][session_id]
        del self.data.owner_of[session_id]

    async def exists(self, session_id: UUID) -> bool:
        return session_id in self.data.owner_of


@dataclass(frozen=True, slots=True)
class MemoryMessageRepository(MessageRepository):
    data: _Data

    async def append(
        self, owner: Owner, session_id: UUID, messages: Mapping[UUID, NewMessage], now: datetime
    ) -> tuple[Message, ...]:
        conversation = self.data.find(owner, session_id)
        conversation.session, placed = conversation.session.appended(messages, now)
        conversation.messages.extend(placed)
        return placed

    async def page(
        self, owner: Owner, session_id: UUID, request: MessagePageRequest
    ) -> Page[Message]:
        messages = self.data.find(owner, session_id).messages
        total = len(messages)
        start, stop = request.span(total)
        if request.sort_order is SortOrder.ASC:
            items = messages[start:stop]
        else:
            items = messages[max(0, total - stop) : max(0, total - start)][::-1]
        return Page(items, total, request.limit, start)


class MemoryStorage(Storage):
    def __init__(self) -> None:
        data = _Data()
        self._sessions = MemorySessionRepository(data)
        self._messages = MemoryMessageRepository(data)

    @property
    def sessions(self) -> SessionRepository:
        return self._sessions

    @property
    def messages(self) -> MessageRepository:
        return self._messages

    async def open(self) -> None:
        pass

    async def check(self) -> None:
        pass

    async def close(self) -> None:
        pass


def _by_created_at(session: Session) -> tuple[datetime, UUID]:
    return session.created_at, session.id


def _by_last_updated(session: Session) -> tuple[datetime, UUID]:
    return session.last_updated, session.id


_SORT_KEYS = {
    SessionSort.CREATED_AT: _by_created_at,
    SessionSort.LAST_UPDATED: _by_last_updated,
}
