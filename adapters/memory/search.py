from collections.abc import Iterable
from dataclasses import dataclass
from uuid import UUID

from adapters.memory.data import Conversation, Data
from application.ports.search import SearchIndex
from domain.owner import Owner
from domain.search import SearchPage, SearchRequest, hits_of


@dataclass(frozen=True, slots=True)
class MemorySearchIndex(SearchIndex):
    data: Data

    async def search(
        self, owner: Owner, request: SearchRequest, session_id: UUID | None = None
    ) -> SearchPage:
        looked_at: Iterable[Conversation] = self.data.for_owner(owner).values()
        if session_id is not None:
            looked_at = [self.data.find(owner, session_id)]
        return request.page_of(
            hit for one in looked_at for hit in hits_of(one.session, one.messages)
        )
