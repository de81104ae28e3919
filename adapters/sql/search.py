import asyncio
from collections.abc import Collection, Iterable, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from itertools import compress
from typing import Any
from uuid import UUID

from sqlalchemy import Executable

from adapters.sql import search_statements, statements
from adapters.sql.column_types import Instant, Key, RoleName
from adapters.sql.database import Database, Row, Rows
from adapters.sql.search_keys import ASIDE, OVERLONG, key_prefix
from application.ports.search import SearchIndex
from domain.errors import SessionNotFound
from domain.owner import Owner
from domain.search import (
    TOTAL_MAX,
    Hit,
    Place,
    SearchPage,
    SearchQuery,
    SearchRequest,
    known_total,
)

CHECKED_MAX = 4000
"""Texts with the keys that are all looked at, however old they are."""

READ_AT_ONCE = 10
"""Long texts that are read at once."""

WALKED_AT_ONCE = 200
"""Texts that one statement of a walk returns."""

_NEWEST: Place = (datetime.max.replace(tzinfo=UTC), UUID(int=2**128 - 1), 2**63 - 1)
_EVER = datetime.min.replace(tzinfo=UTC)


@dataclass(frozen=True, slots=True)
class SqlSearchIndex(SearchIndex):
    """Few texts with the keys are all looked at, whatever their age. Of many, the newest are found
    by walking the owner's texts from the newest on, of which then many have the keys."""

    database: Database

    async def search(
        self, owner: Owner, request: SearchRequest, session_id: UUID | None = None
    ) -> SearchPage:
        asked = {"owner_": owner.key, "session_": session_id}
        if session_id is not None and not await self.database.read(statements.GET_SESSION, asked):
            raise SessionNotFound
        few = await self._few(owner, request.query)
        if few is not None:
            found = [place for place in few if session_id in {None, place[1]}]
            return await self._page(owner, request, found, len(found))
        walk = _Walk(self, owner, request.query, session_id)
        if session_id is None and request.query.is_decided_by_keys:
            page, total = [], TOTAL_MAX + 1
        else:
            page = await walk.newest(TOTAL_MAX + 1, _NEWEST)
            total = len(page)
        page = [place for place in page if request.after is None or place < request.after]
        if total > TOTAL_MAX and len(page) <= request.limit:
            page = await walk.newest(request.limit + 1, request.after or _NEWEST)
        return await self._page(owner, request, page, total)

    async def _few(self, owner: Owner, query: SearchQuery) -> list[Place] | None:
        """Where every text is that the query finds, unless too many have its keys."""
        prefix, by_keys = key_prefix(owner.key), query.is_decided_by_keys
        asked = {"owner_": owner.key, "limit_": CHECKED_MAX + 1}
        indexed = await self.database.found(prefix, query.keys, asked, with_text=False)
        overlong = await self.database.found(prefix, {OVERLONG: False}, asked, with_text=True)
        if len(indexed) > CHECKED_MAX or len(overlong) > CHECKED_MAX:
            return None
        if indexed and not by_keys:
            indexed = await self.database.found(prefix, query.keys, asked, with_text=True)
        sure = _places(indexed) if by_keys else await self.checked(owner, query, indexed)
        return list({*sure, *await self.checked(owner, query, overlong)})

    async def checked(self, owner: Owner, query: SearchQuery, rows: Rows) -> list[Place]:
        """Where the texts are that the query finds, of rows that end with a text or, where it is
        long, with none: those are read a few at a time."""
        short = [row for row in rows if row[3] is not None]
        found = _places(compress(short, await _found_in([row[3] for row in short], query)))
        long = _places(row for row in rows if row[3] is None)
        for start in range(0, len(long), READ_AT_ONCE):
            hits = await self._hits(owner, long[start : start + READ_AT_ONCE])
            are_found = await _found_in([hit.text for hit in hits], query)
            found += [hit.place for hit in compress(hits, are_found)]
        return found

    async def _page(
        self, owner: Owner, request: SearchRequest, found: Collection[Place], total: int
    ) -> SearchPage:
        after = request.after
        older = [place for place in found if after is None or place < after]
        places = sorted(older, reverse=True)[: request.limit]
        hits = await self._hits(owner, places) if places else []
        finds = request.query.finds
        shown = tuple(
            hit for hit in hits if len(hit.text) > search_statements.SHORT_TEXT or finds(hit.text)
        )
        following = places[-1] if len(older) > request.limit else None
        return SearchPage(shown, known_total(total), following)

    async def _hits(self, owner: Owner, places: Sequence[Place]) -> list[Hit]:
        """What is at the places, without what has gone meanwhile."""
        asked = {"owner_": owner.key, **search_statements.slots(places)}
        rows = await self.database.read(search_statements.READ_TITLES, asked)
        titles = dict(
            zip(Key.read([row[0] for row in rows]), [row[1] for row in rows], strict=True)
        )
        rows = await self.database.read(search_statements.READ_MESSAGES, asked)
        ids, roles = Key.read([row[0] for row in rows]), RoleName.read([row[2] for row in rows])
        said = {
            (id_, row[1]): (role, row[3]) for id_, role, row in zip(ids, roles, rows, strict=True)
        }
        hits = []
        for at, id_, order in places:
            title = titles.get(id_)
            if order == 0 and title is not None:
                hits.append(Hit(id_, title, None, None, at, title))
            if (id_, order) in said:
                role, text = said[id_, order]
                hits.append(Hit(id_, title, order, role, at, text))
        return hits


@dataclass(frozen=True, slots=True)
class _Walk:
    index: SqlSearchIndex
    owner: Owner
    query: SearchQuery
    session_id: UUID | None

    async def newest(self, count: int, before: Place) -> list[Place]:
        """Where the newest texts are that the query finds, of those that come after a place."""
        of_session = self.session_id is not None
        messages = search_statements.newest_messages(of_session=of_session)
        found = await self._walked(messages, count, before, _EVER)
        since = found[-1][0] if len(found) == count else _EVER
        titles = search_statements.newest_titles(of_session=of_session)
        found += await self._walked(titles, count, before, since)
        return sorted(found, reverse=True)[:count]

    async def _walked(
        self, statement: Executable, count: int, before: Place, since: datetime
    ) -> list[Place]:
        found: list[Place] = []
        limit = min(count, WALKED_AT_ONCE) if self.query.is_decided_by_keys else WALKED_AT_ONCE
        asked = self._asked() | {"since_": since, "limit_": limit}
        while len(found) < count:
            at, id_, order = before
            place = {"at_": at, "id_": id_, "order_": order}
            rows = await self.index.database.read(statement, asked | place)
            found += await self.index.checked(self.owner, self.query, rows)
            if len(rows) < limit:
                break
            await asyncio.sleep(0)  # SQLite answers at once: others are served meanwhile
            (before,) = _places(rows[-1:])
        return sorted(found, reverse=True)[:count]

    def _asked(self) -> dict[str, Any]:
        keys = self.index.database.told(key_prefix(self.owner.key), self.query.keys, OVERLONG)
        return {"owner_": self.owner.key, "session_": self.session_id, "keys_": keys}


async def _found_in(texts: Sequence[str], query: SearchQuery) -> list[bool]:
    """Return of each text whether the query finds it. Many or long ones are looked through in a
    thread, so that others are served meanwhile."""

    def look() -> list[bool]:
        return list(map(query.finds, texts))

    if sum(map(len, texts)) > ASIDE:
        return await asyncio.to_thread(look)
    return look()


def _places(rows: Iterable[Row]) -> list[Place]:
    """Return where the texts are whose rows begin with a time, a session's id and an order."""
    chosen = list(rows)
    times = Instant.read([row[0] for row in chosen])
    ids = Key.read([row[1] for row in chosen])
    return list(zip(times, ids, [row[2] for row in chosen], strict=True))
