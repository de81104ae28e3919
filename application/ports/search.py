from abc import abstractmethod
from typing import Protocol
from uuid import UUID

from domain.owner import Owner
from domain.search import SearchPage, SearchRequest


class SearchIndex(Protocol):
    """Finds sessions by their titles and messages by their contents, as SearchQuery.finds has it.

    What is stored is found at once, and what is replaced, renamed or removed no more. Others'
    sessions are never found, nor do they make a search take longer. May raise Unavailable.
    """

    @abstractmethod
    async def search(
        self, owner: Owner, request: SearchRequest, session_id: UUID | None = None
    ) -> SearchPage:
        """A page of the owner's hits, the newest first, of one session or of all. Raises
        SessionNotFound for a session that the owner does not have."""
