"""Histories in which each entry points at the one before it, some of which somebody removed."""

from collections.abc import Sequence
from collections.abc import Set as AbstractSet
from typing import Protocol, TypeVar


class Link(Protocol):
    @property
    def id(self) -> str: ...

    @property
    def parent_id(self) -> str | None: ...


L = TypeVar("L", bound=Link)


def remaining(
    entries: Sequence[L], ends: AbstractSet[str | None], end: str, limit: int | None
) -> list[L] | None:
    """What is left of the history up to `end`, or of that its newest `limit` entries.

    `entries` are those of all branches, in the order in which they were stored, and `ends` the last
    of each branch. What followed a removed entry follows the newest before it that nothing else
    follows. None if `end` is none of them.
    """
    places = {entry.id: place for place, entry in enumerate(entries)}
    if end not in ends and end not in places:
        return None
    followed = {*ends, *(entry.parent_id for entry in entries)}
    history: list[L] = []
    wanted: str | None = end
    before = len(entries)
    while wanted is not None and len(history) != limit:
        place = places.get(wanted, before)
        if place >= before:
            free = (at for at in reversed(range(before)) if entries[at].id not in followed)
            place = next(free, -1)
        if place < 0:
            break
        history.append(entries[place])
        before, wanted = place, entries[place].parent_id
    return history[::-1]
