from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from uuid import UUID

from adapters.sql import receipts, statements
from adapters.sql.database import Database
from adapters.sql.entities import MESSAGE_COLUMNS, new_message_row
from adapters.sql.schema import instant_of, microseconds
from application.errors import Unavailable
from application.idempotency import IdempotencyClaim, Receipt
from application.ports.messages import MessageRepository
from domain.errors import SessionNotFound
from domain.message import Message, NewMessage, in_sequence
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
        claim: IdempotencyClaim | None = None,
    ) -> tuple[Message, ...] | Receipt:
        session = {"owner_": owner.key, "session_": session_id}
        head = {**session, "how_many": len(messages), "now_": microseconds(now)}
        rows = [new_message_row(id_, message) for id_, message in messages.items()]
        receipt = receipts.values_of(owner, claim, session_id)
        for _ in range(receipts.TRIES):
            last = await self.database.append(head, rows, receipt)
            if last is not None:
                last_order, last_time = last
                return in_sequence(
                    messages,
                    session_id=session_id,
                    after=last_order - len(messages),
                    at=instant_of(last_time - (len(messages) - 1)),
                )
            if claim is None or not await self.database.read(statements.GET_SESSION, session):
                raise SessionNotFound
            earlier = await receipts.found(self.database, owner, claim)
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
        return request.page(MESSAGE_COLUMNS.read(rows, session_id, skip=1), rows[0][0])


def _side(request: MessagePageRequest) -> Side | None:
    if request.after is not None:
        return Side.AFTER
    return None if request.before is None else Side.BEFORE
