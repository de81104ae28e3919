"""How LangChain's messages are stored, and what other clients' messages are to it."""

import json
from contextlib import suppress
from hashlib import sha256
from typing import Any
from uuid import uuid4

from langchain_core.messages import (
    AIMessage,
    BaseMessage,
    ChatMessage,
    FunctionMessage,
    HumanMessage,
    RemoveMessage,
    SystemMessage,
    ToolMessage,
    message_to_dict,
    messages_from_dict,
)

from chat_sessions_client.json_values import as_json
from chat_sessions_client.shapes import JsonObject, MessageResponse
from chat_sessions_client.text import storable

FORMAT = "langchain.message/1"
_ID_MAX = 255
_ROLES = {"user", "assistant", "system", "developer", "tool"}
_ROLE_OF: list[tuple[type[BaseMessage] | tuple[type[BaseMessage], ...], str]] = [
    (HumanMessage, "user"),
    (SystemMessage, "system"),
    ((ToolMessage, FunctionMessage), "tool"),
]
_PLAIN: dict[str, type[BaseMessage]] = {
    "user": HumanMessage,
    "assistant": AIMessage,
    "system": SystemMessage,
    "developer": SystemMessage,
}


def stored_of(message: BaseMessage) -> dict[str, Any]:
    """What JSON has no form for, such as a tool's artifact, is stored as text."""
    return {
        "role": _role(message),
        "external_id": _name_of(message.id or str(uuid4())),
        "content": storable(str(message.text)),
        "format": FORMAT,
        "body": as_json(_dict_of(message)),
    }


def messages_of(stored: MessageResponse) -> list[BaseMessage]:
    """The message, with an id; by its text where it is another client's, or is none of theirs."""
    found: list[BaseMessage] = []
    if stored["format"] == FORMAT and stored["body"]:
        with suppress(Exception):  # whatever somebody else has stored in this format
            found = _read(stored["body"])
    if not found and stored["role"] in _PLAIN and stored["content"]:
        found = [_PLAIN[stored["role"]](stored["content"], name=stored["name"])]
    for message in found:
        message.id = message.id or stored["external_id"] or stored["id"]
    return found


def is_summary(message: BaseMessage) -> bool:
    """Whether SummarizationMiddleware has put it in place of what was said."""
    return bool(message.additional_kwargs.get("lc_source") == "summarization")


def _read(body: JsonObject) -> list[BaseMessage]:
    """What a model can take: one that removes messages is none of a conversation, and a part that
    no provider knows is text."""
    data = dict(body["data"])
    if isinstance(data["content"], list):
        data["content"] = [part if _is_part(part) else _as_text(part) for part in data["content"]]
    read = messages_from_dict([{**body, "data": data}])
    return [message for message in read if not isinstance(message, RemoveMessage)]


def _is_part(part: object) -> bool:
    """A provider's own, such as Bedrock's, may have one member alone in place of a type."""
    if not isinstance(part, dict):
        return isinstance(part, str)
    (member, *_) = [*part.values(), None]
    return isinstance(part.get("type"), str) or (len(part) == 1 and isinstance(member, str | dict))


def _as_text(part: object) -> JsonObject:
    return {"type": "text", "text": json.dumps(part, ensure_ascii=False)}


def _dict_of(message: BaseMessage) -> dict[str, Any]:
    try:
        return dict(message_to_dict(message))
    except ValueError:  # what is within itself, pydantic does not write
        return dict(message_to_dict(message.model_copy(update=as_json(dict(message)))))


def _name_of(id_: str) -> str:
    """The id itself, where the service takes it."""
    is_one = len(id_) <= _ID_MAX and id_.isprintable() and id_ == id_.strip()
    return id_ if is_one else sha256(id_.encode(errors="surrogatepass")).hexdigest()


def _role(message: BaseMessage) -> str:
    if isinstance(message, ChatMessage):
        return message.role if message.role in _ROLES else "assistant"
    return next((role for kind, role in _ROLE_OF if isinstance(message, kind)), "assistant")
