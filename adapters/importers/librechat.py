"""LibreChat's export of a conversation: `messages` that name those before them or, where it is
`recursive`, have those after them as `children`."""

from collections.abc import Iterator, Mapping
from typing import Any

from adapters.importers.branches import in_a_row, parts_of_chat
from adapters.importers.drafts import Chat, Node, Said, instant, list_of, mapping_of, text_of
from domain.body import readable_text
from domain.message import Role
from domain.transfer import Part

FORMAT = "librechat.message"


def recognizes(item: Mapping[str, Any]) -> bool:
    has_messages = any(isinstance(item.get(name), list) for name in ("messages", "messagesTree"))
    return has_messages and isinstance(item.get("conversationId"), str)


def parts(item: Mapping[str, Any]) -> Iterator[Part]:
    listed = list_of(item.get("messagesTree")) or list_of(item.get("messages"))
    nodes = list(_nodes(listed))
    known = {node.id for node in nodes}
    is_tree = any(node.parent in known for node in nodes)
    chat = Chat(
        external_id=item.get("conversationId"),
        title=item.get("title"),
        created_at=item.get("createdAt"),
        last_updated=item.get("updatedAt"),
        nodes={node.id: node for node in nodes} if is_tree else in_a_row(nodes),
    )
    return parts_of_chat(chat, _said)


def _nodes(messages: list[Any]) -> Iterator[Node]:
    waiting = [(mapping_of(message), None) for message in reversed(messages)]
    stack: list[tuple[Mapping[str, Any], str | None]] = [*waiting]
    place = 0
    while stack:
        message, within = stack.pop()
        place += 1
        id_ = text_of(message.get("messageId")) or f"message-{place}"
        parent = within or text_of(message.get("parentMessageId")) or None
        own = {name: member for name, member in message.items() if name != "children"}
        yield Node(id_, parent, instant(message.get("createdAt")), own)
        children = reversed(list_of(message.get("children")))
        stack += [(mapping_of(child), id_) for child in children]


def _text_of_parts(parts: list[Any]) -> str:
    """The text of parts, whose `text` may be an object with the text as its `value`."""
    texts = []
    for part in map(mapping_of, parts):
        text = part.get("text")
        value = mapping_of(text).get("value")
        texts.append(text_of(value) or readable_text({"content": part}))
    return "\n".join(filter(None, texts))


def _said(node: Node) -> Said:
    message = node.item
    is_user = message.get("isCreatedByUser") is True
    spoken = text_of(message.get("text")) or _text_of_parts(list_of(message.get("content")))
    return Said(
        item=message,
        format=FORMAT,
        role=Role.USER if is_user else Role.ASSISTANT,
        content=spoken,
        external_id=message.get("messageId"),
        at=message.get("createdAt"),
        name=None if is_user else message.get("sender"),
        files=len(list_of(message.get("files"))),
    )
