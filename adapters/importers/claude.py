"""Claude's conversations.json: an array with `chat_messages` in a row or, where they name those
before them, as a tree."""

from collections.abc import Iterator, Mapping
from typing import Any

from adapters.importers.branches import in_a_row, parts_of_chat
from adapters.importers.drafts import (
    UNREADABLE,
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
from domain.transfer import LeftOut, Part

FORMAT = "claude.message"


def recognizes(item: Mapping[str, Any]) -> bool:
    return isinstance(item.get("chat_messages"), list)


def parts(item: Mapping[str, Any]) -> Iterator[Part]:
    found = [mapping_of(one) for one in list_of(item.get("chat_messages"))]
    nodes = [
        Node(
            text_of(message.get("uuid")) or f"message-{place}",
            text_of(message.get("parent_message_uuid")) or None,
            instant(message.get("created_at")),
            message,
        )
        for place, message in enumerate(found, 1)
    ]
    is_tree = any(node.parent for node in nodes)
    chat = Chat(
        external_id=item.get("uuid") or digest_of(item),
        title=item.get("name"),
        created_at=item.get("created_at"),
        last_updated=item.get("updated_at"),
        pinned=item.get("is_starred") is True,
        nodes={node.id: node for node in nodes} if is_tree else in_a_row(nodes),
        current=item.get("current_leaf_message_uuid"),
    )
    return parts_of_chat(chat, _said)


def _said(node: Node) -> Said | LeftOut:
    message = node.item
    if not message:
        return UNREADABLE
    attached = [mapping_of(one) for one in list_of(message.get("attachments"))]
    spoken = readable_text({"content": message.get("content")}) or text_of(message.get("text"))
    pasted = [text_of(one.get("extracted_content")) for one in attached]
    files = list_of(message.get("files"))
    return Said(
        item=message,
        format=FORMAT,
        role=Role.USER if text_of(message.get("sender")) in {"human", "user"} else Role.ASSISTANT,
        content="\n".join(text for text in (spoken, *pasted) if text),
        external_id=message.get("uuid"),
        at=message.get("created_at"),
        files=len(files) + sum(not text for text in pasted),
    )
