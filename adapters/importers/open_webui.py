"""Open WebUI's export of chats: an array, in each item of which `chat.history.messages` is a tree
whose branch is `currentId`'s."""

from collections.abc import Iterator, Mapping
from typing import Any

from adapters.importers.branches import in_a_row, parts_of_chat
from adapters.importers.drafts import (
    Chat,
    Node,
    Said,
    digest_of,
    instant,
    list_of,
    mapping_of,
    text_of,
)
from domain.body import readable_text
from domain.message import Role
from domain.transfer import Part

FORMAT = "open-webui.message"

_ROLES = {"user": Role.USER, "system": Role.SYSTEM, "tool": Role.TOOL}


def recognizes(item: Mapping[str, Any]) -> bool:
    chat = mapping_of(item.get("chat")) or item
    return isinstance(mapping_of(chat.get("history")).get("messages"), Mapping)


def parts(item: Mapping[str, Any]) -> Iterator[Part]:
    inner = mapping_of(item.get("chat")) or item
    history = mapping_of(inner.get("history"))
    nodes = {
        id_: _node(id_, mapping_of(message))
        for id_, message in mapping_of(history.get("messages")).items()
    }
    if not nodes:
        listed = [mapping_of(one) for one in list_of(inner.get("messages"))]
        ids = [text_of(one.get("id")) or f"message-{n}" for n, one in enumerate(listed, 1)]
        nodes = in_a_row([_node(id_, one) for id_, one in zip(ids, listed, strict=True)])
    chat = Chat(
        external_id=item.get("id") or inner.get("id") or digest_of(item),
        title=item.get("title") or inner.get("title"),
        created_at=item.get("created_at") or inner.get("timestamp"),
        last_updated=item.get("updated_at"),
        archived=item.get("archived") is True,
        pinned=item.get("pinned") is True,
        nodes=nodes,
        current=history.get("currentId"),
    )
    return parts_of_chat(chat, _said)


def _node(id_: str, message: Mapping[str, Any]) -> Node:
    parent = message.get("parentId")
    at = instant(message.get("timestamp"))
    return Node(id_, parent if isinstance(parent, str) else None, at, message)


def _said(node: Node) -> Said:
    message = node.item
    content = message.get("content")
    role = _ROLES.get(text_of(message.get("role")), Role.ASSISTANT)
    return Said(
        item=message,
        format=FORMAT,
        role=role,
        content=content if isinstance(content, str) else readable_text({"content": content}),
        external_id=message.get("id") or node.id,
        at=message.get("timestamp"),
        name=message.get("model") if role is Role.ASSISTANT else None,
        files=len(list_of(message.get("files"))),
    )
