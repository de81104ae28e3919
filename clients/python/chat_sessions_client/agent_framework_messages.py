"""How Agent Framework's messages are stored, and what other clients' messages are to it."""

from contextlib import suppress
from copy import copy
from datetime import date, time
from typing import Any

from agent_framework import Message

from chat_sessions_client.json_values import as_json
from chat_sessions_client.shapes import MessageResponse
from chat_sessions_client.text import storable

FORMAT = "agent-framework.message/1"
_ROLES = {"user", "assistant", "system", "developer", "tool"}


def messages_of(stored: MessageResponse) -> list[Message]:
    if stored["format"] == FORMAT and stored["body"]:
        with suppress(Exception):  # whatever somebody else has stored in this format
            found = Message.from_dict(stored["body"])
            if _is_whole(found):
                return [found]
    plain = Message(stored["role"], [stored["content"]], author_name=stored["name"])
    return [plain] if stored["content"] and stored["role"] != "tool" else []


def _is_whole(message: Any) -> bool:  # noqa: ANN401 - it takes parts of any kind
    return isinstance(message.role, str) and isinstance(message.text, str)


def stored_of(message: Message) -> dict[str, Any]:
    role = message.role if message.role in _ROLES else "assistant"
    return {
        "role": role,
        "content": storable(message.text),
        "format": FORMAT,
        "body": message.to_dict(),
    }


def as_read(message: Message) -> Message:
    """The message as it comes back, in which text stands for what JSON has no form for."""
    plain = copy(message)
    plain.additional_properties = _writable(message.additional_properties)
    plain.contents = [copy(content) for content in message.contents]
    for content in plain.contents:
        for name in ("additional_properties", "arguments", "result"):
            setattr(content, name, _writable(getattr(content, name)))
    return Message.from_dict(as_json(plain.to_dict()))


def _writable(value: Any, within: tuple[int, ...] = ()) -> Any:  # noqa: ANN401 - of any kind
    """The framework loses what it does not know, and fails at what is within itself."""
    inside = (*within, id(value))
    if id(value) in within:
        return "..."
    if isinstance(value, dict):
        return {name: _writable(member, inside) for name, member in value.items()}
    if isinstance(value, list):
        return [_writable(member, inside) for member in value]
    is_theirs = isinstance(value, date | time) or hasattr(value, "to_dict")
    return value if is_theirs else as_json(value)
