"""Which orders a page of messages has, taken from a plain list of them."""

from collections.abc import Sequence

from domain.message_page import MessagePageRequest
from domain.page import SortOrder


def span_of(orders: Sequence[int], request: MessagePageRequest) -> list[int]:
    """The orders on a page that any number of bytes fits on."""
    limit = request.limit
    if request.after is not None:
        return [order for order in orders if order > request.after][:limit]
    if request.before is not None:
        return [order for order in orders if order < request.before][-limit:]
    if request.around is not None:
        return middle_of(orders, request.around, limit)
    sorted_ = orders if request.sort_order is SortOrder.ASC else orders[::-1]
    return sorted(sorted_[request.start : request.start + limit])


def middle_of(orders: Sequence[int], middle: int, limit: int) -> list[int]:
    """Taken one by one from both sides in turn, for as long as there are any, the lower first,
    beside the middle or what follows it."""
    lower = [order for order in orders if order < middle]
    higher = [order for order in orders if order >= middle]
    taken, higher = higher[:1], higher[1:]
    while len(taken) < limit and (lower or higher):
        if lower:
            taken.append(lower.pop())
        if higher and len(taken) < limit:
            taken.append(higher.pop(0))
    return sorted(taken)


def beside(
    orders: Sequence[int], found: list[int], request: MessagePageRequest
) -> tuple[list[int], list[int]]:
    """The orders on either side of a page, or of the place where it is empty."""
    if found:
        lowest, highest = found[0], found[-1]
    elif request.after is not None:
        lowest, highest = request.after + 1, request.after
    else:
        lowest, highest = request.before or 0, (request.before or 0) - 1
    return [o for o in orders if o < lowest], [o for o in orders if o > highest]
