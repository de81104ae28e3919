"""Writes that happen once, however often they are asked for.

As the IETF draft "The Idempotency-Key HTTP Header Field" has it: whoever gets no answer asks again
under the same key, and the first answer is given again.
"""

import json
import re
from dataclasses import dataclass
from datetime import datetime, timedelta
from enum import StrEnum
from hashlib import sha256
from typing import Generic, TypeVar
from uuid import UUID

from application.errors import KeyReused
from domain.errors import InvalidValue
from domain.message import NewMessage

KEPT = timedelta(hours=24)
"""How long a key is remembered."""

KEY_MAX = 255

_KEY = re.compile(rf"[\x20-\x7e]{{1,{KEY_MAX}}}")

T = TypeVar("T")


class Operation(StrEnum):
    """A key stands for one request of its owner to each of these."""

    CREATE_SESSION = "create_session"
    APPEND_MESSAGES = "append_messages"


@dataclass(frozen=True, slots=True)
class Once:
    """A claim to be the one request under a key. The fingerprint, 32 bytes, tells requests apart.

    Raises InvalidValue for a key that is not 1-255 printable ASCII characters.
    """

    operation: Operation
    key: str
    fingerprint: bytes
    claimed_at: datetime

    def __post_init__(self) -> None:
        if not _KEY.fullmatch(self.key):
            raise InvalidValue(f"must be 1 to {KEY_MAX} printable ASCII characters", "key")

    def outlives(self, receipt: "Receipt") -> bool:
        """Whether the receipt is so old that it counts no more."""
        return receipt.once.claimed_at <= self.claimed_at - KEPT


@dataclass(frozen=True, slots=True)
class Receipt:
    """What the first write under a key leaves, in the act that stores it: where it went.

    `first_order` is the message_order of the first of its messages.
    """

    once: Once
    session_id: UUID
    first_order: int

    def check(self, asked: Once | None) -> None:
        """Raise KeyReused if another request is asked under the same key."""
        if asked is None or asked.fingerprint != self.once.fingerprint:
            raise KeyReused


@dataclass(frozen=True, slots=True)
class Written(Generic[T]):
    """The answer to a write, and whether it is an earlier one given again."""

    value: T
    replayed: bool = False


def fingerprint(target: UUID | None, about: object, messages: tuple[NewMessage, ...]) -> bytes:
    """SHA-256 of what is asked: of which session, what, with which messages."""
    said = [(message.role, message.content, message.metadata.json) for message in messages]
    asked = json.dumps([str(target), about, said], ensure_ascii=True, separators=(",", ":"))
    return sha256(asked.encode()).digest()
