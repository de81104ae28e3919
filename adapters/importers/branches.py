"""Conversations that branch: a tree of messages, of which people see one way through at a time."""

from collections.abc import Callable, Iterator, Mapping, Sequence
from datetime import UTC, datetime

from adapters.importers.drafts import Chat, Node, Said
from domain.transfer import LeftOut, Part

Read = Callable[[Node], Said | LeftOut | None]
"""What a message says, or why it is left out; None for what is no message."""

_NEVER = datetime.min.replace(tzinfo=UTC)


def parts_of_chat(chat: Chat, read: Read) -> Iterator[Part]:
    """The current branch as the conversation, and each other as a conversation of its own, from its
    first message on."""
    current, *others = branches = _branches(chat)
    yield from chat.start()
    yield from _messages(current, read)
    reached = {node.id for branch in branches for node in branch}
    unreached = _shown([node for id_, node in chat.nodes.items() if id_ not in reached], read)
    yield LeftOut("messages that follow each other in a circle", len(unreached))
    shown = _shown(current, read) if others else set()
    for other in others:
        if not _shown(other, read) <= shown:
            yield from chat.start(other[-1].id)
            yield from _messages(other, read)


def _messages(branch: Sequence[Node], read: Read) -> Iterator[Part]:
    for node in branch:
        match read(node):
            case Said() as said:
                yield from said.parts()
            case LeftOut() as lost:
                yield lost


def _shown(branch: Sequence[Node], read: Read) -> set[str]:
    return {node.id for node in branch if isinstance(read(node), Said)}


def _branches(chat: Chat) -> list[list[Node]]:
    """Each way from a first message to a last one; the current one first."""
    nodes = chat.nodes
    parents = {node.parent for node in nodes.values()}
    leaves = [node for id_, node in nodes.items() if id_ not in parents]
    leaves.sort(key=lambda leaf: leaf.at or _NEVER, reverse=True)  # stable: of two the first
    current = nodes.get(str(chat.current))
    if current is not None:
        leaves = [current, *(leaf for leaf in leaves if leaf.id != current.id)]
    return [_way_to(leaf, nodes) for leaf in leaves] or [[]]


def _way_to(leaf: Node, nodes: Mapping[str, Node]) -> list[Node]:
    way: dict[str, Node] = {}
    node: Node | None = leaf
    while node is not None and node.id not in way:
        way[node.id] = node
        node = nodes.get(node.parent or "")
    return list(way.values())[::-1]


def in_a_row(nodes: Sequence[Node]) -> dict[str, Node]:
    """Messages that name none before them: each follows the one in front of it."""
    found: dict[str, Node] = {}
    before: str | None = None
    for place, node in enumerate(nodes):
        id_ = node.id if node.id not in found else f"{node.id}:{place}"
        found[id_] = Node(id_, before, node.at, node.item)
        before = id_
    return found
