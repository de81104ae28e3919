"""Sessions that hold no conversation, but a framework's records. They are archived, so that no
list of conversations shows them."""

from collections.abc import Awaitable, Callable
from collections.abc import Set as AbstractSet
from contextlib import suppress
from hashlib import sha256
from typing import NamedTuple, TypeVar
from urllib.parse import quote

from chat_sessions_client.async_client import AsyncClient
from chat_sessions_client.errors import InvalidInput, MessageNotFound, SessionNotFound
from chat_sessions_client.operations import external
from chat_sessions_client.shapes import JsonObject, MessageCreate, MessageResponse

T = TypeVar("T")

_ID_MAX = 255
_SUM_AFTER = 100
_SUM = {"is": "sum"}


class Merged(NamedTuple):
    """All bodies as one, and the ids of the newest of them."""

    whole: JsonObject
    ids: AbstractSet[str | None]


class Records:
    """Bodies by their ids, in the session that has the external id `name`."""

    def __init__(self, client: AsyncClient, name: str, format_: str) -> None:
        self._client = client
        self._name = name
        self._session = external(name)
        self._format = format_

    async def save(self, id_: str, body: JsonObject) -> None:
        message = record(self._format, body)
        await self._write(lambda: self._client.put_message(self._session, external(id_), message))

    async def load(self, id_: str) -> JsonObject:
        """Raises SessionNotFound or MessageNotFound."""
        return (await self._client.message(self._session, external(id_)))["body"] or {}

    async def delete(self, id_: str) -> None:
        with suppress(SessionNotFound, MessageNotFound):
            await self._client.delete_message(self._session, external(id_))

    async def add(self, id_: str, body: JsonObject) -> None:
        """Once, however often it is added."""
        message = record(self._format, body)
        message["external_id"] = id_
        await self._write(lambda: self._client.append(self._session, [message], existing="keep"))

    async def merged(self) -> "Merged":
        """All bodies as one, in their order: a later member replaces an earlier one.

        After each hundred the newest is replaced by what they amount to up to there, and a read
        ends at that. Whoever does it writes the same, so that nobody is in another's way.
        """
        found: list[MessageResponse] = []
        with suppress(SessionNotFound):
            async for message in self._client.messages(self._session, sort_order="desc", limit=200):
                found.append(message)
                if message["metadata"] == _SUM:
                    break
        whole = {
            key: value
            for message in reversed(found)
            for key, value in (message["body"] or {}).items()
        }
        if len(found) > _SUM_AFTER:
            summed = record(self._format, whole)
            summed["metadata"] = _SUM
            with suppress(InvalidInput, MessageNotFound):  # too large for a body, or removed
                await self._client.put_message(self._session, found[0]["message_order"], summed)
        return Merged(whole, {message["external_id"] for message in found})

    async def _write(self, write: Callable[[], Awaitable[T]]) -> T:
        try:
            return await write()
        except SessionNotFound:
            kind = {"holds": self._format}
            await self._client.create_session(
                external_id=self._name, metadata=kind, existing="keep"
            )
            await self._client.change_session(self._session, {"archived": True})
            return await write()


def record(format_: str, body: JsonObject) -> MessageCreate:
    return {"role": "system", "content": "", "format": format_, "body": body}


def name_of(kind: str, *names: str) -> str:
    """An external id that no other names have."""
    name = f"{kind}:{'/'.join(quote(one, safe='') for one in names)}"
    return name if len(name) <= _ID_MAX else f"{kind}:{sha256(name.encode()).hexdigest()}"
