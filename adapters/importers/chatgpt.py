"""ChatGPT's conversations.json: an array of trees, `mapping`, whose branch is `current_node`'s."""

from collections.abc import Iterator, Mapping
from typing import Any

from adapters.importers.branches import parts_of_chat
from adapters.importers.drafts import (
    HIDDEN,
    Chat,
    Node,
    Said,
    instant,
    list_of,
    mapping_of,
    text_of,
)
from domain.body import readable_text
from domain.message import Role
from domain.transfer import LeftOut, Part

FORMAT = "chatgpt.message"

_ROLES = {"user": Role.USER, "system": Role.SYSTEM, "tool": Role.TOOL}
_EMPTY = LeftOut("empty system messages")


def recognizes(item: Mapping[str, Any]) -> bool:
    return isinstance(item.get("mapping"), Mapping)


def parts(item: Mapping[str, Any]) -> Iterator[Part]:
    nodes = {}
    for id_, found in mapping_of(item.get("mapping")).items():
        node = mapping_of(found)
        message = mapping_of(node.get("message"))
        parent = node.get("parent")
        at = instant(message.get("create_time"))
        nodes[id_] = Node(id_, parent if isinstance(parent, str) else None, at, message)
    chat = Chat(
        external_id=item.get("conversation_id") or item.get("id"),
        title=item.get("title"),
        created_at=item.get("create_time"),
        last_updated=item.get("update_time"),
        archived=item.get("is_archived") is True,
        pinned=item.get("is_starred") is True or item.get("pinned_time") is not None,
        nodes=nodes,
        current=item.get("current_node"),
    )
    return parts_of_chat(chat, _said)


def _said(node: Node) -> Said | LeftOut | None:
    message = node.item
    if not message:
        return None
    role = text_of(mapping_of(message.get("author")).get("role"))
    hidden = mapping_of(message.get("metadata")).get("is_visually_hidden_from_conversation")
    if hidden is True or message.get("weight") == 0:
        return HIDDEN
    content = mapping_of(message.get("content"))
    text = readable_text(content)
    if role == "system" and not text.strip():
        return _EMPTY
    pieces = [mapping_of(part) for part in list_of(content.get("parts"))]
    return Said(
        item=message,
        format=FORMAT,
        role=_ROLES.get(role, Role.ASSISTANT),
        content=text,
        external_id=message.get("id") or node.id,
        at=message.get("create_time"),
        files=sum("asset_pointer" in piece for piece in pieces),
    )
