import asyncio
from collections.abc import AsyncIterator
from dataclasses import dataclass, replace
from uuid import UUID

from application.errors import Unavailable
from application.ownership import Ownership
from application.ports.messages import MessageReader
from application.ports.sessions import SessionReader
from domain.errors import SessionNotFound
from domain.message import Message
from domain.message_page import MessagePageRequest
from domain.owner import Owner
from domain.page import LIMIT_MAX, SortOrder
from domain.session import Session, SessionRef
from domain.session_page import SessionFilter, SessionPageRequest, SessionSort
from domain.transfer import Discarded

HELD_MAX = 8 * 1024 * 1024
"""Bytes of a session's messages that are held until all of them are read."""

TRIES = 20
"""Times that a session is read, if it changes each time before it is read to its end."""

PAUSE_SECONDS = 0.005
"""The pause before the second time. It grows with each further one."""

OLDEST_FIRST = SessionPageRequest(
    limit=LIMIT_MAX,
    sort_by=SessionSort.CREATED_AT,
    sort_order=SortOrder.ASC,
    filters=SessionFilter(archived=None),
)

Exported = Session | Message | Discarded


class _Changed(Exception):
    """What is read now is not what the session had when it was begun."""


@dataclass(frozen=True, slots=True)
class ExportSessions:
    sessions: SessionReader
    messages: MessageReader
    ownership: Ownership

    async def __call__(
        self, caller: Owner, session: SessionRef | None = None
    ) -> AsyncIterator[Exported]:
        """All of the caller's sessions, or one, each followed by its messages as they were at one
        moment, from the oldest session on. A session that is there all the time is there once.

        Only a session of more than HELD_MAX bytes can be begun and then be found changed, where a
        message that has not been read yet is replaced or removed: a Discarded follows, and then the
        session anew. Raises SessionNotFound and SessionForbidden before anything else.
        """
        if session is not None:
            async with self.ownership.access_to(caller, session) as session_id:
                found = await self.sessions.get(caller, session_id)
            async for part in self._session(caller, found):
                yield part
            return
        request = OLDEST_FIRST
        while True:
            page = await self.sessions.page(caller, request)
            for found in page.items:
                async for part in self._session(caller, found):
                    yield part
            _, following = request.cursors(page)
            if following is None:
                return
            request = replace(request, cursor=following)

    async def _session(self, caller: Owner, found: Session) -> AsyncIterator[Exported]:
        """The session with its messages; nothing where it is gone."""
        for past in range(TRIES):
            held: list[Exported] = [found]
            room = HELD_MAX
            try:
                async for message in self._messages(caller, found):
                    held.append(message)
                    room -= message.size
                    if room < 0:
                        for part in held:
                            yield part
                        held.clear()
            except (_Changed, SessionNotFound):
                if room < 0:
                    yield Discarded(found.id)
            else:
                for part in held:
                    yield part
                return
            await asyncio.sleep(PAUSE_SECONDS * past)
            anew = await self._anew(caller, found.id)
            if anew is None:
                return
            found = anew
        raise Unavailable("a session is changed again and again while it is read")

    async def _anew(self, caller: Owner, session_id: UUID) -> Session | None:
        try:
            return await self.sessions.get(caller, session_id)
        except SessionNotFound:
            return None

    async def _messages(self, caller: Owner, of: Session) -> AsyncIterator[Message]:
        """The messages that the session had at its `last_updated`. What is appended later has
        higher orders, what is replaced later bears a later time, and what is removed is missing.

        Raises _Changed where one of them was replaced or removed, SessionNotFound.
        """
        left, after = of.message_count, 0
        while left > 0:
            asked = MessagePageRequest(after=after, limit=LIMIT_MAX)
            page = await self.messages.page(caller, of.id, asked)
            there = [one for one in page.items if one.message_order <= of.last_order]
            if not there:
                raise _Changed
            for message in there:
                if message.edited_at is not None and message.edited_at > of.last_updated:
                    raise _Changed
                yield message
            left -= len(there)
            after = there[-1].message_order
            await asyncio.sleep(0)  # reading SQLite never lets others go on
