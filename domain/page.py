from collections.abc import Sequence
from dataclasses import dataclass
from enum import StrEnum
from typing import Generic, TypeVar

from domain.errors import InvalidValue

LIMIT_MAX = 200
LIMIT_DEFAULT = 50
OFFSET_MAX = 2**31 - 1

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


@dataclass(frozen=True, slots=True, kw_only=True)
class PageRequest:
    """`limit` items after the first `offset`. Raises InvalidValue outside 1-200 and 0-2^31-1."""

    limit: int = LIMIT_DEFAULT
    offset: int = 0

    def __post_init__(self) -> None:
        if not 1 <= self.limit <= LIMIT_MAX:
            raise InvalidValue(f"must be 1 to {LIMIT_MAX}", "limit")
        if not 0 <= self.offset <= OFFSET_MAX:
            raise InvalidValue(f"must be 0 to {OFFSET_MAX}", "offset")


@dataclass(frozen=True, slots=True, kw_only=True)
class SessionPageRequest(PageRequest):
    sort_by: SessionSort = SessionSort.LAST_UPDATED
    sort_order: SortOrder = SortOrder.DESC


@dataclass(frozen=True, slots=True, kw_only=True)
class MessagePageRequest(PageRequest):
    """`after` or `before` a message_order, in place of an offset: what follows it, or what comes
    right before it, in the asked direction. Both at once, or with an offset, are refused."""

    sort_by: MessageSort = MessageSort.TIMESTAMP
    sort_order: SortOrder = SortOrder.ASC
    after: int | None = None
    before: int | None = None

    def __post_init__(self) -> None:
        # A slotted dataclass is made anew, so super() would look for the class it replaces.
        PageRequest.__post_init__(self)
        for name, order in (("after", self.after), ("before", self.before)):
            if order is not None and not 0 <= order <= OFFSET_MAX:
                raise InvalidValue(f"must be 0 to {OFFSET_MAX}", name)
            if order is not None and self.offset:
                raise InvalidValue("does not go with offset", name)
        if self.after is not None and self.before is not None:
            raise InvalidValue("does not go with after", "before")

    def span(self, total: int) -> tuple[int, int]:
        """Where the page begins and ends in a list of `total` messages in the asked direction."""
        if self.after is not None:
            start = min(max(self._place(self.after, total) + 1, 0), total)
            return start, start + self.limit
        if self.before is not None:
            stop = min(max(self._place(self.before, total), 0), total)
            return max(stop - self.limit, 0), stop
        return self.offset, self.offset + self.limit

    def _place(self, message_order: int, total: int) -> int:
        ascending = self.sort_order is SortOrder.ASC
        return message_order - 1 if ascending else total - message_order


@dataclass(frozen=True, slots=True)
class Page(Generic[T]):
    """Some of `total` items, from the one at `offset` on; the total was exact when they were
    read."""

    items: Sequence[T]
    total: int
    limit: int
    offset: int

    @property
    def has_next(self) -> bool:
        return self.offset + len(self.items) < self.total

    @property
    def has_previous(self) -> bool:
        return self.offset > 0 and self.total > 0

    @property
    def next_offset(self) -> int | None:
        return self.offset + self.limit if self.has_next else None

    @property
    def previous_offset(self) -> int | None:
        if not self.has_previous:
            return None
        return max(0, min(self.offset, self.total) - self.limit)

    @property
    def last_offset(self) -> int | None:
        """Where the last page of this size begins."""
        return (self.total - 1) // self.limit * self.limit if self.total else None
