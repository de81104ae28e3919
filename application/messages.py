from collections.abc import Collection
from contextlib import suppress
from dataclasses import dataclass, replace
from datetime import datetime
from uuid import UUID

from application.appends import RACES
from application.errors import Unavailable
from application.idempotency import Receipt
from application.ownership import Ownership
from application.ports.clock import Clock
from application.ports.identifiers import Identifiers
from application.ports.messages import MessageReader, MessageRepository
from domain.errors import ExternalIdTaken, MessageNotFound, VersionMismatch
from domain.external_id import ExternalId
from domain.message import Message, MessageRef, NewMessage, check_body
from domain.message_page import MessagePageRequest
from domain.owner import Owner
from domain.page import Page
from domain.session import SessionRef, Version

OLDEST_FIRST = MessagePageRequest()


@dataclass(frozen=True, slots=True)
class GetMessages:
    messages: MessageReader
    ownership: Ownership

    async def __call__(
        self, caller: Owner, session: SessionRef, request: MessagePageRequest = OLDEST_FIRST
    ) -> Page[Message]:
        """A page of a session's messages. Raises SessionNotFound, SessionForbidden."""
        async with self.ownership.access_to(caller, session) as session_id:
            return await self.messages.page(caller, session_id, request)


@dataclass(frozen=True, slots=True)
class GetMessage:
    messages: MessageReader
    ownership: Ownership

    async def __call__(self, caller: Owner, session: SessionRef, message: MessageRef) -> Message:
        """Raises SessionNotFound, SessionForbidden, MessageNotFound."""
        async with self.ownership.access_to(caller, session) as session_id:
            return await self.messages.get(caller, session_id, message)


@dataclass(frozen=True, slots=True)
class Put:
    """A message after a PUT, and whether that appended it."""

    message: Message
    appended: bool = False


@dataclass(frozen=True, slots=True)
class PutMessage:
    messages: MessageRepository
    ownership: Ownership
    identifiers: Identifiers
    clock: Clock
    body_size_max: int

    async def __call__(  # noqa: PLR0913 - what a request may say
        self,
        caller: Owner,
        session: SessionRef,
        message: MessageRef,
        new: NewMessage,
        *,
        expected: Collection[datetime] | None = None,
        append_only: bool = False,
    ) -> Put:
        """Replace a message, only at one of its `expected` versions, if any. Under an external id
        that the session does not have the message is appended; with `append_only` it is that or
        nothing.

        Raises InvalidValue, SessionNotFound, SessionForbidden, MessageNotFound, VersionMismatch.
        """
        check_body(new.body, self.body_size_max)
        now = self.clock.now()
        async with self.ownership.access_to(caller, session) as session_id:
            for _ in range(RACES):
                try:
                    if append_only:
                        await self.messages.get(caller, session_id, message)
                        raise VersionMismatch
                    replaced = await self.messages.replace(
                        caller, session_id, message, new, now, expected
                    )
                    return Put(replaced)
                except MessageNotFound:
                    if not isinstance(message, ExternalId):
                        raise
                if expected is not None:
                    raise VersionMismatch
                with suppress(ExternalIdTaken):  # by a rival, after this looked
                    return await self._append(caller, session_id, message, new, now)
        raise Unavailable("the message is made and removed again and again")

    async def _append(
        self, caller: Owner, session_id: UUID, message: ExternalId, new: NewMessage, now: datetime
    ) -> Put:
        batch = {self.identifiers.new(): replace(new, external_id=message.value)}
        stored = await self.messages.append(caller, session_id, batch, now)
        assert not isinstance(stored, Receipt)  # noqa: S101 - there was no claim
        return Put(stored[0], appended=True)


@dataclass(frozen=True, slots=True)
class RemoveMessage:
    messages: MessageRepository
    ownership: Ownership
    clock: Clock

    async def __call__(
        self,
        caller: Owner,
        session: SessionRef,
        message: MessageRef,
        *,
        expected: Collection[datetime] | None = None,
    ) -> Message:
        """Remove one message, only at one of its `expected` versions, if any, and return it.

        Raises SessionNotFound, SessionForbidden, MessageNotFound, VersionMismatch.
        """
        now = self.clock.now()
        async with self.ownership.access_to(caller, session) as session_id:
            return await self.messages.remove(caller, session_id, message, now, expected)


@dataclass(frozen=True, slots=True)
class ClearMessages:
    messages: MessageRepository
    ownership: Ownership
    clock: Clock

    async def __call__(
        self,
        caller: Owner,
        session: SessionRef,
        *,
        before: int | None = None,
        expected: Collection[Version] | None = None,
    ) -> int:
        """Remove all messages of a session, or those before a message_order, only at one of the
        session's `expected` versions, if any. Return how many they were.

        Raises SessionNotFound, SessionForbidden, VersionMismatch.
        """
        now = self.clock.now()
        async with self.ownership.access_to(caller, session) as session_id:
            return await self.messages.clear(caller, session_id, before, now, expected)
