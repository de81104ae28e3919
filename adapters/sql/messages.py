from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any
from uuid import UUID

from sqlalchemy import Row

from adapters.sql import receipts, statements
from adapters.sql.database import Database, Values
from adapters.sql.schema import microseconds
from application.errors import Unavailable
from application.once import Once, Receipt
from application.ports.messages import MessageRepository
from domain.errors import SessionNotFound
from domain.instant import TICK
from domain.message import Message, NewMessage, Role, in_sequence
from domain.metadata import Metadata
from domain.owner import Owner
from domain.page import MessagePageRequest, Page, Side


@dataclass(frozen=True, slots=True)
class SqlMessageRepository(MessageRepository):
    database: Database

    async def append(
        self,
        owner: Owner,
        session_id: UUID,
        messages: Mapping[UUID, NewMessage],
        now: datetime,
        once: Once | None = None,
    ) -> tuple[Message, ...] | Receipt:
        session = {"owner_": owner.key, "session_": session_id}
        head = {**session, "how_many": len(messages), "now_": microseconds(now)}
        rows = [values_of(id_, message) for id_, message in messages.items()]
        receipt = receipts.values_of(owner, once, session_id)
        for _ in range(receipts.TRIES):
            last = await self.database.append(head, rows, receipt)
            if last is not None:
                return in_sequence(
                    messages,
                    session_id=session_id,
                    after=last.message_count - len(messages),
                    at=last.last_updated - (len(messages) - 1) * TICK,
                )
            if once is None or not await self.database.read(statements.GET_SESSION, session):
                raise SessionNotFound
            earlier = await receipts.found(self.database, owner, once)
            if earlier is not None:
                return earlier
        raise Unavailable("the idempotency key is claimed and let go again and again")

    async def page(
        self, owner: Owner, session_id: UUID, request: MessagePageRequest
    ) -> Page[Message]:
        rows = await self.database.read(
            statements.page_of_messages(request.sort_order, _side(request)),
            {
                "owner_": owner.key,
                "session_": session_id,
                "limit_": request.limit,
                "offset_": request.start,
                "after_": request.after,
                "before_": request.before,
            },
        )
        if not rows:
            raise SessionNotFound
        items = [_message(row) for row in rows if row.id is not None]
        return request.page(items, rows[0].message_count)


def values_of(id_: UUID, message: NewMessage | Message) -> Values:
    """What a message's row holds whatever its place."""
    return {
        "id": id_,
        "role": message.role,
        "content": message.content,
        "metadata": message.metadata.json,
    }


def _side(request: MessagePageRequest) -> Side | None:
    if request.after is not None:
        return Side.AFTER
    return None if request.before is None else Side.BEFORE


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
