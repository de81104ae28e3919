from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
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


@dataclass(frozen=True, slots=True)
class Page(Generic[T]):
    """Some of `total` items; the total was exact when they were read.

    `offset` counts the items before the page, where it was found by that. `as_of` is the last
    change of the session that the items are in.
    """

    items: Sequence[T]
    total: int
    limit: int
    offset: int | None
    has_next: bool
    has_previous: bool
    as_of: datetime | None = None

    @classmethod
    def from_offset(
        cls,
        offset: int,
        items: Sequence[T],
        total: int,
        limit: int,
        as_of: datetime | None = None,
    ) -> "Page[T]":
        return cls(
            items,
            total,
            limit,
            offset,
            has_next=offset + len(items) < total,
            has_previous=offset > 0 and total > 0,
            as_of=as_of,
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
