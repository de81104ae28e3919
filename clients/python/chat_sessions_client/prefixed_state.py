"""State, some of which is other sessions' too, out of the changes that messages tell of."""

from collections.abc import Iterable, Mapping, Sequence

from chat_sessions_client.async_client import AsyncClient
from chat_sessions_client.records import Records, name_of
from chat_sessions_client.shapes import JsonObject, MessageResponse


class PrefixedState:
    """What the changes in a session's messages have made: in bodies of these formats the objects at
    this path.

    Changes to members with a prefix of `shared` are also records, in the session that has this kind
    and the prefix's names. Each becomes one once, however often it is tried.
    """

    def __init__(
        self,
        client: AsyncClient,
        kind: str,
        formats: Sequence[str],
        path: Sequence[str],
        shared: Mapping[str, Sequence[str]],
    ) -> None:
        """The records have the first of the formats."""
        self._formats = formats
        self._path = path
        self._shared = {
            prefix: Records(client, name_of(kind, *names), formats[0])
            for prefix, names in shared.items()
        }

    async def share(self, message: MessageResponse) -> None:
        """Do so after the message is stored: it may be refused."""
        for prefix, records in self._shared.items():
            if changes := _with_prefix(self._changes(message), prefix):
                await records.add(message["id"], changes)

    async def read(self, messages: Iterable[MessageResponse]) -> JsonObject:
        """Share what was to be shared last, too: whoever stored its message may have been
        interrupted."""
        state: JsonObject = {}
        last: dict[str, MessageResponse] = {}
        for message in messages:
            changes = self._changes(message)
            state |= _without_prefix(changes, *self._shared)
            last |= {one: message for one in self._shared if _with_prefix(changes, one)}
        for prefix, records in self._shared.items():
            known = await records.merged()
            if prefix in last and last[prefix]["id"] not in known.ids:
                await self.share(last[prefix])
                known = await records.merged()
            state |= known.whole
        return state

    async def of_prefix(self, prefix: str) -> JsonObject:
        """What is shared under a prefix, without it."""
        state = (await self._shared[prefix].merged()).whole
        return {key.removeprefix(prefix): value for key, value in state.items()}

    def _changes(self, message: MessageResponse) -> JsonObject:
        changes = message["body"] if message["format"] in self._formats else None
        for name in self._path:
            changes = (changes or {}).get(name)
        return changes or {}


def _with_prefix(changes: JsonObject, *prefixes: str) -> JsonObject:
    return {key: value for key, value in changes.items() if key.startswith(prefixes)}


def _without_prefix(changes: JsonObject, *prefixes: str) -> JsonObject:
    return {key: value for key, value in changes.items() if not key.startswith(prefixes)}
