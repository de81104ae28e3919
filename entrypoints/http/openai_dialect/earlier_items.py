"""Looks for the items of a request among the newest of a conversation."""

import asyncio
from collections import deque
from collections.abc import AsyncGenerator, Sequence
from contextlib import aclosing
from dataclasses import dataclass
from datetime import datetime, timedelta

from application.use_cases import UseCases
from domain.message import Message, NewMessage
from domain.message_page import PAGE_SIZE_MAX, MessagePageRequest
from domain.owner import Owner
from domain.page import SortOrder
from domain.session import SessionRef

LOOK_BACK = 1_000
LOOK_BACK_BYTES = 32 * 1024 * 1024
"""Messages, and bytes of them, among which the items are looked for."""

FIRST_STEP = 8
LARGEST_STEP = 32
"""Messages that are read at once: few, since a storage that measures them reads each of them."""

_TICK = timedelta(microseconds=1)


@dataclass(slots=True)
class EarlierItems:
    """The items of a request, looked for in a conversation: as often as it changes, but each time
    only in what is new."""

    use_cases: UseCases
    caller: Owner
    session: SessionRef
    asked: Sequence[NewMessage]
    since: datetime
    _newest: int = 0

    async def find(self) -> tuple[Message, ...]:
        """The newest run of messages that are those asked for, stored `since` then in one act, if
        all that follows it is of the same role as its last: after an answer to it, the client has
        gone on and says the same once more, which may be a call whose id a model uses again."""
        size, looked_at = len(self.asked), self._newest
        run: deque[Message] = deque(maxlen=size)
        async with aclosing(self._newest_first()) as messages:
            async for message in messages:
                self._newest = max(self._newest, message.message_order)
                if message.timestamp < self.since:
                    break
                run.appendleft(message)
                last = run[-1]
                if last.message_order <= looked_at:
                    break
                if len(run) < size:
                    continue
                if are_of_one_act(run, size) and all(map(is_stored_as, self.asked, run)):
                    return tuple(run)
                if last.role is not self.asked[-1].role:
                    break
        return ()

    async def _newest_first(self) -> AsyncGenerator[Message, None]:
        """The messages, read in steps that suit their size."""
        count = size = 0
        step, before = FIRST_STEP, None
        while count < LOOK_BACK and size < LOOK_BACK_BYTES:
            asked = MessagePageRequest(limit=step, sort_order=SortOrder.DESC, before=before)
            page = await self.use_cases.get_messages(self.caller, self.session, asked)
            for message in page.items:
                yield message
            if not page.has_next or not page.items:
                return
            sizes = [message.size for message in page.items]
            count, size = count + len(sizes), size + sum(sizes)
            step = min(2 * step, LARGEST_STEP, PAGE_SIZE_MAX // max(sizes))
            step, before = max(step, 1), page.items[-1].message_order
            await asyncio.sleep(0)


def are_of_one_act(messages: Sequence[Message], size: int) -> bool:
    """Whether messages, in order, are a batch of that size: its times are a microsecond apart."""
    first, last = messages[0], messages[-1]
    orders, times = last.message_order - first.message_order, last.timestamp - first.timestamp
    return orders == size - 1 and times == orders * _TICK


def is_stored_as(new: NewMessage, message: Message) -> bool:
    """Whether a message is as it was given."""
    return (new.external_id, new.format, new.body) == (
        message.external_id,
        message.format,
        message.body,
    )
