"""Sessions that hold no conversation, but a framework's records. They are archived, so that no
list of conversations shows them."""

from collections.abc import Awaitable, Callable
from contextlib import suppress
from hashlib import sha256
from typing import TypeVar
from urllib.parse import quote

from chat_sessions_client.async_client import AsyncClient
from chat_sessions_client.errors import ABSENT, SessionNotFound
from chat_sessions_client.operations import external
from chat_sessions_client.shapes import JsonObject, MessageCreate

T = TypeVar("T")

_ID_MAX = 255


class Records:
    """Bodies by their ids, in the session that has the external id `name`."""

    def __init__(self, client: AsyncClient, name: str, format_: str) -> None:
        self._client = client
        self._name = name
        self._session = external(name)
        self._format = format_

    async def save(self, id_: str, body: JsonObject) -> None:
        message = record(self._format, body)
        await self.write(lambda: self._client.put_message(self._session, external(id_), message))

    async def load(self, id_: str) -> JsonObject:
        """Raises SessionNotFound or MessageNotFound."""
        return (await self._client.message(self._session, external(id_)))["body"] or {}

    async def delete(self, id_: str) -> None:
        with suppress(*ABSENT):
            await self._client.delete_message(self._session, external(id_))

    async def write(self, write: Callable[[], Awaitable[T]]) -> T:
        """Write into the session, and begin it where there is none: as an import, which makes it
        archived in one act."""
        try:
            return await write()
        except SessionNotFound:
            metadata = {"holds": self._format}
            named = {"type": "session", "external_id": self._name}
            line = {**named, "metadata": metadata, "archived": True}
            async for _ in self._client.import_lines([line]):
                pass
            return await write()


def record(format_: str, body: JsonObject) -> MessageCreate:
    return {"role": "system", "content": "", "format": format_, "body": body}


def name_of(kind: str, *names: str) -> str:
    """An external id that no other names have."""
    name = f"{kind}:{'/'.join(quote(one, safe='') for one in names)}"
    return name if len(name) <= _ID_MAX else f"{kind}:{sha256(name.encode()).hexdigest()}"
