from collections.abc import Sequence
from datetime import datetime
from uuid import UUID

from adapters.memory.changes import MemoryChangeReader
from adapters.memory.data import Data
from adapters.memory.messages import MemoryMessageRepository
from adapters.memory.search import MemorySearchIndex
from adapters.memory.sessions import MemorySessionRepository
from application.ports.changes import ChangeReader
from application.ports.messages import MessageRepository
from application.ports.removal import Holdings
from application.ports.search import SearchIndex
from application.ports.sessions import SessionRepository
from application.ports.storage import Storage
from domain.owner import Owner


class MemoryStorage(Storage):
    def __init__(self) -> None:
        self._data = Data()
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
