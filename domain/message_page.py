from bisect import bisect_left
from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from datetime import datetime
from enum import StrEnum
from operator import attrgetter

from domain.errors import InvalidValue
from domain.message import Message
from domain.page import OFFSET_MAX, Page, PageRequest, SortOrder

PAGE_SIZE_MAX = 4 * 1024 * 1024
"""Bytes that the messages of a page take, where it has more than one."""


_stored_size: Callable[[Message], int] = attrgetter("size")


class MessageSort(StrEnum):
    """Two names of one order: timestamps strictly increase with message_order."""

    TIMESTAMP = "timestamp"
    MESSAGE_ORDER = "message_order"


class Walk(StrEnum):
    """The way through a span of messages: in order, against it, or from its middle."""

    UP = "up"
    DOWN = "down"
    OUTWARD = "outward"


@dataclass(frozen=True, slots=True, kw_only=True)
class MessagePageRequest(PageRequest):
    """`after`, `before` or `around` a message_order, in place of an offset: the messages with
    higher orders, or with lower ones, that are next to it, or as many on either side of it,
    whichever way the page is sorted. Raises InvalidValue for two of the four.

    Without bodies, each message has None for its body.
    """

    sort_by: MessageSort = MessageSort.TIMESTAMP
    sort_order: SortOrder = SortOrder.ASC
    after: int | None = None
    before: int | None = None
    around: int | None = None
    with_bodies: bool = True

    def __post_init__(self) -> None:
        PageRequest.__post_init__(self)
        places = {"after": self.after, "before": self.before, "around": self.around}
        asked = [name for name, order in places.items() if order is not None]
        for name in asked:
            if not 0 <= (places[name] or 0) <= OFFSET_MAX:
                raise InvalidValue(f"must be 0 to {OFFSET_MAX}", name)
            if self.offset is not None:
                raise InvalidValue(f"does not go with {name}", "offset")
            if name != asked[0]:
                raise InvalidValue(f"does not go with {asked[0]}", name)

    @property
    def is_by_order(self) -> bool:
        """Whether the page is found by a message_order."""
        return any(order is not None for order in (self.after, self.before, self.around))

    @property
    def below(self) -> int:
        """How many lower orders `around` has on its page where there are enough on both sides:
        the order itself may be there or not."""
        return self.limit // 2

    @property
    def walk(self) -> Walk:
        """Which of the messages in the page's span come first where not all of them fit."""
        if self.around is not None:
            return Walk.OUTWARD
        if self.is_by_order:
            return Walk.UP if self.before is None else Walk.DOWN
        return Walk.UP if self.sort_order is SortOrder.ASC else Walk.DOWN

    def span(self, total: int, lower: int) -> tuple[int, int]:
        """Where the page begins and ends among `total` messages in order, of which `lower` have
        orders that are lower than the one asked for, or as high as `after`."""
        if self.around is not None:
            first = max(min(lower - self.below, total - self.limit), 0)
        elif self.after is not None:
            first = lower
        elif self.before is not None:
            return max(lower - self.limit, 0), lower
        elif self.sort_order is SortOrder.ASC:
            first = min(self.start, total)
        else:
            last = max(total - self.start, 0)
            return max(last - self.limit, 0), last
        return first, min(first + self.limit, total)

    def page(
        self, items: Sequence[Message], total: int, lower: int, as_of: datetime
    ) -> Page[Message]:
        """The page that `items`, in order, make of a session's `total` messages, `lower` of which
        come before them, when it was last changed at `as_of`."""
        if self.sort_order is SortOrder.ASC:
            before, ordered = lower, items
        else:
            before, ordered = total - lower - len(items), items[::-1]
        if not self.is_by_order:
            return Page.from_offset(self.start, ordered, total, self.limit, as_of)
        has_next = before + len(items) < total
        return Page(ordered, total, self.limit, None, has_next, before > 0, as_of)

    def page_of(self, messages: Sequence[Message], as_of: datetime) -> Page[Message]:
        """The page, for a storage that has all of the session's messages at hand in order."""
        total = len(messages)
        lower = bisect_left(messages, self._edge, key=lambda message: message.message_order)
        first, last = self.span(total, lower)
        items = messages[first:last]
        if not self.with_bodies:
            items = [message._replace(body=None) for message in items]
        kept = self.fitting(items)
        return self.page(items[kept], total, first + kept.start, as_of)

    def shortened(self, page: Page[Message], size_of: Callable[[Message], int]) -> Page[Message]:
        """The same page with no more of its messages than it may hold where each takes as many
        bytes as `size_of` says."""
        is_ascending = self.sort_order is SortOrder.ASC
        ascending = page.items if is_ascending else page.items[::-1]
        kept = self.fitting(ascending, size_of)
        items = ascending[kept]
        cut = (kept.start > 0, kept.stop < len(ascending))
        cut_before, cut_after = cut if is_ascending else cut[::-1]
        return replace(
            page,
            items=items if is_ascending else items[::-1],
            has_next=page.has_next or cut_after,
            has_previous=page.has_previous or cut_before,
        )

    @property
    def _edge(self) -> int:
        """The lowest order that does not count as lower."""
        if self.after is not None:
            return self.after + 1
        return self.before or self.around or 0

    def fitting(
        self, items: Sequence[Message], size_of: Callable[[Message], int] = _stored_size
    ) -> slice:
        """Those of a span's messages, in order, that one page may hold by their size: from where
        the walk begins, one at least."""
        first, last = self._beginning(items)
        size = 0
        while (place := self._next(items, first, last)) is not None:
            size += size_of(items[place])
            if size > PAGE_SIZE_MAX and first < last:
                break
            first, last = min(first, place), max(last, place + 1)
        return slice(first, last)

    def _beginning(self, items: Sequence[Message]) -> tuple[int, int]:
        if self.walk is Walk.UP:
            return 0, 0
        if self.walk is Walk.DOWN:
            return len(items), len(items)
        place = bisect_left(items, self.around, key=lambda message: message.message_order)
        return place, place

    def _next(self, items: Sequence[Message], first: int, last: int) -> int | None:
        """The place of the message that the walk comes to after those from `first` to `last`."""
        down = first - 1 if first > 0 and self.walk is not Walk.UP else None
        up = last if last < len(items) and self.walk is not Walk.DOWN else None
        if down is None or up is None:
            return up if down is None else down
        around = self.around or 0
        far_down = around - items[down].message_order
        return down if far_down <= items[up].message_order - around else up
