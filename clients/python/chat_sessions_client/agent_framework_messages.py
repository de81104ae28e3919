"""How Agent Framework's messages are stored, and what other clients' messages are to it."""

from contextlib import suppress
from typing import Any

from agent_framework import Message

from chat_sessions_client.shapes import MessageResponse
from chat_sessions_client.text import storable

FORMAT = "agent-framework.message/1"
_ROLES = {"user", "assistant", "system", "developer", "tool"}


def messages_of(stored: MessageResponse) -> list[Message]:
    if stored["format"] == FORMAT and stored["body"]:
        with suppress(Exception):  # whatever somebody else has stored in this format
            return [Message.from_dict(stored["body"])]
    plain = Message(stored["role"], [stored["content"]], author_name=stored["name"])
    return [plain] if stored["content"] and stored["role"] != "tool" else []


def stored_of(message: Message) -> dict[str, Any]:
    role = message.role if message.role in _ROLES else "assistant"
    return {
        "role": role,
        "content": storable(message.text),
        "format": FORMAT,
        "body": message.to_dict(),
    }
