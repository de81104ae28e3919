from dataclasses import dataclass, field

from domain.message import Message, NewMessage

NAMES_MAX = 10_000
"""External ids that are remembered of a conversation until it is joined."""


@dataclass(slots=True)
class KeptSession:
    """A session that is there already, by its last message and how many it has."""

    last: Message | None
    count: int
    seen: int = 0
    unnamed: int = 0
    is_joined: bool = False
    names: set[str] = field(default_factory=set)

    def __post_init__(self) -> None:
        self.is_joined = self.last is None

    def is_followed_by(self, message: NewMessage) -> bool:
        """Whether a message of the conversation, taken in turn, comes after all that are there."""
        if self.is_joined:
            return True
        self.seen += 1
        self.is_joined = self.last is not None and self._is(self.last, message)
        if message.external_id is None:
            self.unnamed += 1
        elif len(self.names) < NAMES_MAX:
            self.names.add(message.external_id)
        return False

    def _is(self, last: Message, message: NewMessage) -> bool:
        if last.external_id is not None:
            return message.external_id == last.external_id
        same = (last.role, last.content) == (message.role, message.content)
        return same and self.seen == self.count
