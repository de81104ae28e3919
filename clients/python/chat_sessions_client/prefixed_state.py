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
        """Share the last change that is to be shared, too: whoever stored its message may have been
        interrupted."""
        state: JsonObject = {}
        last = None
        for message in messages:
            changes = self._changes(message)
            state |= changes
            last = message if _with_prefix(changes, *self._shared) else last
        if last:
            await self.share(last)
        state = {key: value for key, value in state.items() if not key.startswith(self._prefixes)}
        for records in self._shared.values():
            state |= await records.merged()
        return state

    async def of_prefix(self, prefix: str) -> JsonObject:
        """What is shared under a prefix, without it."""
        state = await self._shared[prefix].merged()
        return {key.removeprefix(prefix): value for key, value in state.items()}

    def _changes(self, message: MessageResponse) -> JsonObject:
        changes = message["body"] if message["format"] in self._formats else None
        for name in self._path:
            changes = (changes or {}).get(name)
        return changes or {}

    @property
    def _prefixes(self) -> tuple[str, ...]:
        return tuple(self._shared)


def _with_prefix(changes: JsonObject, *prefixes: str) -> JsonObject:
    return {key: value for key, value in changes.items() if key.startswith(prefixes)}
