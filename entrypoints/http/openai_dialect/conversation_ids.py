"""The ids that conversations and items have in OpenAI's API.

A session that has an external id of theirs is known by that, and a message by any external id; an
id is made of the session's own id, and of the message's order, for all others. So nothing is stored
for the sake of an id, and what was written through either API has one in both.
"""

import re
from functools import lru_cache
from typing import NamedTuple
from uuid import UUID

from domain.errors import InvalidValue, MessageNotFound, SessionNotFound
from domain.external_id import ExternalId
from domain.message import Message
from domain.page import OFFSET_MAX
from domain.session import Session, SessionRef

CONVERSATION = "conv_"

_UUID_V7 = r"[0-9a-f]{12}7[0-9a-f]{3}[89ab][0-9a-f]{15}"
_MADE_CONVERSATION = re.compile(rf"{CONVERSATION}({_UUID_V7})")
_MADE_ITEM = re.compile(rf"[a-z]+_({_UUID_V7})([0-9a-f]{{8}})")


DOTS = frozenset({".", ".."})
"""What a client's path cannot end in, since every client takes it out (RFC 3986 section 5.2.4)."""


class MadeItem(NamedTuple):
    """An item by an id that was made for it: the message of that order in that session, unless a
    client has given the id to another. `text` is the id itself."""

    session_id: UUID
    message_order: int
    text: str


ItemRef = MadeItem | ExternalId


def conversation_ref(segment: str) -> SessionRef:
    """Parse a conversation's id. Raises SessionNotFound for what can be none."""
    if made := _MADE_CONVERSATION.fullmatch(segment):
        return UUID(made[1])
    try:
        if segment.startswith(CONVERSATION):
            return ExternalId(segment)
    except InvalidValue:
        pass
    raise SessionNotFound


def conversation_id(session: Session) -> str:
    """The id that a session has as a conversation."""
    own = session.external_id or ""
    if own.startswith(CONVERSATION) and not _MADE_CONVERSATION.fullmatch(own):
        return own
    return named(session.id)


def named(session: SessionRef) -> str:
    """The id of a conversation as its client named it."""
    return session.value if isinstance(session, ExternalId) else CONVERSATION + session.hex


def item_ref(segment: str) -> ItemRef:
    """Parse an item's id. Raises MessageNotFound for what can be none."""
    if (made := _MADE_ITEM.fullmatch(segment)) and 0 < int(made[2], 16) <= OFFSET_MAX:
        return MadeItem(UUID(made[1]), int(made[2], 16), segment)
    try:
        return ExternalId(segment)
    except InvalidValue:
        raise MessageNotFound from None


def item_id(message: Message, prefix: str) -> str:
    """The id that a message has as an item."""
    own = message.external_id
    if own is None or is_known_by_place(message):
        return f"{prefix}_{_hex(message.session_id)}{message.message_order:08x}"
    return own


def is_known_by_place(message: Message) -> bool:
    """Whether a message's id as an item is made of its place: it has no other, or one that could
    have been made for another item of the conversation, or that no path can have."""
    own = message.external_id
    if own is None or own in DOTS:
        return True
    session = _hex(message.session_id)
    if session not in own:
        return False
    made = _MADE_ITEM.fullmatch(own)
    return made is not None and made[1] == session


@lru_cache
def _hex(session_id: UUID) -> str:
    return session_id.hex
