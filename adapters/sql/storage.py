from collections.abc import Sequence
from datetime import datetime
from uuid import UUID

from adapters.sql import bulk_removal, search_upkeep
from adapters.sql.changes import SqlChangeReader
from adapters.sql.database import Database
from adapters.sql.messages import SqlMessageRepository
from adapters.sql.search import SqlSearchIndex
from adapters.sql.sessions import SqlSessionRepository
from adapters.sql.statements import FORGET_RECEIPTS
from application.ports.changes import ChangeReader
from application.ports.messages import MessageRepository
from application.ports.removal import Holdings
from application.ports.search import SearchIndex
from application.ports.sessions import SessionRepository
from application.ports.storage import Storage
from domain.owner import Owner

PURGED_AT_ONCE = 1000
"""Rows that one transaction of a purge takes, so that none lasts long."""


class SqlStorage(Storage):
    def __init__(self, database: Database) -> None:
        self._database = database
        self._sessions = SqlSessionRepository(database)
        self._messages = SqlMessageRepository(database)
        self._index = SqlSearchIndex(database)
        self._changes = SqlChangeReader(database)

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
        return self._database.is_shared

    async def is_current(self) -> bool:
        return await self._database.is_current()

    async def migrate(self) -> None:
        await self._database.migrate()

    async def open(self) -> None:
        await self._database.open()

    async def holdings(self, owner: Owner) -> Holdings:
        return await bulk_removal.holdings(self._database, owner)

    async def forget_owner(self, owner: Owner) -> int:
        return await bulk_removal.forget_owner(self._database, owner)

    async def idle_sessions(
        self, changed_before: datetime, after: tuple[Owner, UUID] | None, limit: int
    ) -> Sequence[tuple[Owner, UUID]]:
        return await bulk_removal.idle_sessions(self._database, changed_before, after, limit)

    async def tend_index(self) -> bool:
        return await search_upkeep.tend(self._database)

    async def rebuild_index(self) -> int:
        return await search_upkeep.rebuild(self._database)

    async def purge(self, claimed_until: datetime) -> int:
        old = {"until_": claimed_until, "limit_": PURGED_AT_ONCE}
        forgotten = 0
        while count := await self._database.write(
            lambda connection: connection.execute(FORGET_RECEIPTS, old).rowcount
        ):
            forgotten += count
        return forgotten

    async def check(self) -> None:
        await self._database.check()

    async def close(self) -> None:
        await self._database.close()
