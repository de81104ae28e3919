from collections.abc import Collection, Mapping
from dataclasses import dataclass
from datetime import datetime
from uuid import UUID

from adapters.memory.data import Data
from application.idempotency import IdempotencyClaim, Receipt
from application.ports.changes import Edit
from application.ports.messages import PLAIN_TERMS, AppendTerms, MessageRepository
from domain.message import (
    Message,
    MessageRef,
    NewMessage,
    as_stored,
    without_existing,
)
from domain.message_page import MessagePageRequest
from domain.owner import Owner
from domain.page import Page
from domain.session import Version


@dataclass(frozen=True, slots=True)
class MemoryMessageRepository(MessageRepository):
    data: Data

    async def append(  # noqa: PLR0913, PLR0917 - the port's
        self,
        owner: Owner,
        session_id: UUID,
        messages: Mapping[UUID, NewMessage],
        now: datetime,
        claim: IdempotencyClaim | None = None,
        terms: AppendTerms = PLAIN_TERMS,
    ) -> tuple[Message, ...] | Receipt:
        conversation = self.data.find(owner, session_id)
        receipt = self.data.receipt_of(owner, claim)
        if receipt is not None:
            return receipt
        is_named = any(message.external_id for message in messages.values())
        there = conversation.by_external_id() if is_named else {}
        new = without_existing(messages, there, keep=terms.keeps_existing)
        session = conversation.session.check_version(terms.expected)
        conversation.session, placed = session.appended(new, now, conversation.last_said)
        conversation.messages.extend(placed)
        if claim is not None:
            self.data.keep(owner, Receipt(claim, session_id, session.last_order + 1, len(placed)))
        return as_stored(messages, placed, there)

    async def page(
        self, owner: Owner, session_id: UUID, request: MessagePageRequest
    ) -> Page[Message]:
        conversation = self.data.find(owner, session_id)
        return request.page_of(conversation.messages, conversation.session.last_updated)

    async def get(self, owner: Owner, session_id: UUID, message: MessageRef) -> Message:
        conversation = self.data.find(owner, session_id)
        return conversation.messages[conversation.place(message)]

    async def replace(  # noqa: PLR0913, PLR0917 - the port's
        self,
        owner: Owner,
        session_id: UUID,
        message: MessageRef,
        new: NewMessage,
        now: datetime,
        expected: Collection[datetime] | None = None,
    ) -> Message:
        conversation = self.data.find(owner, session_id)
        place = conversation.place(message)
        found = conversation.messages[place].check_version(expected)
        conversation.session = conversation.session.changed(now)
        replaced = found.replaced(new, conversation.session.last_updated)
        conversation.messages[place] = replaced
        return replaced

    async def remove(
        self,
        owner: Owner,
        session_id: UUID,
        message: MessageRef,
        now: datetime,
        expected: Collection[datetime] | None = None,
    ) -> Message:
        conversation = self.data.find(owner, session_id)
        place = conversation.place(message)
        removed = conversation.messages[place].check_version(expected)
        conversation.session = conversation.session.changed(now, removed=1)
        del conversation.messages[place]
        at = conversation.session.last_updated
        edits = [*conversation.removals, Edit(removed.message_order, at, removed=True)]
        first = conversation.first_order
        conversation.removals = [edit for edit in edits if edit.message_order > first]
        return removed

    async def clear(
        self,
        owner: Owner,
        session_id: UUID,
        before: int | None,
        now: datetime,
        expected: Collection[Version] | None = None,
    ) -> int:
        conversation = self.data.find(owner, session_id)
        session = conversation.session.check_version(expected)
        kept = [
            one
            for one in conversation.messages
            if before is not None and one.message_order >= before
        ]
        removed = len(conversation.messages) - len(kept)
        if removed:
            conversation.session = session.changed(now, removed=removed)
            conversation.messages = kept
            first = conversation.first_order
            known = conversation.removals
            conversation.removals = [edit for edit in known if edit.message_order > first]
        return removed
