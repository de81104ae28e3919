"""A pytest plugin with which the Agents SDK's own tests build sessions that the service keeps.

It runs in the folder of their source, whose `tests` are theirs: nothing of this project's tests can
be imported here.
"""

import os
from importlib import import_module
from typing import Any
from uuid import uuid4

import agents
import agents.memory.sqlite_session
from chat_sessions_client import AsyncClient, Client, external
from chat_sessions_client.errors import NotFound
from chat_sessions_client.openai_agents import FORMAT, ChatSession

_WHERE = os.environ["SERVICE_URL"], os.environ["SERVICE_TOKEN"]
_PLAIN = Client(*_WHERE)
_ASYNCHRONOUS = AsyncClient(*_WHERE)


class _Kept(ChatSession):
    """A session of an external id of its own, whatever it is called."""

    _name = ""

    @property
    def _session(self) -> str:
        return external(self._name)


class InPlaceOfFile(_Kept):
    def __init__(
        self,
        session_id: str,
        db_path: object = ":memory:",
        sessions_table: str = "agent_sessions",
        messages_table: str = "agent_messages",
        session_settings: Any = None,
    ) -> None:
        super().__init__(session_id, _ASYNCHRONOUS, session_settings=session_settings)
        file = uuid4() if str(db_path) == ":memory:" else db_path
        self._name = f"{file} {sessions_table} {messages_table} {session_id}"

    def close(self) -> None:
        """There is no file to close."""


def _init(self: Any, session_id: str = "test", history: Any = None) -> None:
    self.session_id = session_id
    self._ignore_ids_for_matching = False
    self.kept = InPlaceOfFile(session_id)
    for item in history or ():
        message: Any = {"role": item.get("role", "assistant"), "format": FORMAT, "body": item}
        _PLAIN.append(self.kept._session, [message], create=True)


def _stored(self: Any) -> list[Any]:
    """Their list can be looked into, so what is stored is read for that."""
    try:
        return [*_PLAIN.messages(self.kept._session, view="body")]
    except NotFound:
        return []


IN_PLACE_OF_LIST = {
    "__init__": _init,
    "_items": property(_stored),
    "saved_items": property(_stored),
    "get_items": lambda self, limit=None: self.kept.get_items(limit),
    "add_items": lambda self, items: self.kept.add_items(items),
    "pop_item": lambda self: self.kept.pop_item(),
    "clear_session": lambda self: self.kept.clear_session(),
}


agents.SQLiteSession = InPlaceOfFile  # type: ignore[misc,assignment]
agents.memory.SQLiteSession = InPlaceOfFile  # type: ignore[misc,assignment]
agents.memory.sqlite_session.SQLiteSession = InPlaceOfFile  # type: ignore[misc,assignment]
_simple = import_module("tests.utils.simple_session")
for _name, _kept in IN_PLACE_OF_LIST.items():
    setattr(_simple.SimpleListSession, _name, _kept)
