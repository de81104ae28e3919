from collections.abc import Callable, Collection, Sequence
from contextlib import suppress
from dataclasses import dataclass
from datetime import UTC, datetime
from uuid import UUID

from sqlalchemy import Connection

from adapters.sql import bulk_removal, receipts, removals, statements
from adapters.sql.column_types import Key
from adapters.sql.database import Database, Rows, Values
from adapters.sql.entities import SESSION_COLUMNS, message_row, title_words
from adapters.sql.search_keys import keys_of
from application.errors import Unavailable
from application.idempotency import IdempotencyClaim, Receipt
from application.ports.removal import Removed
from application.ports.sessions import SessionRepository
from domain.errors import ExternalIdTaken, SessionNotFound
from domain.message import Message
from domain.owner import Owner
from domain.page import Page, SortOrder
from domain.session import Session, Version
from domain.session_page import NOT_ARCHIVED, Cursor, SessionPageRequest, Side

_LEAST_KEY = (datetime(1, 1, 1, tzinfo=UTC), UUID(int=0))
_GREATEST_KEY = (datetime.max.replace(tzinfo=UTC), UUID(int=2**128 - 1))
"""Before and after every session's, by either of its times and its id."""


@dataclass(frozen=True, slots=True)
class SqlSessionRepository(SessionRepository):
    database: Database

    async def add(
        self, session: Session, messages: Sequence[Message], claim: IdempotencyClaim | None = None
    ) -> Receipt | None:
        owner = session.owner
        person = {"owner": owner.key, "issuer": owner.issuer, "subject": owner.subject}
        row = {
            "owner": owner.key,
            **SESSION_COLUMNS.values(session),
            "first_order": 1,
            "words": title_words(session),
            "largest_message": max((message.size for message in messages), default=0),
        }
        words = await keys_of(owner.key, {message.id: message.content for message in messages})
        rows = [message_row(owner.key, message, words[message.id]) for message in messages]
        receipt = receipts.values_of(owner, claim, session.id)
        for _ in range(receipts.TRIES):
            if await self.database.add(person, row, rows, receipt):
                return None
            earlier = await receipts.found(self.database, owner, claim) if claim else None
            if earlier is not None:
                return earlier
            if session.external_id is not None:
                with suppress(SessionNotFound):
                    raise ExternalIdTaken(session_id=await self.find(owner, session.external_id))
        raise Unavailable("the idempotency key is claimed and let go again and again")

    async def get(self, owner: Owner, session_id: UUID) -> Session:
        rows = await self.database.read(statements.GET_SESSION, _key(owner, session_id))
        return _only(owner, rows)

    async def page(self, owner: Owner, request: SessionPageRequest) -> Page[Session]:
        cursor = request.cursor
        if cursor is not None:
            return await self._page_beside(cursor, owner, request)
        place = {"limit_": request.limit, "offset_": request.start}
        rows = await self._rows(owner, request, None, place)
        total = rows[0][0] if rows else 0
        return Page.from_offset(
            request.start, SESSION_COLUMNS.read(rows, owner, skip=2), total, request.limit
        )

    async def _page_beside(
        self, cursor: Cursor, owner: Owner, request: SessionPageRequest
    ) -> Page[Session]:
        before = cursor.side is Side.BEFORE
        end = _GREATEST_KEY if before == (request.sort_order is SortOrder.ASC) else _LEAST_KEY
        at, id_ = cursor.key or end
        place = {"limit_": request.limit + 1, "at_": at, "id_": id_}
        rows = await self._rows(owner, request, cursor.side, place)
        found = SESSION_COLUMNS.read(rows, owner, skip=2)
        items = found[: request.limit][:: -1 if before else 1]
        total = rows[0][0] if rows else 0
        goes_on, beyond = len(found) > request.limit, bool(rows and rows[0][1])
        has_next, has_previous = (beyond, goes_on) if before else (goes_on, beyond)
        return Page(items, total, request.limit, None, has_next, has_previous)

    async def _rows(
        self, owner: Owner, request: SessionPageRequest, side: Side | None, place: Values
    ) -> Rows:
        shape = statements.FilterShape.of(request.filters)
        page = (request.sort_by, request.sort_order, side, shape)
        asked = {**_asked(owner, request), **place}
        rows = await self.database.read(statements.page_of_sessions(*page), asked)
        if rows:
            return rows
        return await self.database.read(statements.page_or_total_of_sessions(*page), asked)

    async def update(
        self, owner: Owner, session_id: UUID, change: Callable[[Session], Session]
    ) -> Session:
        key = _key(owner, session_id)

        def work(connection: Connection) -> Session:
            before = _only(owner, connection.execute(statements.LOCK_SESSION, key).all())
            after = change(before)
            if after != before:
                changed = {f"{name}_": getattr(after, name) for name in statements.UPDATABLE}
                changed["words_"] = title_words(after)
                connection.execute(statements.UPDATE_SESSION, {**key, **changed})
            if after.archived != before.archived:
                more = 1 if after.archived else -1
                counted = {"owner_": owner.key, "more_": more}
                connection.execute(statements.COUNT_ARCHIVED, counted)
            return after

        return await self.database.write(work)

    async def count(self, owner: Owner, ids: Collection[UUID] | None = None) -> Removed:
        return await bulk_removal.count(self.database, owner, ids)

    async def remove_some(
        self, owner: Owner, ids: Collection[UUID], changed_before: datetime | None = None
    ) -> Removed:
        return await bulk_removal.remove_some(self.database, owner, ids, changed_before)

    async def remove(
        self, owner: Owner, session_id: UUID, expected: Collection[Version] | None = None
    ) -> None:
        key = _key(owner, session_id)
        if expected is None:
            is_gone = await self.database.remove(key)
        else:
            is_gone = await self.database.write(
                lambda connection: removals.remove_session(connection, owner, key, expected)
            )
        if not is_gone:
            raise SessionNotFound

    async def find(self, owner: Owner, external_id: str) -> UUID:
        asked = {"owner_": owner.key, "external_id_": external_id}
        rows = await self.database.read(statements.FIND_SESSION, asked)
        if not rows:
            raise SessionNotFound
        return Key.read(rows[0])[0]

    async def exists(self, session_id: UUID) -> bool:
        return bool(await self.database.read(statements.SESSION_EXISTS, {"session_": session_id}))


def _asked(owner: Owner, request: SessionPageRequest) -> dict[str, object]:
    """The parameters of whose sessions are listed, and which of them."""
    filters = request.filters
    asked: dict[str, object] = {"owner_": owner.key}
    if filters == NOT_ARCHIVED:
        return asked
    asked |= {
        "external_id_": filters.external_id,
        "updated_after_": filters.updated_after,
        "updated_before_": filters.updated_before,
    }
    for place, (name, value) in enumerate(filters.metadata):
        asked |= {f"member_{place}_": name, f"value_{place}_": value}
    return asked


def _key(owner: Owner, session_id: UUID) -> dict[str, object]:
    return {"owner_": owner.key, "session_": session_id}


def _only(owner: Owner, rows: Rows) -> Session:
    if not rows:
        raise SessionNotFound
    (session,) = SESSION_COLUMNS.read(rows, owner)
    return session
