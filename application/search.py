from dataclasses import dataclass

from application.ownership import Ownership
from application.ports.search import SearchIndex
from application.ports.storage import Storage
from domain.owner import Owner
from domain.search import SearchPage, SearchRequest
from domain.session import SessionRef


@dataclass(frozen=True, slots=True)
class Search:
    index: SearchIndex
    ownership: Ownership

    async def __call__(
        self, caller: Owner, request: SearchRequest, session: SessionRef | None = None
    ) -> SearchPage:
        """A page of the caller's own sessions and messages that have what is looked for, of one
        session or of all. Raises SessionNotFound, SessionForbidden."""
        if session is None:
            return await self.index.search(caller, request)
        async with self.ownership.access_to(caller, session) as session_id:
            return await self.index.search(caller, request, session_id)


@dataclass(frozen=True, slots=True)
class TendSearchIndex:
    """Index what an earlier release stored, and forget what was removed."""

    storage: Storage

    async def __call__(self) -> None:
        """Return once there is nothing left to do for now. Each step may raise Unavailable."""
        while await self.storage.tend_index():
            pass


@dataclass(frozen=True, slots=True)
class RebuildSearchIndex:
    storage: Storage

    async def __call__(self) -> int:
        """Index all texts anew, and say how many they are."""
        return await self.storage.rebuild_index()
