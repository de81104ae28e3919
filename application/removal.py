"""What removes many sessions: in steps that are soon done, so that others write in between, and an
interruption leaves less to do for whoever asks again."""

from collections.abc import Collection
from contextlib import suppress
from dataclasses import dataclass
from datetime import datetime, timedelta
from uuid import UUID

from application.errors import Unavailable
from application.ports.clock import Clock
from application.ports.removal import NOTHING, Holdings, Removed
from application.ports.sessions import SessionRepository
from application.ports.storage import Storage
from domain.errors import InvalidValue, SessionNotFound
from domain.external_id import ExternalId
from domain.owner import Owner
from domain.page import SortOrder
from domain.session import SessionRef
from domain.session_page import SessionFilter, SessionPageRequest, SessionSort

DELETED_AT_ONCE = 100
"""Sessions that one request may name, and that one step removes."""

RETURNS = 100
"""How often an erasure looks again because its person has written meanwhile."""

_OLDEST = SessionPageRequest(
    limit=DELETED_AT_ONCE,
    sort_by=SessionSort.CREATED_AT,
    sort_order=SortOrder.ASC,
    filters=SessionFilter(archived=None),
)


@dataclass(frozen=True, slots=True)
class DeleteSessions:
    sessions: SessionRepository
    clock: Clock

    async def __call__(
        self, caller: Owner, refs: Collection[SessionRef] | None, *, dry_run: bool = False
    ) -> Removed:
        """Remove those of the caller's own sessions that are named, up to 100, or all that there
        are now, and say how many they and their messages were. Others' sessions, and
        those that are not there, count for nothing. A dry run removes none. Raises InvalidValue.
        """
        if refs is None:
            if dry_run:
                return await self.sessions.count(caller)
            return await remove_all(self.sessions, caller, self.clock.now())
        if len(refs) > DELETED_AT_ONCE:
            raise InvalidValue(f"must name at most {DELETED_AT_ONCE} sessions", "session_ids")
        ids = await self._ids(caller, refs)
        if dry_run:
            return await self.sessions.count(caller, ids)
        return await remove(self.sessions, caller, ids)

    async def _ids(self, caller: Owner, refs: Collection[SessionRef]) -> set[UUID]:
        ids = {ref for ref in refs if isinstance(ref, UUID)}
        for ref in refs:
            if isinstance(ref, ExternalId):
                with suppress(SessionNotFound):
                    ids.add(await self.sessions.find(caller, ref.value))
        return ids


async def remove(
    sessions: SessionRepository,
    owner: Owner,
    ids: Collection[UUID],
    changed_before: datetime | None = None,
) -> Removed:
    """Remove sessions step by step, and say what was removed."""
    removed = NOTHING
    while step := await sessions.remove_some(owner, ids, changed_before):
        removed += step
    return removed


async def remove_all(sessions: SessionRepository, owner: Owner, created_until: datetime) -> Removed:
    """Remove all of an owner's sessions that were created by a time."""
    removed = NOTHING
    while True:
        page = await sessions.page(owner, _OLDEST)
        ids = [one.id for one in page.items if one.created_at <= created_until]
        if not ids:
            return removed
        removed += await remove(sessions, owner, ids)


@dataclass(frozen=True, slots=True)
class Erasure:
    """What was removed of a person's, or in a dry run would be, and what is left, looked up
    afterwards."""

    erased_at: datetime
    removed: Holdings
    left: Holdings
    was_known: bool
    dry_run: bool


@dataclass(frozen=True, slots=True)
class EraseOwner:
    """Remove all that is a person's: sessions, messages, what a search finds them by, idempotency
    keys, and that there was such a person."""

    storage: Storage
    clock: Clock

    async def __call__(self, owner: Owner, *, dry_run: bool = False) -> Erasure:
        """Raises Unavailable, and then is to be asked again: what was removed stays removed."""
        found = await self.storage.holdings(owner)
        if dry_run:
            return Erasure(self.clock.now(), found, found, found.is_known, dry_run=True)
        removed, keys = NOTHING, 0
        for _ in range(RETURNS):
            removed += await remove_all(self.storage.sessions, owner, _forever(self.clock))
            keys += await self.storage.forget_owner(owner)
            left = await self.storage.holdings(owner)
            if not left:
                break
        else:
            raise Unavailable("the person goes on writing")
        while await self.storage.tend_index():
            pass
        gone = Holdings(removed.sessions, removed.messages, keys)
        left = await self.storage.holdings(owner)
        return Erasure(self.clock.now(), gone, left, found.is_known, dry_run=False)


def _forever(clock: Clock) -> datetime:
    """A time after all that is written meanwhile, whatever the other machines' clocks."""
    return clock.now() + timedelta(days=36_500)


@dataclass(frozen=True, slots=True)
class RemoveIdleSessions:
    storage: Storage
    clock: Clock

    async def __call__(self, days: int) -> Removed:
        """Remove everybody's sessions that have not changed for so many days."""
        before = self.clock.now() - timedelta(days=days)
        removed = NOTHING
        last = None
        while idle := await self.storage.idle_sessions(before, last, DELETED_AT_ONCE):
            for owner, session_id in idle:
                removed += await remove(self.storage.sessions, owner, [session_id], before)
            last = idle[-1]
        return removed
