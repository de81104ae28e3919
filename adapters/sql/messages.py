from collections.abc import Collection, Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import TypeVar
from uuid import UUID

from sqlalchemy import Executable
from sqlalchemy.exc import IntegrityError

from adapters.sql import message_pages, receipts, removals, statements
from adapters.sql.careful_append import CarefulAppend
from adapters.sql.column_types import instant_of, microseconds
from adapters.sql.database import Database, Rows, Values
from adapters.sql.entities import MESSAGE_COLUMNS, new_message_row, parameters, said_row
from adapters.sql.message_statements import get_message, how_named
from adapters.sql.search_keys import keys_of
from application.errors import Unavailable
from application.idempotency import IdempotencyClaim, Receipt
from application.ports.messages import PLAIN_TERMS, AppendTerms, MessageRepository
from domain.errors import MessageNotFound, SessionNotFound, VersionMismatch
from domain.instant import TICK
from domain.message import Message, MessageRef, NewMessage, in_sequence
from domain.message_page import MessagePageRequest, Walk
from domain.owner import Owner
from domain.page import Page
from domain.session import Version

T = TypeVar("T")


@dataclass(frozen=True, slots=True)
class SqlMessageRepository(MessageRepository):
    database: Database

    async def append(  # noqa: PLR0913, PLR0917 - the port's
        self,
        owner: Owner,
        session_id: UUID,
        messages: Mapping[UUID, NewMessage],
        now: datetime,
        claim: IdempotencyClaim | None = None,
        terms: AppendTerms = PLAIN_TERMS,
    ) -> tuple[Message, ...] | Receipt:
        session = _key(owner, session_id)
        receipt = receipts.values_of(owner, claim, session_id)
        is_plain = terms == PLAIN_TERMS and not any(
            message.external_id or message.timestamp or message.edited_at
            for message in messages.values()
        )
        for _ in range(receipts.TRIES):
            if is_plain:
                stored = await self._append_plainly(session, session_id, messages, now, receipt)
            else:
                words = await keys_of(owner.key, _contents(messages))
                stored = await self._unless_rivalled(
                    CarefulAppend(owner, session, messages, now, receipt, terms, words)
                )
            if stored is not None:
                return stored
            if claim is None or not await self.database.read(statements.GET_SESSION, session):
                raise SessionNotFound
            earlier = await receipts.found(self.database, owner, claim)
            if earlier is not None:
                return earlier
        raise Unavailable("the idempotency key is claimed and let go again and again")

    async def _append_plainly(
        self,
        session: Values,
        session_id: UUID,
        messages: Mapping[UUID, NewMessage],
        now: datetime,
        receipt: Values | None,
    ) -> tuple[Message, ...] | None:
        largest = max(message.size for message in messages.values())
        head = {
            **session,
            "how_many": len(messages),
            "now_": microseconds(now),
            "largest_": largest,
        }
        words = await keys_of(session["owner_"], _contents(messages))
        rows = [new_message_row(id_, message, words[id_]) for id_, message in messages.items()]
        last = await self.database.append(head, rows, receipt)
        if last is None:
            return None
        last_order, last_time = last
        first_time = instant_of(last_time - (len(messages) - 1))
        after = last_order - len(messages)
        return in_sequence(
            messages, session_id=session_id, after=after, since=first_time - TICK, now=first_time
        )

    async def _unless_rivalled(self, append: CarefulAppend) -> tuple[Message, ...] | None:
        """What the append returns, or None where a rival has claimed its key meanwhile."""
        try:
            return await self.database.write(append)
        except IntegrityError:
            if append.receipt is None:
                raise
            return None

    async def page(
        self, owner: Owner, session_id: UUID, request: MessagePageRequest
    ) -> Page[Message]:
        place, found_by = message_pages.place_of(request)
        asked = {**_key(owner, session_id), **found_by}
        bodies = request.with_bodies
        rows = await self._rows(message_pages.plain_page(place, with_bodies=bodies), asked)
        if rows[0][1] is None:
            rows = await self._rows(message_pages.page_by_size(place, with_bodies=bodies), asked)
        if place.walk is Walk.DOWN:
            rows = rows[::-1]
        total, before, changed = rows[0][:3]
        items = MESSAGE_COLUMNS.read(rows, session_id, skip=3)
        if not items:
            before = total if request.after is not None else 0
        return request.page(items, total, before, instant_of(changed))

    async def _rows(self, statement: Executable, asked: Values) -> Rows:
        """Raises SessionNotFound for none."""
        rows = await self.database.read(statement, asked)
        if not rows:
            raise SessionNotFound
        return rows

    async def get(self, owner: Owner, session_id: UUID, message: MessageRef) -> Message:
        named, name = how_named(message)
        asked = {**_key(owner, session_id), **name}
        rows = await self.database.read(get_message(named), asked)
        if not rows:
            raise SessionNotFound
        for found in MESSAGE_COLUMNS.read(rows, session_id):
            return found
        raise MessageNotFound

    async def replace(  # noqa: PLR0913, PLR0917 - the port's
        self,
        owner: Owner,
        session_id: UUID,
        message: MessageRef,
        new: NewMessage,
        now: datetime,
        expected: Collection[datetime] | None = None,
    ) -> Message:
        named, name = how_named(message)
        words = await keys_of(owner.key, {session_id: new.content})
        asked = {
            **_key(owner, session_id),
            **name,
            **parameters(said_row(new, words[session_id])),
            "now_": microseconds(now),
            "largest_": new.size,
        }
        for _ in range(receipts.TRIES):
            rows = await self.database.replace(named, asked, expected)
            for found in MESSAGE_COLUMNS.read(rows, session_id, skip=1):
                return found.replaced(new, instant_of(rows[0][0]))
            there = await self.get(owner, session_id, message)
            if expected is not None and there.version not in expected:
                raise VersionMismatch
        raise Unavailable("the message is removed and written anew again and again")

    async def remove(
        self,
        owner: Owner,
        session_id: UUID,
        message: MessageRef,
        now: datetime,
        expected: Collection[datetime] | None = None,
    ) -> Message:
        key = _key(owner, session_id)
        return await self.database.write(
            lambda connection: removals.remove(connection, owner, key, message, now, expected)
        )

    async def clear(
        self,
        owner: Owner,
        session_id: UUID,
        before: int | None,
        now: datetime,
        expected: Collection[Version] | None = None,
    ) -> int:
        key = _key(owner, session_id)
        return await self.database.write(
            lambda connection: removals.clear(connection, owner, key, before, now, expected)
        )


def _contents(messages: Mapping[UUID, NewMessage]) -> dict[UUID, str | None]:
    return {id_: message.content for id_, message in messages.items()}


def _key(owner: Owner, session_id: UUID) -> Values:
    return {"owner_": owner.key, "session_": session_id}
