"""State that several sessions share, as changes to its members in a session of records."""

import json
from collections.abc import Iterable, Sequence
from contextlib import suppress
from dataclasses import dataclass, field
from functools import partial
from typing import NamedTuple

from chat_sessions_client.async_client import AsyncClient
from chat_sessions_client.batches import batches
from chat_sessions_client.errors import ChatSessionsError, SessionNotFound
from chat_sessions_client.exchange import Retries
from chat_sessions_client.operations import external
from chat_sessions_client.records import Records, record
from chat_sessions_client.shapes import JsonObject, MessageCreate, MessageResponse

_RECORD_WEIGHT = 2_000
_OLD_MAX = 2**18


class Change(NamedTuple):
    """What became of members at a time, which is text that can be compared."""

    id: str
    at: str
    members: JsonObject


@dataclass(slots=True)
class Known:
    """The newest change of each member, whatever the order in which they were stored."""

    newest: dict[str, tuple[str, int]] = field(default_factory=dict)
    members: JsonObject = field(default_factory=dict)

    def learn(self, members: JsonObject, at: str, order: int = 0) -> JsonObject:
        """Those that are newer than what is known."""
        newer = {key: one for key, one in members.items() if self._is_newer(key, at, order)}
        self.newest |= dict.fromkeys(newer, (at, order))
        self.members |= newer
        return newer

    def _is_newer(self, key: str, at: str, order: int) -> bool:
        return key not in self.newest or self.newest[key] < (at, order)


class SharedState:
    """What the changes in the session with the external id `name` amount to.

    Each change has its own time, so that one that comes late takes back nothing that is newer.
    """

    def __init__(self, client: AsyncClient, name: str, format_: str) -> None:
        self._client = client
        self._session = external(name)
        self._format = format_
        self._records = Records(client, name, format_)

    async def add(self, changes: Iterable[Change]) -> None:
        """Each once, however often it is added."""
        for batch in batches(self._message(*change) for change in changes):
            append = partial(self._client.append, self._session, batch, existing="keep")
            await self._records.write(append)

    async def read(self) -> Known:
        """All of it, from the oldest change on, so that whoever clears up meanwhile hides none."""
        known, found = Known(), list[MessageResponse]()
        with suppress(SessionNotFound):
            async for message in self._client.messages(self._session, limit=200):
                found.append(message)
                known.learn(self._members(message), _at(message), message["message_order"])
        await self._clear_up(known, found)
        return known

    async def _clear_up(self, known: Known, found: Sequence[MessageResponse]) -> None:
        """Once what is old outweighs what holds, store that anew and remove all before it.

        Whoever does it at the same time stores the same, and one who cannot leaves it to the next.
        """
        holding: dict[int, JsonObject] = {}
        for key, (_, order) in known.newest.items():
            holding.setdefault(order, {})[key] = known.members[key]
        weight = sum(map(_weight, holding.values()))
        if sum(_weight(self._members(one)) for one in found) - weight <= max(weight, _OLD_MAX):
            return
        session, last = found[-1]["session_id"], found[-1]["message_order"]
        anew = (
            self._message(f"{last}/{one['message_order']}", _at(one), members)
            for one in found
            if (members := holding.get(one["message_order"]))
        )
        once = self._client.with_options(retries=Retries(attempts=1))
        with suppress(ChatSessionsError):
            for batch in batches(anew):
                await once.append(session, batch, existing="keep")
            await once.clear_messages(session, before=last + 1)

    def _members(self, message: MessageResponse) -> JsonObject:
        """None where it is another program's."""
        return (message["body"] if message["format"] == self._format else None) or {}

    def _message(self, id_: str, at: str, members: JsonObject) -> MessageCreate:
        own = record(self._format, members)
        return {**own, "external_id": id_, "metadata": {"at": at}}


def _at(message: MessageResponse) -> str:
    return str(message["metadata"].get("at", ""))


def _weight(members: JsonObject) -> int:
    return _RECORD_WEIGHT + len(json.dumps(members))
