"""How items of OpenAI's Responses API are stored, and what other clients' messages are to it."""

from collections.abc import Mapping
from typing import Any, cast

from agents import TResponseInputItem

from chat_sessions_client.json_values import as_json
from chat_sessions_client.shapes import MessageResponse

FORMAT = "openai.response-item"
_ROLES = {"user", "assistant", "system", "developer"}


def message_of(item: TResponseInputItem) -> dict[str, Any]:
    if not isinstance(item, Mapping):
        raise ValueError(f"an item is an object, and not {type(item).__name__}")  # noqa: TRY004
    role = item.get("role")
    if role not in _ROLES:
        role = "tool" if str(item.get("type")).endswith("_output") else "assistant"
    return {"role": role, "format": FORMAT, "body": as_json(item)}


def items_of(message: MessageResponse) -> list[TResponseInputItem]:
    """The item that a message is; none where it is another client's, and no text of somebody's."""
    if message["format"] == FORMAT and message["body"]:
        return [cast("TResponseInputItem", message["body"])]
    if message["role"] in _ROLES and message["content"]:
        plain = {"role": message["role"], "content": message["content"]}
        return [cast("TResponseInputItem", plain)]
    return []
