"""The places of items at which pages ended, so that a walk goes on from one that is removed."""

from collections import OrderedDict
from uuid import UUID

from domain.message import Message
from entrypoints.http.openai_dialect.conversation_ids import is_known_by_place

REMEMBERED_MAX = 10_000


class PageEdges:
    """The orders of the items that this process has shown last on a page, where their own ids do
    not tell them."""

    def __init__(self) -> None:
        self._orders: OrderedDict[tuple[UUID, str | None], int] = OrderedDict()

    def note(self, last: Message) -> None:
        if is_known_by_place(last):
            return
        key = (last.session_id, last.external_id)
        self._orders[key] = last.message_order
        self._orders.move_to_end(key)
        if len(self._orders) > REMEMBERED_MAX:
            self._orders.popitem(last=False)

    def order_of(self, session_id: UUID, item: str) -> int | None:
        return self._orders.get((session_id, item))
