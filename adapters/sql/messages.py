from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any
from uuid import UUID

from sqlalchemy import Connection, Row

from adapters.sql import statements
from adapters.sql.database import Database
from adapters.sql.schema import microseconds
from application.ports.messages import MessageRepository
from domain.errors import SessionNotFound
from domain.instant import TICK
from domain.message import Message, NewMessage, Role, in_sequence
from domain.metadata import Metadata
from domain.owner import Owner
from domain.page import MessagePageRequest, Page


@dataclass(frozen=True, slots=True)
class SqlMessageRepository(MessageRepository):
    database: Database

    async def append(
        self, owner: Owner, session_id: UUID, messages: Mapping[UUID, NewMessage], now: datetime
    ) -> tuple[Message, ...]:
        how_many = len(messages)
        head = {
            "owner_": owner.key,
            "session_": session_id,
            "how_many": how_many,
            "now_": microseconds(now),
        }

        def work(connection: Connection) -> tuple[Message, ...]:
            last = connection.execute(statements.RAISE_COUNTER, head).one_or_none()
            if last is None:
                raise SessionNotFound
            placed = in_sequence(
                messages,
                session_id=session_id,
                after=last.message_count - how_many,
                at=last.last_updated - (how_many - 1) * TICK,
            )
            connection.execute(statements.ADD_MESSAGES, values_of(owner, placed))
            return placed

        return await self.database.write(work)

    async def page(
        self, owner: Owner, session_id: UUID, request: MessagePageRequest
    ) -> Page[Message]:
        rows = await self.database.read(
            statements.page_of_messages(request.sort_order, _edge(request)),
            {
                "owner_": owner.key,
                "session_": session_id,
                "limit_": request.limit,
                "offset_": request.offset,
                "after_": request.after,
                "before_": request.before,
            },
        )
        if not rows:
            raise SessionNotFound
        items = [_message(row) for row in rows if row.id is not None]
        total = rows[0].message_count
        return Page(items, total, request.limit, request.span(total)[0])


def values_of(owner: Owner, messages: Sequence[Message]) -> list[dict[str, object]]:
    """What ADD_MESSAGES takes."""
    return [
        {
            "owner": owner.key,
            "session_id": message.session_id,
            "message_order": message.message_order,
            "id": message.id,
            "role": message.role,
            "content": message.content,
            "metadata": message.metadata.json,
            "timestamp": message.timestamp,
        }
        for message in messages
    ]


def _edge(request: MessagePageRequest) -> statements.Edge | None:
    if request.after is not None:
        return "after"
    return None if request.before is None else "before"


def _message(row: Row[Any]) -> Message:
    return Message(
        id=row.id,
        session_id=row.session_id,
        message_order=row.message_order,
        role=Role(row.role),
        content=row.content,
        metadata=Metadata(row.metadata),
        timestamp=row.timestamp,
    )
