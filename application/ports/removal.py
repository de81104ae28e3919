"""What removals say of what they removed."""

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Removed:
    """So many sessions and messages. False for none of either."""

    sessions: int = 0
    messages: int = 0

    def __bool__(self) -> bool:
        return bool(self.sessions or self.messages)

    def __add__(self, other: "Removed") -> "Removed":
        return Removed(self.sessions + other.sessions, self.messages + other.messages)


NOTHING = Removed()


@dataclass(frozen=True, slots=True)
class Holdings:
    """What a storage has of a person. False for nothing at all, not even that there is one."""

    sessions: int = 0
    messages: int = 0
    idempotency_keys: int = 0
    is_known: bool = False

    def __bool__(self) -> bool:
        return bool(self.sessions or self.messages or self.idempotency_keys or self.is_known)
