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
from domain.external_id import ExternalId
from domain.message import NewMessage
from domain.plain import PlainForm
from domain.session import NewSession, SessionRef

RETENTION = timedelta(hours=24)
"""How long a key is remembered."""

KEY_MAX = 255

_KEY = re.compile(rf"[\x20-\x7e]{{1,{KEY_MAX}}}")

T = TypeVar("T")


class Operation(StrEnum):
    """A key stands for one request of its owner to each of these."""

    CREATE_SESSION = "create_session"
    APPEND_MESSAGES = "append_messages"


@dataclass(frozen=True, slots=True)
class IdempotencyClaim:
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

    @classmethod
    def for_command(
        cls, operation: Operation, key: str | None, command: "Command", now: datetime
    ) -> "IdempotencyClaim | None":
        """Return the claim to be made for a command, if there is a key."""
        return None if key is None else cls(operation, key, command.fingerprint, now)


@dataclass(frozen=True, slots=True)
class Receipt:
    """What the first write under a key leaves, in the act that stores it: where it went.

    `first_order` is the message_order of the first of its messages; `stored_count` is how many of
    the messages of the request it stored, None for all of them.
    """

    claim: IdempotencyClaim
    session_id: UUID
    first_order: int
    stored_count: int | None = None

    def is_expired(self, at: datetime) -> bool:
        """Tell whether the receipt is so old that it does not count."""
        return self.claim.claimed_at <= at - RETENTION

    def check(self, asked: IdempotencyClaim | None) -> None:
        """Raise KeyReused if another request is asked under the same key."""
        if asked is None or asked.fingerprint != self.claim.fingerprint:
            raise KeyReused


@dataclass(frozen=True, slots=True)
class Written(Generic[T]):
    """The answer to a write, and whether it is an earlier one given again."""

    value: T
    replayed: bool = False


@dataclass(frozen=True, slots=True, kw_only=True)
class Command:
    """All that a write under a key asks for."""

    session_id: SessionRef | None = None
    session: NewSession | None = None
    messages: tuple[NewMessage, ...] = ()

    @property
    def fingerprint(self) -> bytes:
        """The SHA-256 of every field, and of every field of what they hold."""
        asked = _plain(self)
        if not isinstance(self.session_id, ExternalId):
            asked[0] = str(self.session_id)
        text = json.dumps(asked, ensure_ascii=True, separators=(",", ":"))
        return sha256(text.encode()).digest()


_plain = PlainForm(
    {
        Command: ("session_id", "session", "messages"),
        NewSession: ("title", "metadata"),
        NewMessage: ("role", "content", "metadata"),
    }
)
"""It keeps the form that receipts in databases have. A new field gets a default and is not named
here, so that a request is the same before an upgrade and after it."""
