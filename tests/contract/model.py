"""The service as plain lists: what every history of requests is held against."""

from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import NamedTuple
from uuid import UUID

from domain.errors import (
    ExternalIdTaken,
    MessageNotFound,
    SessionForbidden,
    SessionNotFound,
    VersionMismatch,
)
from domain.external_id import ExternalId
from domain.message import MessageRef
from domain.message_page import MessagePageRequest
from domain.page import SortOrder
from tests.domain.spans import beside, span_of


class Line(NamedTuple):
    """A message that is not said yet: its text, and its external id if it has one."""

    content: str
    external_id: str | None = None


class Said(NamedTuple):
    order: int
    content: str
    external_id: str | None = None


class MessagePage(NamedTuple):
    items: Sequence[Said]
    total: int
    has_next: bool
    has_previous: bool


@dataclass(eq=False)
class Talk:
    """One session."""

    owner: str
    title: str
    external_id: str | None = None
    id: UUID | None = None
    archived: bool = False
    last_order: int = 0
    said: list[Said] = field(default_factory=list)

    def say(self, lines: Sequence[Line]) -> list[Said]:
        first = self.last_order + 1
        placed = [Said(order, *line) for order, line in enumerate(lines, first)]
        self.said += placed
        self.last_order += len(placed)
        return placed

    def place(self, message: MessageRef) -> int:
        match message:
            case int():
                found = [n for n, said in enumerate(self.said) if said.order == message]
            case ExternalId(value):
                found = [n for n, said in enumerate(self.said) if said.external_id == value]
            case _:
                found = [len(self.said) - 1] if self.said else []
        if not found:
            raise MessageNotFound
        return found[0]


TalkRef = Talk | ExternalId


@dataclass
class Model:
    talks: list[Talk] = field(default_factory=list)
    stored: dict[tuple[str, str], tuple[Talk, list[int]]] = field(default_factory=dict)
    """Under a person's key: where an append went."""

    def find(self, who: str, talk: TalkRef) -> Talk:
        if isinstance(talk, ExternalId):
            for one in self.talks:
                if (one.owner, one.external_id) == (who, talk.value):
                    return one
            raise SessionNotFound
        if talk not in self.talks:
            raise SessionNotFound
        if talk.owner != who:
            raise SessionForbidden
        return talk

    def create(
        self, who: str, title: str, lines: Sequence[Line], external_id: str | None = None
    ) -> Talk:
        if external_id is not None and self._has(who, external_id):
            raise ExternalIdTaken
        talk = Talk(who, title, external_id)
        talk.say(lines)
        self.talks.append(talk)
        return talk

    def _has(self, who: str, external_id: str) -> bool:
        return any((one.owner, one.external_id) == (who, external_id) for one in self.talks)

    def append(
        self,
        who: str,
        talk: TalkRef,
        lines: Sequence[Line],
        key: str | None = None,
        *,
        keep: bool = False,
        create: bool = False,
    ) -> list[Said]:
        if create and isinstance(talk, ExternalId) and not self._has(who, talk.value):
            self.create(who, "", [], talk.value)
        found = self.find(who, talk)
        if key is not None and (who, key) in self.stored:
            talk, orders = self.stored[who, key]
            return [said for said in self.find(who, talk).said if said.order in orders]
        there = {said.external_id: said for said in found.said if said.external_id is not None}
        new = [line for line in lines if line.external_id not in there]
        if len(new) < len(lines) and not keep:
            raise ExternalIdTaken
        placed = iter(found.say(new))
        if key is not None:
            orders = list(range(found.last_order - len(new) + 1, found.last_order + 1))
            self.stored[who, key] = found, orders
        return [
            there[line.external_id] if line.external_id in there else next(placed) for line in lines
        ]

    def get(self, who: str, talk: TalkRef, message: MessageRef) -> Said:
        found = self.find(who, talk)
        return found.said[found.place(message)]

    def put(
        self,
        who: str,
        talk: TalkRef,
        message: MessageRef,
        content: str,
        *,
        append_only: bool = False,
    ) -> Said:
        found = self.find(who, talk)
        try:
            place = found.place(message)
        except MessageNotFound:
            if not isinstance(message, ExternalId):
                raise
            return found.say([Line(content, message.value)])[0]
        if append_only:
            raise VersionMismatch
        found.said[place] = found.said[place]._replace(content=content)
        return found.said[place]

    def put_twice(self, who: str, talk: TalkRef, message: MessageRef, content: str) -> Said:
        self.get(who, talk, message)
        self.put(who, talk, message, content)
        raise VersionMismatch

    def remove(self, who: str, talk: TalkRef, message: MessageRef) -> Said:
        found = self.find(who, talk)
        return found.said.pop(found.place(message))

    def clear(self, who: str, talk: TalkRef, before: int | None) -> None:
        found = self.find(who, talk)
        found.said = [said for said in found.said if before is not None and said.order >= before]

    def update(
        self, who: str, talk: TalkRef, *, title: str | None = None, archived: bool | None = None
    ) -> None:
        found = self.find(who, talk)
        found.title = found.title if title is None else title
        found.archived = found.archived if archived is None else archived

    def delete(self, who: str, talk: TalkRef) -> None:
        self.talks.remove(self.find(who, talk))

    def titles(self, who: str, *, archived: bool | None) -> list[str]:
        return sorted(
            one.title for one in self.talks if one.owner == who and archived in {None, one.archived}
        )

    def messages(self, who: str, talk: TalkRef, asked: MessagePageRequest) -> MessagePage:
        said = {one.order: one for one in self.find(who, talk).said}
        orders = list(said)
        found = span_of(orders, asked)
        lower, higher = beside(orders, found, asked)
        ascending = asked.sort_order is SortOrder.ASC
        items = [said[order] for order in found]
        if asked.is_by_order:
            sides = (bool(higher), bool(lower))
            has_next, has_previous = sides if ascending else sides[::-1]
        else:
            has_next = asked.start + len(items) < len(said)
            has_previous = asked.start > 0 and bool(said)
        return MessagePage(items if ascending else items[::-1], len(said), has_next, has_previous)
