import asyncio
import contextvars
from collections.abc import Awaitable, Callable
from contextlib import suppress
from typing import TypeVar
from uuid import UUID

from application.errors import Unavailable, Unreachable
from application.ports.messages import MessageReader
from application.ports.search import SearchIndex
from application.ports.sessions import SessionReader
from application.ports.storage import ReadStorage
from domain.errors import MessageNotFound, SessionNotFound
from domain.message import Message, MessageRef
from domain.message_page import MessagePageRequest
from domain.owner import Owner
from domain.page import Page
from domain.search import SearchPage, SearchRequest
from domain.session import Session
from domain.session_page import SessionPageRequest

PROBE_INTERVAL = 0.25
"""Seconds from one look whether it is back to the next."""

T = TypeVar("T")


class FailoverStorage(ReadStorage):
    """Reads from a primary or, for as long as that is down, from a standby.

    What a standby has may be old, but was so once; what it lacks may be new. So it can say what
    there is, never that there is nothing: that is Unavailable. `on_standby_read` is called whenever
    an answer rests on it, in the context of whoever asked; `on_change` with the reason each time
    the primary goes down, and with None each time it is back. The primary may take
    `primary_timeout` seconds to answer before it counts as down. Nothing is written through this.
    """

    def __init__(
        self,
        primary: ReadStorage,
        standby: ReadStorage,
        on_standby_read: Callable[[], None],
        on_change: Callable[[str | None], None],
        *,
        primary_timeout: float,
    ) -> None:
        self._primary = primary
        self._standby = standby
        self._on_standby_read = on_standby_read
        self._on_change = on_change
        self.primary_timeout = primary_timeout
        self._probing: asyncio.Task[None] | None = None
        self._reason = ""

    @property
    def sessions(self) -> SessionReader:
        return _Sessions(self, self._primary.sessions, self._standby.sessions)

    @property
    def messages(self) -> MessageReader:
        return _Messages(self, self._primary.messages, self._standby.messages)

    @property
    def index(self) -> SearchIndex:
        return _Index(self, self._primary.index, self._standby.index)

    async def read(
        self, primary: Callable[[], Awaitable[T]], standby: Callable[[], Awaitable[T]]
    ) -> T:
        """Return what the primary answers or, while it is down, the standby."""
        try:
            return await self._ask_primary(primary)
        except Unavailable:
            if self._probing is None:
                raise  # it is there, and busy
        try:
            answer = await standby()
        except (SessionNotFound, MessageNotFound):
            raise Unavailable("the primary is away, and the standby lacks what is asked") from None
        self._on_standby_read()
        return answer

    async def _ask_primary(self, act: Callable[[], Awaitable[T]]) -> T:
        """Ask the primary, unless it is known to be down. Raises Unreachable."""
        if self._probing is not None:
            raise Unreachable(self._reason)
        try:
            async with asyncio.timeout(self.primary_timeout):
                return await act()
        except Unreachable as error:
            self._mark_primary_down(str(error))
            raise
        except TimeoutError:
            late = "the primary does not answer in time"
            self._mark_primary_down(late)
            raise Unreachable(late) from None

    def _mark_primary_down(self, reason: str) -> None:
        if self._probing is None:
            self._reason = reason
            # It is nobody's request.
            nobody = contextvars.Context()
            self._probing = asyncio.create_task(self._probe(), context=nobody)
            self._on_change(reason)

    async def _probe(self) -> None:
        """Return once the primary is back."""
        try:
            while True:
                await asyncio.sleep(PROBE_INTERVAL)
                with suppress(Unavailable, TimeoutError):
                    async with asyncio.timeout(self.primary_timeout):
                        await self._primary.check()
                    break
        finally:
            self._probing = None
        self._on_change(None)

    async def open(self) -> None:
        await self._primary.open()
        await self._standby.open()

    async def check(self) -> None:
        await self._ask_primary(self._primary.check)

    async def close(self) -> None:
        if self._probing is not None:
            self._probing.cancel()
        await self._standby.close()
        await self._primary.close()


class _Sessions(SessionReader):
    def __init__(
        self, reads: FailoverStorage, primary: SessionReader, standby: SessionReader
    ) -> None:
        self._reads = reads
        self._primary = primary
        self._standby = standby

    async def get(self, owner: Owner, session_id: UUID) -> Session:
        return await self._reads.read(
            lambda: self._primary.get(owner, session_id),
            lambda: self._standby.get(owner, session_id),
        )

    async def page(self, owner: Owner, request: SessionPageRequest) -> Page[Session]:
        return await self._reads.read(
            lambda: self._primary.page(owner, request), lambda: self._standby.page(owner, request)
        )

    async def find(self, owner: Owner, external_id: str) -> UUID:
        return await self._reads.read(
            lambda: self._primary.find(owner, external_id),
            lambda: self._standby.find(owner, external_id),
        )

    async def exists(self, session_id: UUID) -> bool:
        async def standby() -> bool:
            if not await self._standby.exists(session_id):
                raise SessionNotFound
            return True

        return await self._reads.read(lambda: self._primary.exists(session_id), standby)


class _Messages(MessageReader):
    def __init__(
        self, reads: FailoverStorage, primary: MessageReader, standby: MessageReader
    ) -> None:
        self._reads = reads
        self._primary = primary
        self._standby = standby

    async def page(
        self, owner: Owner, session_id: UUID, request: MessagePageRequest
    ) -> Page[Message]:
        return await self._reads.read(
            lambda: self._primary.page(owner, session_id, request),
            lambda: self._standby.page(owner, session_id, request),
        )

    async def get(self, owner: Owner, session_id: UUID, message: MessageRef) -> Message:
        return await self._reads.read(
            lambda: self._primary.get(owner, session_id, message),
            lambda: self._standby.get(owner, session_id, message),
        )


class _Index(SearchIndex):
    def __init__(self, reads: FailoverStorage, primary: SearchIndex, standby: SearchIndex) -> None:
        self._reads = reads
        self._primary = primary
        self._standby = standby

    async def search(
        self, owner: Owner, request: SearchRequest, session_id: UUID | None = None
    ) -> SearchPage:
        return await self._reads.read(
            lambda: self._primary.search(owner, request, session_id),
            lambda: self._standby.search(owner, request, session_id),
        )
