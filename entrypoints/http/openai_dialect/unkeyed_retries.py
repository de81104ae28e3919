"""Retries without an Idempotency-Key.

OpenAI's clients repeat a request whose answer they did not get, and say that it is a retry, but
send no key with it. Items that came with the first try are then found by what they are: by an id of
the client's own, if one of them has one, else by what they say.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta

from application.idempotency import Written
from application.ports.messages import AppendTerms
from application.use_cases import UseCases
from domain.errors import ExternalIdTaken, MessageNotFound
from domain.message import Message, NewMessage
from domain.owner import Owner
from domain.session import SessionRef
from entrypoints.http.openai_dialect.conversation_writers import ConversationWriters
from entrypoints.http.openai_dialect.earlier_items import (
    EarlierItems,
    are_of_one_act,
    is_stored_as,
)

PERIOD = timedelta(minutes=15)
"""How long ago they may have been stored: a client waits ten minutes for an answer."""

Appended = Written[tuple[Message, ...]]


@dataclass(frozen=True, slots=True)
class UnkeyedRetries:
    use_cases: UseCases
    writers: ConversationWriters

    async def append_unless_there(
        self, caller: Owner, session: SessionRef, messages: Sequence[NewMessage], now: datetime
    ) -> Appended:
        """Append the messages of a retry, unless the first try has stored them. Raises as an append
        does."""
        if any(message.external_id is not None for message in messages):
            async with self.writers.turn(caller, session):
                return await self._append_named(caller, session, messages)
        earlier = EarlierItems(self.use_cases, caller, session, messages, now - PERIOD)

        async def attempt() -> Appended:
            return await self._append_nameless(earlier)

        return await self.writers.alone(caller, session, attempt)

    async def _append_named(
        self, caller: Owner, session: SessionRef, messages: Sequence[NewMessage]
    ) -> Appended:
        """Append messages of which one has an id, which nobody can store twice."""
        try:
            return await self.use_cases.append_messages.once(None, caller, session, messages)
        except ExternalIdTaken as error:
            if error.message_order is None:
                raise
            first = error.message_order - (error.index or 0)
            there = await self._stored_together(caller, session, messages, first)
            if not there:
                raise
            return Written(there, replayed=True)

    async def _append_nameless(self, earlier: EarlierItems) -> Appended:
        """Append messages only at the version of the session at which they were not found."""
        caller, session = earlier.caller, earlier.session
        version = (await self.use_cases.get_session(caller, session)).version
        found = await earlier.find()
        if found:
            return Written(found, replayed=True)
        terms = AppendTerms(expected=(version,))
        return await self.use_cases.append_messages.once(
            None, caller, session, earlier.asked, terms
        )

    async def _stored_together(
        self, caller: Owner, session: SessionRef, asked: Sequence[NewMessage], first: int
    ) -> tuple[Message, ...]:
        """The messages that were asked for, if all of them were stored in one act from that order
        on, and each is there as it was asked for or has been replaced under an id of its own. Else
        nothing."""
        there: list[Message] = []
        for index, new in enumerate(asked):
            try:
                found = await self.use_cases.get_message(caller, session, first + index)
            except MessageNotFound:
                return ()
            if not (is_stored_as(new, found) or _is_replaced(new, found)):
                return ()
            there.append(found)
        return tuple(there) if are_of_one_act(there, len(asked)) else ()


def _is_replaced(new: NewMessage, message: Message) -> bool:
    own = new.external_id
    return own is not None and own == message.external_id and message.edited_at is not None
