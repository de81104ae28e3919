"""State, some of which is other sessions' too, out of the changes that messages tell of."""

from collections.abc import Iterable, Mapping, Sequence
from contextlib import suppress
from copy import deepcopy

from chat_sessions_client.async_client import AsyncClient
from chat_sessions_client.errors import ChatSessionsError
from chat_sessions_client.shapes import JsonObject, MessageResponse
from chat_sessions_client.shared_state import Change, Known, SharedState


class PrefixedState:
    """What the changes in a session's messages have made: in bodies of these formats the objects at
    this path.

    Changes to members with a prefix of `shared` are also records, in the session with the external
    id that it has for the prefix. Among them the one whose message was stored last holds, however
    late it becomes a record. What is shared is read once, into `known`, by these ids.
    """

    def __init__(
        self,
        client: AsyncClient,
        formats: Sequence[str],
        path: Sequence[str],
        shared: Mapping[str, str],
        known: dict[str, Known],
    ) -> None:
        """The records have the first of the formats."""
        self._formats = formats
        self._path = path
        self._names = shared
        self._known = known
        self._shared = {
            prefix: SharedState(client, name, formats[0]) for prefix, name in shared.items()
        }

    async def share(self, message: MessageResponse) -> None:
        """Do so after the message is stored: it may be refused."""
        for prefix, shared in self._shared.items():
            if changes := _with_prefix(self._changes(message), prefix):
                await shared.add([Change(message["id"], _at(message), changes)])

    async def read(self, messages: Sequence[MessageResponse]) -> JsonObject:
        """Share what was to be shared, too: whoever stored its message may have been interrupted.

        Where that is refused, the next one who reads it tries again.
        """
        state: JsonObject = {}
        for message in messages:
            state |= _without_prefix(self._changes(message), *self._shared)
        for prefix, shared in self._shared.items():
            known = await self._read(prefix)
            if missing := [*self._missing(prefix, known, messages)]:
                with suppress(ChatSessionsError):
                    await shared.add(missing)
            state |= deepcopy(known.members)
        return state

    def _missing(
        self, prefix: str, known: Known, messages: Iterable[MessageResponse]
    ) -> Iterable[Change]:
        """The changes that are newer than what is known, which is then known."""
        for message in reversed([*messages]):
            changes = _with_prefix(self._changes(message), prefix)
            if newer := known.learn(changes, _at(message)):
                yield Change(message["id"], _at(message), newer)

    async def of_prefix(self, prefix: str) -> JsonObject:
        """What is shared under a prefix, without it."""
        state = (await self._read(prefix)).members
        return {key.removeprefix(prefix): value for key, value in state.items()}

    async def _read(self, prefix: str) -> Known:
        name = self._names[prefix]
        if name not in self._known:
            self._known[name] = await self._shared[prefix].read()
        return self._known[name]

    def _changes(self, message: MessageResponse) -> JsonObject:
        changes: object = message["body"] if message["format"] in self._formats else None
        for name in self._path:
            changes = changes.get(name) if isinstance(changes, dict) else None
        return changes if isinstance(changes, dict) else {}


def _at(message: MessageResponse) -> str:
    """When it was stored, by the service's clock, and by its id where that is the same."""
    return f"{message['timestamp']} {message['id']}"


def _with_prefix(changes: JsonObject, *prefixes: str) -> JsonObject:
    return {key: value for key, value in changes.items() if key.startswith(prefixes)}


def _without_prefix(changes: JsonObject, *prefixes: str) -> JsonObject:
    return {key: value for key, value in changes.items() if not key.startswith(prefixes)}
