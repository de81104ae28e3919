import json
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, fields
from datetime import datetime
from enum import StrEnum
from hashlib import sha256
from operator import gt, lt
from uuid import UUID

from domain.errors import InvalidValue, in_field
from domain.external_id import check_external_id
from domain.instant import in_utc
from domain.json_object import canonical_text
from domain.metadata import check_json
from domain.page import Page, PageRequest, SortOrder
from domain.plain import PlainForm
from domain.session import Session
from domain.strict_json import parse_document, parse_stored
from domain.text import storable

_PLACE_AND_SORT = frozenset({"limit", "offset", "cursor", "sort_by", "sort_order"})

MEMBERS_MAX = 10
"""Members of metadata that one filter may name."""

_plain = PlainForm({})


class SessionSort(StrEnum):
    CREATED_AT = "created_at"
    LAST_UPDATED = "last_updated"


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
    """Which of an owner's sessions a list has: by default those that are not archived.

    None leaves none out. `metadata` has members that must be there, each by its name and its value
    as JSON text, however that is spelt. Raises InvalidValue.
    """

    archived: bool | None = False
    pinned: bool | None = None
    external_id: str | None = None
    updated_after: datetime | None = None
    updated_before: datetime | None = None
    metadata: tuple[tuple[str, str], ...] = ()

    def __post_init__(self) -> None:
        check_external_id(self.external_id)
        for name in ("updated_after", "updated_before"):
            if (instant := getattr(self, name)) is not None:
                with in_field(name):
                    object.__setattr__(self, name, in_utc(instant))
        if not self.metadata:
            return
        if len(self.metadata) > MEMBERS_MAX:
            raise InvalidValue(f"must name at most {MEMBERS_MAX} members", "metadata")
        with in_field("metadata"):
            members = tuple((storable(name), _canonical(value)) for name, value in self.metadata)
        object.__setattr__(self, "metadata", members)

    def matches(self, session: Session) -> bool:
        updated = session.last_updated
        return (
            self.archived in {None, session.archived}
            and self.pinned in {None, session.pinned}
            and self.external_id in {None, session.external_id}
            and (self.updated_after is None or updated > self.updated_after)
            and (self.updated_before is None or updated < self.updated_before)
            and has_members(session.metadata.json, self.metadata)
        )


def _canonical(text: str) -> str:
    try:
        value = parse_document(text.encode())
    except ValueError:
        raise InvalidValue("must have JSON values") from None
    check_json(value)
    return canonical_text(value)


NOT_ARCHIVED = SessionFilter()


def has_members(metadata: str, wanted: Sequence[tuple[str, str]]) -> bool:
    """Whether metadata as JSON text has all members, each of them by its name and the canonical
    text of its value."""
    if not wanted:
        return True
    held = parse_stored(metadata)
    return all(name in held and canonical_text(held[name]) == value for name, value in wanted)


@dataclass(frozen=True, slots=True, kw_only=True)
class SessionPageRequest(PageRequest):
    """A `cursor` in place of an offset, made for the same list. Raises InvalidValue."""

    sort_by: SessionSort = SessionSort.LAST_UPDATED
    sort_order: SortOrder = SortOrder.DESC
    filters: SessionFilter = NOT_ARCHIVED
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
        chosen = filter(self.filters.matches, sessions)
        ordered = sorted(chosen, key=self.key, reverse=self.sort_order is SortOrder.DESC)
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
