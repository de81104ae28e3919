from datetime import datetime

from adapters.sql.database import Database
from adapters.sql.messages import SqlMessageRepository
from adapters.sql.sessions import SqlSessionRepository
from adapters.sql.statements import FORGET_RECEIPTS
from application.ports.messages import MessageRepository
from application.ports.sessions import SessionRepository
from application.ports.storage import Storage

PURGED_AT_ONCE = 1000
"""Rows that one transaction of a purge takes, so that none lasts long."""


class SqlStorage(Storage):
    def __init__(self, database: Database) -> None:
        self._database = database
        self._sessions = SqlSessionRepository(database)
        self._messages = SqlMessageRepository(database)

    @property
    def sessions(self) -> SessionRepository:
        return self._sessions

    @property
    def messages(self) -> MessageRepository:
        return self._messages

    async def is_current(self) -> bool:
        return await self._database.is_current()

    async def migrate(self) -> None:
        await self._database.migrate()

    async def open(self) -> None:
        await self._database.open()

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
