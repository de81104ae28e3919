"""Writers of one conversation, who let each other finish.

OpenAI's API has writes that hold only for the conversation as it was read. Within the process each
of these has the conversation to itself while it reads and writes; against writers of other
processes, and of the service's own API, it is tried again.
"""

import asyncio
import random
from collections import deque
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager, suppress
from typing import TypeVar

from application.errors import Unavailable
from domain.errors import VersionMismatch
from domain.owner import Owner
from domain.session import SessionRef
from entrypoints.time_limits import REQUEST_TIMEOUT

T = TypeVar("T")

PATIENCE_SECONDS = 0.7 * REQUEST_TIMEOUT
"""How long it is tried again while others write to the conversation."""

FIRST_PAUSE_SECONDS = 0.01
LONGEST_PAUSE_SECONDS = 0.3


class _Turns:
    """Those who write to one conversation, and those who wait for it, the first of them first."""

    __slots__ = ("is_alone", "waiting", "writing")

    def __init__(self) -> None:
        self.writing = 0
        self.is_alone = False
        self.waiting: deque[tuple[asyncio.Future[None], bool]] = deque()

    async def begin(self, *, alone: bool) -> None:
        granted = asyncio.get_running_loop().create_future()
        self.waiting.append((granted, alone))
        self._grant()
        try:
            await granted
        except asyncio.CancelledError:
            if granted.cancelled():
                self._grant()
            else:
                self.end()
            raise

    def end(self) -> None:
        self.writing -= 1
        self._grant()

    def _grant(self) -> None:
        while self.waiting:
            granted, alone = self.waiting[0]
            if not granted.done():
                if self.writing and (alone or self.is_alone):
                    return
                self.writing += 1
                self.is_alone = alone
                granted.set_result(None)
            self.waiting.popleft()


class ConversationWriters:
    """The writers of the process, by conversation. Nothing is kept of one that nobody writes to."""

    def __init__(self) -> None:
        self._turns: dict[tuple[Owner, SessionRef], _Turns] = {}

    def __len__(self) -> int:
        """How many conversations are written to."""
        return len(self._turns)

    @asynccontextmanager
    async def turn(
        self, caller: Owner, session: SessionRef, *, alone: bool = False
    ) -> AsyncIterator[None]:
        """Wait until a write may begin: beside others, but `alone` only when they are done."""
        turns = self._turns.setdefault((caller, session), _Turns())
        try:
            await turns.begin(alone=alone)
            try:
                yield
            finally:
                turns.end()
        finally:
            if not turns.writing and not turns.waiting:
                self._turns.pop((caller, session), None)

    async def alone(
        self, caller: Owner, session: SessionRef, attempt: Callable[[], Awaitable[T]]
    ) -> T:
        """Attempt a write, alone, until nobody elsewhere has changed the conversation meanwhile,
        after pauses that grow.

        Raises Unavailable when the patience is at its end, and whatever else the attempt raises.
        """
        now = asyncio.get_running_loop().time
        latest = now() + PATIENCE_SECONDS
        pause = FIRST_PAUSE_SECONDS
        while now() < latest:
            with suppress(VersionMismatch):
                async with self.turn(caller, session, alone=True):
                    return await attempt()
            await asyncio.sleep(pause * random.uniform(0.5, 1))  # noqa: S311 - not a secret
            pause = min(2 * pause, LONGEST_PAUSE_SECONDS)
        raise Unavailable("the conversation changes again and again")
