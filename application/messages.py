from collections.abc import Sequence
from dataclasses import dataclass
from uuid import UUID

from application.idempotency import Command, IdempotencyClaim, Operation, Receipt, Written
from application.ownership import Ownership
from application.ports.clock import Clock
from application.ports.identifiers import Identifiers
from application.ports.messages import MessageReader, MessageRepository
from domain.message import Message, NewMessage, check_batch
from domain.owner import Owner
from domain.page import MessagePageRequest, Page

OLDEST_FIRST = MessagePageRequest()


@dataclass(frozen=True, slots=True)
class GetMessages:
    messages: MessageReader
    ownership: Ownership

    async def __call__(
        self, caller: Owner, session_id: UUID, request: MessagePageRequest = OLDEST_FIRST
    ) -> Page[Message]:
        """A page of a session's messages. Raises SessionNotFound, SessionForbidden."""
        async with self.ownership.access_to(session_id):
            return await self.messages.page(caller, session_id, request)


@dataclass(frozen=True, slots=True)
class AppendMessages:
    messages: MessageRepository
    ownership: Ownership
    identifiers: Identifiers
    clock: Clock

    async def __call__(
        self, caller: Owner, session_id: UUID, messages: Sequence[NewMessage]
    ) -> tuple[Message, ...]:
        """Store 1-100 messages, all or none, in the order given.

        Raises InvalidValue, SessionNotFound, SessionForbidden.
        """
        return (await self.once(None, caller, session_id, messages)).value

    async def once(
        self,
        key: str | None,
        caller: Owner,
        session_id: UUID,
        messages: Sequence[NewMessage],
    ) -> Written[tuple[Message, ...]]:
        """The same, but only once under an idempotency key, if there is one. Raises KeyReused."""
        check_batch(messages, least=1)
        now = self.clock.now()
        command = Command(session_id=session_id, messages=tuple(messages))
        claim = IdempotencyClaim.for_command(Operation.APPEND_MESSAGES, key, command, now)
        batch = {self.identifiers.new(): message for message in messages}
        async with self.ownership.access_to(session_id):
            stored = await self.messages.append(caller, session_id, batch, now, claim)
            if not isinstance(stored, Receipt):
                return Written(stored)
            stored.check(claim)
            first = MessagePageRequest(after=stored.first_order - 1, limit=len(messages))
            page = await self.messages.page(caller, session_id, first)
            return Written(tuple(page.items), replayed=True)
