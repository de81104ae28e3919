"""What happens in a session, as whoever follows it is told."""

from dataclasses import dataclass

from domain.message import Message
from domain.session import Session


@dataclass(frozen=True, slots=True)
class MessageAppended:
    message: Message


@dataclass(frozen=True, slots=True)
class MessageReplaced:
    message: Message


@dataclass(frozen=True, slots=True)
class MessageRemoved:
    message_order: int


@dataclass(frozen=True, slots=True)
class MessagesCleared:
    """The messages with lower orders than `before` are gone."""

    before: int


@dataclass(frozen=True, slots=True)
class SessionChanged:
    """Its title, metadata or flags are others."""

    session: Session


SessionEvent = MessageAppended | MessageReplaced | MessageRemoved | MessagesCleared | SessionChanged
