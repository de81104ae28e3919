from collections import deque
from collections.abc import Sequence
from contextlib import suppress
from dataclasses import dataclass
from datetime import datetime
from uuid import UUID

from application.errors import Unavailable
from application.idempotency import Command, IdempotencyClaim, Operation, Receipt, Written
from application.ownership import Ownership
from application.ports.clock import Clock
from application.ports.identifiers import Identifiers
from application.ports.messages import PLAIN_TERMS, AppendTerms, MessageRepository
from application.ports.sessions import SessionRepository
from domain.errors import ExternalIdTaken, MessageNotFound, SessionNotFound, VersionMismatch
from domain.external_id import ExternalId
from domain.message import Message, NewMessage, check_batch, check_bodies
from domain.message_page import MessagePageRequest
from domain.owner import Owner
from domain.session import NewSession, Session, SessionRef

RACES = 8
"""Tries of a write that finds each time that another has just made or removed what it needs."""


@dataclass(frozen=True, slots=True)
class AppendMessages:
    sessions: SessionRepository
    messages: MessageRepository
    ownership: Ownership
    identifiers: Identifiers
    clock: Clock
    body_size_max: int

    async def __call__(
        self, caller: Owner, session: SessionRef, messages: Sequence[NewMessage]
    ) -> tuple[Message, ...]:
        """Store 1-100 messages, all or none, in the order given.

        Raises InvalidValue, SessionNotFound, SessionForbidden, ExternalIdTaken.
        """
        return (await self.once(None, caller, session, messages)).value

    async def once(  # noqa: PLR0913 - what a request may say
        self,
        key: str | None,
        caller: Owner,
        session: SessionRef,
        messages: Sequence[NewMessage],
        terms: AppendTerms = PLAIN_TERMS,
        *,
        create: bool = False,
    ) -> Written[tuple[Message, ...]]:
        """The same on some terms, and only once under an idempotency key, if there is one. A
        session that is named by an external id, and is not there, is made if `create` says so.

        Raises KeyReused and VersionMismatch too.
        """
        check_batch(messages, least=1)
        check_bodies(messages, self.body_size_max)
        now = self.clock.now()
        command = Command(session_id=session, messages=tuple(messages))
        claim = IdempotencyClaim.for_command(Operation.APPEND_MESSAGES, key, command, now)
        for _ in range(RACES):
            try:
                async with self.ownership.access_to(caller, session) as session_id:
                    return await self._append(caller, session_id, messages, now, claim, terms)
            except SessionNotFound:
                if not create or not isinstance(session, ExternalId):
                    raise
            try:
                return await self._create(caller, session, messages, now, claim, terms)
            except ExternalIdTaken:  # by a rival, after this looked
                continue
        raise Unavailable("the session is made and removed again and again")

    async def _append(  # noqa: PLR0913, PLR0917 - the command and its terms
        self,
        caller: Owner,
        session_id: UUID,
        messages: Sequence[NewMessage],
        now: datetime,
        claim: IdempotencyClaim | None,
        terms: AppendTerms,
    ) -> Written[tuple[Message, ...]]:
        batch = {self.identifiers.new(): message for message in messages}
        stored = await self.messages.append(caller, session_id, batch, now, claim, terms)
        if not isinstance(stored, Receipt):
            return Written(stored)
        stored.check(claim)
        return await self._again(caller, stored, messages, terms)

    async def _create(  # noqa: PLR0913, PLR0917 - the command and its terms
        self,
        caller: Owner,
        session: ExternalId,
        messages: Sequence[NewMessage],
        now: datetime,
        claim: IdempotencyClaim | None,
        terms: AppendTerms,
    ) -> Written[tuple[Message, ...]]:
        if terms.expected is not None:
            raise VersionMismatch
        batch = {self.identifiers.new(): message for message in messages}
        new = NewSession(external_id=session.value)
        started, placed = Session.started(self.identifiers.new(), caller, now, new, batch)
        receipt = await self.sessions.add(started, placed, claim)
        if receipt is None:
            return Written(placed)
        receipt.check(claim)
        return await self._again(caller, receipt, messages, terms)

    async def _again(
        self,
        caller: Owner,
        receipt: Receipt,
        messages: Sequence[NewMessage],
        terms: AppendTerms,
    ) -> Written[tuple[Message, ...]]:
        """What is left of what the first request stored or, if it kept any, found."""
        count = len(messages) if receipt.stored_count is None else receipt.stored_count
        orders = range(receipt.first_order, receipt.first_order + count)
        left = await self._left(caller, receipt.session_id, orders)
        if not terms.keeps_existing:
            return Written(tuple(left.values()), replayed=True)
        again = await self._in_place(caller, receipt.session_id, messages, left, orders)
        return Written((*again, *left.values()), replayed=True)

    async def _in_place(
        self,
        caller: Owner,
        session_id: UUID,
        messages: Sequence[NewMessage],
        left: dict[int, Message],
        orders: range,
    ) -> list[Message]:
        """What the messages are stored as, each in its place among them as far as that can be told
        once some are gone; taken out of those that are `left` of what the first request stored."""
        stored = {one.external_id: order for order, one in left.items() if one.external_id}
        unnamed = deque(order for order, one in left.items() if not one.external_id)
        again = []
        for message in messages:
            if message.external_id is None:
                again += [left.pop(unnamed.popleft())] if unnamed else []
            elif message.external_id in stored:
                order = stored[message.external_id]
                while unnamed and unnamed[0] < order:
                    again.append(left.pop(unnamed.popleft()))
                again.append(left.pop(order))
            else:
                kept = await self._kept(caller, session_id, message.external_id, orders)
                again += [] if kept is None else [kept]
        return again

    async def _left(self, caller: Owner, session_id: UUID, orders: range) -> dict[int, Message]:
        """The messages of these orders that are there still, in order."""
        left: dict[int, Message] = {}
        following = orders.start
        while following in orders:
            asked = MessagePageRequest(after=following - 1, limit=orders.stop - following)
            page = await self.messages.page(caller, session_id, asked)
            found = {one.message_order: one for one in page.items if one.message_order in orders}
            left |= found
            following = max(found, default=orders.stop) + 1
        return left

    async def _kept(
        self, caller: Owner, session_id: UUID, external_id: str, orders: range
    ) -> Message | None:
        """The message with that external id, if it was there before these orders were given."""
        with suppress(MessageNotFound):
            found = await self.messages.get(caller, session_id, ExternalId(external_id))
            return found if found.message_order < orders.start else None
        return None
