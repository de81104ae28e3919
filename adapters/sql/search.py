from collections.abc import Collection, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from operator import attrgetter
from typing import NamedTuple
from uuid import UUID

from sqlalchemy import Executable

from adapters.sql import search_statements, statements
from adapters.sql.column_types import Instant, Key, RoleName
from adapters.sql.database import Database, Rows, Values
from adapters.sql.search_keys import OVERLONG, key_prefix
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

WALKED_AT_ONCE = 100
"""Texts that one statement of a walk returns."""

_NEWEST: Place = (datetime.max.replace(tzinfo=UTC), UUID(int=2**128 - 1), 2**63 - 1)


class _Found(NamedTuple):
    """Where a text stands among the hits, and the text itself, empty where it was not asked for."""

    place: Place
    text: str


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
            found = [one for one in few if session_id in {None, one.place[1]}]
            return await self._page(owner, request, found, len(found))
        walk = _Walk(self.database, owner, request.query, session_id)
        page = await walk.newest(request.limit + 1, request.after or _NEWEST)
        is_counted = session_id is None and request.query.is_decided_by_keys
        total = TOTAL_MAX + 1 if is_counted else len(await walk.newest(TOTAL_MAX + 1, _NEWEST))
        return await self._page(owner, request, page, total)

    async def _few(self, owner: Owner, query: SearchQuery) -> list[_Found] | None:
        """Every text that the query finds, unless too many have its keys."""
        asked = {"owner_": owner.key, "limit_": TOTAL_MAX + 1}
        prefix, by_keys = key_prefix(owner.key), query.is_decided_by_keys
        keys = {prefix + key: is_prefix for key, is_prefix in query.keys}
        indexed = await self.database.found(keys, asked, with_text=not by_keys)
        overlong = await self.database.found({prefix + OVERLONG: False}, asked, with_text=True)
        if len(indexed) > TOTAL_MAX or len(overlong) > TOTAL_MAX:
            return None
        found = {one.place: one for one in _found(indexed) if by_keys or query.finds(one.text)}
        found |= {one.place: one for one in _found(overlong) if query.finds(one.text)}
        return list(found.values())

    async def _page(
        self, owner: Owner, request: SearchRequest, found: Collection[_Found], total: int
    ) -> SearchPage:
        after = request.after
        older = [one.place for one in found if after is None or one.place < after]
        places = sorted(older, reverse=True)[: request.limit]
        hits = await self._hits(owner, places) if places else []
        shown = tuple(hit for hit in hits if request.query.finds(hit.text))
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
    database: Database
    owner: Owner
    query: SearchQuery
    session_id: UUID | None

    async def newest(self, count: int, before: Place) -> list[_Found]:
        """The newest texts that the query finds, of those that come after a place."""
        of_session = self.session_id is not None
        found = [
            *await self._walked(
                search_statements.newest_messages(of_session=of_session), count, before
            ),
            *await self._walked(
                search_statements.newest_titles(of_session=of_session), count, before
            ),
        ]
        return sorted(found, key=attrgetter("place"), reverse=True)[:count]

    async def _walked(self, statement: Executable, count: int, before: Place) -> list[_Found]:
        found: list[_Found] = []
        while len(found) < count:
            rows = await self.database.read(statement, self._asked(before))
            walked = _found(rows)
            found += [one for one in walked if self.query.finds(one.text)]
            if len(rows) < WALKED_AT_ONCE:
                break
            before = walked[-1].place
        return found[:count]

    def _asked(self, before: Place) -> Values:
        at, id_, order = before
        prefix = key_prefix(self.owner.key)
        return {
            "owner_": self.owner.key,
            "session_": self.session_id,
            "keys_": self.database.told(
                {prefix + key: is_prefix for key, is_prefix in self.query.keys},
                prefix + OVERLONG,
            ),
            "at_": at,
            "id_": id_,
            "order_": order,
            "limit_": WALKED_AT_ONCE,
        }


def _found(rows: Rows) -> list[_Found]:
    times = Instant.read([row[0] for row in rows])
    ids = Key.read([row[1] for row in rows])
    return [
        _Found((at, id_, row[2]), row[3] or "")
        for at, id_, row in zip(times, ids, rows, strict=True)
    ]
