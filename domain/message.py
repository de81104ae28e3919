from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum
from uuid import UUID

from domain.errors import InvalidValue
from domain.instant import TICK
from domain.metadata import EMPTY, Metadata
from domain.text import storable

CONTENT_MAX = 100_000
"""Characters (code points) of a message's content."""

BATCH_MAX = 100
"""Messages stored by one append, all or none."""


class Role(StrEnum):
    USER = "user"
    ASSISTANT = "assistant"
    SYSTEM = "system"
    TOOL = "tool"


@dataclass(frozen=True, slots=True)
class NewMessage:
    """What was said, before it has a place in a session. Raises InvalidValue.

    A role's name does for the role.
    """

    role: Role
    content: str
    metadata: Metadata = EMPTY

    def __post_init__(self) -> None:
        if not isinstance(self.role, Role):
            object.__setattr__(self, "role", _role_named(self.role))
        check_content(self.content)


@dataclass(frozen=True, slots=True)
class Message:
    """A stored message. `message_order` counts 1, 2, 3 ... within its session, with no gap, and
    `timestamp` (UTC) strictly increases with it."""

    id: UUID
    session_id: UUID
    message_order: int
    role: Role
    content: str
    metadata: Metadata
    timestamp: datetime


def _role_named(name: str) -> Role:
    try:
        return Role(name)
    except ValueError:
        raise InvalidValue(f"must be one of {', '.join(Role)}", "role") from None


def check_content(content: str) -> str:
    """Return `content` if it is storable and has at most 100,000 characters."""
    if len(storable(content)) > CONTENT_MAX:
        raise InvalidValue(f"must have at most {CONTENT_MAX} characters", "content")
    return content


def check_batch(messages: Sequence[NewMessage], *, least: int) -> None:
    """Raise InvalidValue unless there are `least` to 100 messages."""
    if not least <= len(messages) <= BATCH_MAX:
        raise InvalidValue(f"must have {least} to {BATCH_MAX} items", "messages")


def in_sequence(
    messages: Mapping[UUID, NewMessage], *, session_id: UUID, after: int, at: datetime
) -> tuple[Message, ...]:
    """Give messages, by the ids they get, the orders that follow `after` and a microsecond each
    from `at` on."""
    return tuple(
        Message(
            id_,
            session_id,
            after + 1 + place,
            message.role,
            message.content,
            message.metadata,
            at + place * TICK,
        )
        for place, (id_, message) in enumerate(messages.items())
    )
