import json
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, fields
from datetime import datetime
from enum import StrEnum
from hashlib import sha256
from operator import gt, lt
from typing import Generic, TypeVar
from uuid import UUID

from domain.errors import InvalidValue
from domain.message import Message
from domain.plain import PlainForm
from domain.session import Session

LIMIT_MAX = 200
LIMIT_DEFAULT = 50
OFFSET_MAX = 2**31 - 1

_PLACE_AND_SORT = frozenset({"limit", "offset", "cursor", "sort_by", "sort_order"})

_plain = PlainForm({})

T = TypeVar("T")


class SortOrder(StrEnum):
    ASC = "asc"
    DESC = "desc"


class SessionSort(StrEnum):
    CREATED_AT = "created_at"
    LAST_UPDATED = "last_updated"


class MessageSort(StrEnum):
    """Two names of one order: timestamps strictly increase with message_order."""

    TIMESTAMP = "timestamp"
    MESSAGE_ORDER = "message_order"


@dataclass(frozen=True, slots=True)
class Page(Generic[T]):
    """Some of `total` items; the total was exact when they were read.

    `offset` counts the items before the page, where it was found by that.
    """

    items: Sequence[T]
    total: int
    limit: int
    offset: int | None
    has_next: bool
    has_previous: bool

    @classmethod
    def from_offset(cls, offset: int, items: Sequence[T], total: int, limit: int) -> "Page[T]":
        return cls(
            items,
            total,
            limit,
            offset,
            has_next=offset + len(items) < total,
            has_previous=offset > 0 and total > 0,
        )

    @property
    def next_offset(self) -> int | None:
        if not self.has_next or self.offset is None:
            return None
        return self.offset + len(self.items)

    @property
    def previous_offset(self) -> int | None:
        if not self.has_previous or self.offset is None:
            return None
        return max(0, min(self.offset, self.total) - self.limit)

    @property
    def last_offset(self) -> int | None:
        """Where the last page of this size begins."""
        return (self.total - 1) // self.limit * self.limit if self.total else None


class Side(StrEnum):
    AFTER = "after"
    BEFORE = "before"


Key = tuple[datetime, UUID]
"""What sessions are sorted by: one of their times, and the id where that is the same."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Cursor:
    """A place in a list of sessions in one sort: what follows a key, or what comes before it.

    Without a key it is the list's own beginning (what follows) or end (what comes before).
    """

    sort_by: SessionSort
    sort_order: SortOrder
    side: Side
    key: Key | None
    selection: bytes = b""
    """A digest of what else chooses or orders the list."""


@dataclass(frozen=True, slots=True, kw_only=True)
class SessionFilter:
    """Which of an owner's sessions a list has: all of them, as long as there are no fields here.

    A field that chooses among them has a default that leaves none out.
    """


ALL_SESSIONS = SessionFilter()


@dataclass(frozen=True, slots=True, kw_only=True)
class PageRequest:
    """`limit` items, 1-200, after the first `offset`, 0-2^31-1. Raises InvalidValue."""

    limit: int = LIMIT_DEFAULT
    offset: int | None = None

    def __post_init__(self) -> None:
        if not 1 <= self.limit <= LIMIT_MAX:
            raise InvalidValue(f"must be 1 to {LIMIT_MAX}", "limit")
        if self.offset is not None and not 0 <= self.offset <= OFFSET_MAX:
            raise InvalidValue(f"must be 0 to {OFFSET_MAX}", "offset")

    @property
    def start(self) -> int:
        return self.offset or 0


@dataclass(frozen=True, slots=True, kw_only=True)
class SessionPageRequest(PageRequest):
    """A `cursor` in place of an offset, made for the same list. Raises InvalidValue."""

    sort_by: SessionSort = SessionSort.LAST_UPDATED
    sort_order: SortOrder = SortOrder.DESC
    filters: SessionFilter = ALL_SESSIONS
    cursor: Cursor | None = None

    def __post_init__(self) -> None:
        # A slotted dataclass is made anew, so super() would look for the class it replaces.
        PageRequest.__post_init__(self)
        if self.cursor is None:
            return
        if self.offset is not None:
            raise InvalidValue("does not go with cursor", "offset")
        if (self.cursor.sort_by, self.cursor.sort_order) != (self.sort_by, self.sort_order):
            raise InvalidValue("was made for another sort", "cursor")
        if self.cursor.selection != self.selection:
            raise InvalidValue("was made for another filter", "cursor")

    @property
    def selection(self) -> bytes:
        """Eight bytes that tell apart what is chosen by any field but the place's and the sort's.

        Empty where each of them is at its default, so that a cursor without them stays as it is.
        """
        chosen = {
            field.name: _plain(value)
            for field in fields(self)
            if field.name not in _PLACE_AND_SORT
            and (value := getattr(self, field.name)) != field.default
        }
        return sha256(json.dumps(chosen).encode()).digest()[:8] if chosen else b""

    def key(self, session: Session) -> Key:
        return getattr(session, self.sort_by), session.id

    def page_of(self, sessions: Iterable[Session]) -> Page[Session]:
        """The page, for a storage that has all of the owner's sessions at hand."""
        ordered = sorted(sessions, key=self.key, reverse=self.sort_order is SortOrder.DESC)
        total = len(ordered)
        if self.cursor is None:
            items = ordered[self.start : self.start + self.limit]
            return Page.from_offset(self.start, items, total, self.limit)
        place = self._place(self.cursor, ordered)
        before = self.cursor.side is Side.BEFORE
        start = max(place - self.limit, 0) if before else place
        stop = place if before else min(place + self.limit, total)
        return Page(ordered[start:stop], total, self.limit, None, stop < total, start > 0)

    def cursors(self, page: Page[Session]) -> tuple[Cursor | None, Cursor | None]:
        """What leads to the page before this one and to the page after it, where they are."""
        items, selection = page.items, self.selection
        return (
            self._beside(Side.BEFORE, items[:1], selection) if page.has_previous else None,
            self._beside(Side.AFTER, items[-1:], selection) if page.has_next else None,
        )

    def _place(self, cursor: Cursor, ordered: Sequence[Session]) -> int:
        edge, before = cursor.key, cursor.side is Side.BEFORE
        if edge is None:
            return len(ordered) if before else 0
        follows = lt if self.sort_order is SortOrder.DESC else gt
        if before:
            return sum(follows(edge, self.key(session)) for session in ordered)
        return sum(not follows(self.key(session), edge) for session in ordered)

    def _beside(self, side: Side, edge: Sequence[Session], selection: bytes) -> Cursor:
        return Cursor(
            sort_by=self.sort_by,
            sort_order=self.sort_order,
            side=side,
            key=self.key(edge[0]) if edge else None,
            selection=selection,
        )


@dataclass(frozen=True, slots=True, kw_only=True)
class MessagePageRequest(PageRequest):
    """`after` or `before` a message_order, in place of an offset: the messages with higher orders,
    or with lower ones, that are next to it, whichever way the page is sorted. Raises InvalidValue
    for two of the three."""

    sort_by: MessageSort = MessageSort.TIMESTAMP
    sort_order: SortOrder = SortOrder.ASC
    after: int | None = None
    before: int | None = None

    def __post_init__(self) -> None:
        PageRequest.__post_init__(self)
        for name, order in (("after", self.after), ("before", self.before)):
            if order is not None and not 0 <= order <= OFFSET_MAX:
                raise InvalidValue(f"must be 0 to {OFFSET_MAX}", name)
            if order is not None and self.offset is not None:
                raise InvalidValue(f"does not go with {name}", "offset")
        if self.after is not None and self.before is not None:
            raise InvalidValue("does not go with after", "before")

    def page(self, items: Sequence[Message], total: int) -> Page[Message]:
        """The page that `items`, the span's of a session of `total` messages, make."""
        start = self.span(total)[0]
        page = Page.from_offset(start, items, total, self.limit)
        if self.after is None and self.before is None:
            return page
        return Page(items, total, self.limit, None, page.has_next, page.has_previous)

    def page_of(self, messages: Sequence[Message]) -> Page[Message]:
        """The page, for a storage that has all of the session's messages at hand in order."""
        total = len(messages)
        start, stop = self.span(total)
        if self.sort_order is SortOrder.ASC:
            return self.page(messages[start:stop], total)
        return self.page(messages[max(0, total - stop) : max(0, total - start)][::-1], total)

    def span(self, total: int) -> tuple[int, int]:
        """Where the page begins and ends in a list of `total` messages in the asked direction."""
        if self.after is not None:
            first = min(self.after, total)
            last = min(first + self.limit, total)
        elif self.before is not None:
            last = min(max(self.before - 1, 0), total)
            first = max(last - self.limit, 0)
        else:
            return self.start, self.start + self.limit
        ascending = self.sort_order is SortOrder.ASC
        return (first, last) if ascending else (total - last, total - first)
