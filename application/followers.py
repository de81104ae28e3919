"""Those who follow sessions in this process, and what wakes them when a session changes."""

import asyncio
from collections import Counter
from collections.abc import Awaitable, Callable, Hashable, Iterator
from contextlib import contextmanager
from enum import StrEnum
from typing import Any, Final, TypeVar

from application.errors import TooManyFollowers, Unavailable
from application.ports.changes import ChangeReader, SessionKey
from domain.owner import Owner
from domain.session import Version

LOOK_SECONDS = 0.5
"""The pause between two looks for what other processes have written."""

UNSETTLED_SECONDS = 30.0
"""How long it is looked whether a write has happened whose outcome nobody knows."""

READS_AT_ONCE = 4
"""Reads of followers that run together, so that a crowd of them leaves connections to others."""

FOLLOWERS_MAX = 1000
FOLLOWERS_OF_OWNER_MAX = 100

T = TypeVar("T")


class EndReason(StrEnum):
    """Why somebody follows no more."""

    CLIENT_LEFT = "client_left"
    SLOW_CLIENT = "slow_client"
    TOKEN_EXPIRED = "token_expired"  # noqa: S105 - the name of a reason
    SESSION_GONE = "session_gone"
    TIME_OVER = "time_over"
    STOPPING = "stopping"
    FAILED = "failed"


class Follower:
    """Somebody who waits for a session to change. The first reason to end is the one that counts,
    and `waited` is how many seconds were spent waiting."""

    __slots__ = ("_woken", "ended", "waited")

    def __init__(self) -> None:
        self._woken = asyncio.Event()
        self.ended: EndReason | None = None
        self.waited = 0.0

    def wake(self) -> None:
        self._woken.set()

    def end(self, reason: EndReason) -> None:
        self.ended = self.ended or reason
        self.wake()

    async def wait(self, seconds: float) -> bool:
        """Wait to be woken, and tell whether that happened in so many seconds."""
        loop = asyncio.get_running_loop()
        began = loop.time()
        try:
            async with asyncio.timeout(seconds):
                await self._woken.wait()
        except TimeoutError:
            return False
        finally:
            self.waited += loop.time() - began
        self._woken.clear()
        return True


class _Unknown(StrEnum):
    UNKNOWN = "unknown"


_UNKNOWN: Final = _Unknown.UNKNOWN


class Followed:
    """A session with those who follow it, who share what they read of it."""

    def __init__(self, reading: asyncio.Semaphore) -> None:
        self.followers: dict[Follower, None] = {}
        self.version: Version | _Unknown | None = _UNKNOWN
        self._turn = 0
        self._reading = reading
        self._reads: dict[Hashable, asyncio.Task[Any]] = {}

    def wake(self) -> None:
        """Wake everybody. A read that has begun before is not shared with those who wake now."""
        self._turn += 1
        for follower in self.followers:
            follower.wake()

    def see(self, version: Version | None) -> None:
        """Wake everybody if the session is at another version than it was, or gone."""
        if version != self.version:
            self.version = version
            self.wake()

    async def read(self, name: Hashable, act: Callable[[], Awaitable[T]]) -> T:
        """Return what `act` returns, or another's act of the same name that is under way."""
        key = self._turn, name
        task = self._reads.get(key)
        if task is None:
            task = self._reads[key] = asyncio.create_task(self._in_turn(act))
            task.add_done_callback(lambda done: self._forget(key, done))
        result: T = await asyncio.shield(task)
        return result

    async def _in_turn(self, act: Callable[[], Awaitable[T]]) -> T:
        async with self._reading:
            return await act()

    def _forget(self, key: Hashable, task: asyncio.Task[Any]) -> None:
        del self._reads[key]
        if not task.cancelled():
            task.exception()  # nobody may be left to hear of it


class Followers:
    """All who follow a session in this process. They are woken at once by what this process
    writes and, where the storage `is_shared`, by a look at all their sessions together for what
    others do."""

    def __init__(
        self,
        changes: ChangeReader,
        *,
        is_shared: bool,
        most: int = FOLLOWERS_MAX,
        most_of_owner: int = FOLLOWERS_OF_OWNER_MAX,
    ) -> None:
        self._changes = changes
        self._is_shared = is_shared
        self._most = most
        self._most_of_owner = most_of_owner
        self._sessions: dict[SessionKey, Followed] = {}
        self._by_owner: Counter[Owner] = Counter()
        self._unsettled: dict[SessionKey, float] = {}
        self._reading = asyncio.Semaphore(READS_AT_ONCE)
        self._is_stopping = False

    @property
    def count(self) -> int:
        return self._by_owner.total()

    @contextmanager
    def joined(self, key: SessionKey, follower: Follower) -> Iterator[Followed]:
        """Have the follower woken by what happens in the session, from here on, inside `with`.

        Raises TooManyFollowers, and Unavailable where the process has no place for anybody.
        """
        owner = key[0]
        if self._by_owner[owner] >= self._most_of_owner:
            raise TooManyFollowers
        if self.count >= self._most:
            raise Unavailable("as many follow sessions in this process as may")
        followed = self._sessions.setdefault(key, Followed(self._reading))
        followed.followers[follower] = None
        self._by_owner[owner] += 1
        if self._is_stopping:
            follower.end(EndReason.STOPPING)
        try:
            yield followed
        finally:
            del followed.followers[follower]
            self._by_owner[owner] -= 1
            if not self._by_owner[owner]:
                del self._by_owner[owner]
            if not followed.followers:
                del self._sessions[key]

    def notify(self, key: SessionKey) -> None:
        """Wake those who follow a session that has changed."""
        if followed := self._sessions.get(key):
            followed.wake()

    def watch(self, key: SessionKey, seconds: float = 0.0) -> None:
        """Wake those who follow a session once it has been looked at, and look at it for so many
        seconds at least."""
        if followed := self._sessions.get(key):
            followed.version = _UNKNOWN
            until = asyncio.get_running_loop().time() + seconds
            self._unsettled[key] = max(until, self._unsettled.get(key, until))

    def stop(self) -> None:
        """End everybody's following, and that of whoever comes yet."""
        self._is_stopping = True
        for followed in self._sessions.values():
            for follower in followed.followers:
                follower.end(EndReason.STOPPING)

    async def look(self) -> None:
        """Wake those whose sessions have changed since the look before. Raises Unavailable."""
        unsettled = [key for key in self._unsettled if key in self._sessions]
        asked = list(self._sessions) if self._is_shared else unsettled
        now = asyncio.get_running_loop().time()
        versions = await self._changes.versions(asked) if asked else {}
        for key in asked:
            if followed := self._sessions.get(key):
                followed.see(versions.get(key))
        self._unsettled = {key: until for key, until in self._unsettled.items() if until > now}
