from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any
from uuid import UUID

from sqlalchemy import Connection, Row

from adapters.sql import statements
from adapters.sql.database import Database
from adapters.sql.messages import values_of
from application.ports.sessions import SessionRepository
from domain.errors import SessionNotFound
from domain.message import Message
from domain.metadata import Metadata
from domain.owner import Owner
from domain.page import Page, SessionPageRequest
from domain.session import Session


@dataclass(frozen=True, slots=True)
class SqlSessionRepository(SessionRepository):
    database: Database

    async def add(self, session: Session, messages: Sequence[Message]) -> None:
        owner = session.owner

        def work(connection: Connection) -> None:
            if connection.execute(statements.COUNT_ONE_MORE, {"owner_": owner.key}).rowcount == 0:
                connection.execute(
                    statements.ADD_OWNER,
                    {
                        "owner": owner.key,
                        "issuer": owner.issuer,
                        "subject": owner.subject,
                        "session_count": 1,
                    },
                )
            connection.execute(
                statements.ADD_SESSION,
                {
                    "owner": owner.key,
                    "id": session.id,
                    "title": session.title,
                    "metadata": session.metadata.json,
                    "created_at": session.created_at,
                    "last_updated": session.last_updated,
                    "message_count": session.message_count,
                },
            )
            if messages:
                connection.execute(statements.ADD_MESSAGES, values_of(owner, messages))

        await self.database.write(work)

    async def get(self, owner: Owner, session_id: UUID) -> Session:
        rows = await self.database.read(statements.GET_SESSION, _key(owner, session_id))
        return _session(owner, rows)

    async def page(self, owner: Owner, request: SessionPageRequest) -> Page[Session]:
        rows = await self.database.read(
            statements.page_of_sessions(request.sort_by, request.sort_order),
            {"owner_": owner.key, "limit_": request.limit, "offset_": request.offset},
        )
        items = [_session(owner, [row]) for row in rows if row.id is not None]
        total = rows[0].session_count if rows else 0
        return Page(items, total, request.limit, request.offset)

    async def amend(
        self, owner: Owner, session_id: UUID, change: Callable[[Session], Session]
    ) -> Session:
        key = _key(owner, session_id)

        def work(connection: Connection) -> Session:
            before = _session(owner, connection.execute(statements.LOCK_SESSION, key).all())
            after = change(before)
            if after != before:
                changed = {
                    "title": after.title,
                    "metadata": after.metadata.json,
                    "last_updated": after.last_updated,
                }
                connection.execute(statements.AMEND_SESSION.values(changed), key)
            return after

        return await self.database.write(work)

    async def remove(
        self, owner: Owner, session_id: UUID, check: Callable[[Session], object]
    ) -> None:
        key = _key(owner, session_id)

        def work(connection: Connection) -> None:
            check(_session(owner, connection.execute(statements.LOCK_SESSION, key).all()))
            connection.execute(statements.REMOVE_SESSION, key)
            connection.execute(statements.COUNT_ONE_LESS, {"owner_": owner.key})

        await self.database.write(work)

    async def exists(self, session_id: UUID) -> bool:
        return bool(await self.database.read(statements.FIND_ANYONES, {"session_": session_id}))


def _key(owner: Owner, session_id: UUID) -> dict[str, UUID]:
    return {"owner_": owner.key, "session_": session_id}


def _session(owner: Owner, rows: Sequence[Row[Any]]) -> Session:
    if not rows:
        raise SessionNotFound
    row = rows[0]
    return Session(
        id=row.id,
        owner=owner,
        title=row.title,
        metadata=Metadata(row.metadata),
        created_at=row.created_at,
        last_updated=row.last_updated,
        message_count=row.message_count,
    )
