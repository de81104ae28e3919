from dataclasses import dataclass, field
from hashlib import sha256
from uuid import UUID

from domain.errors import InvalidValue, in_field
from domain.text import printable

SUBJECT_MAX = 255
"""Characters in a subject (OpenID Connect Core 1.0 section 2 allows 255)."""

_VERSION_8 = 8 << 76
_VARIANT = 0b10 << 62
_OTHER_BITS = (1 << 128) - 1 - (0xF << 76) - (0b11 << 62)


@dataclass(frozen=True, slots=True)
class Owner:
    """The person who owns sessions: a subject as one issuer knows it.

    The same subject from another issuer is another owner. Letters' case counts.
    """

    issuer: str
    subject: str
    key: UUID = field(init=False, repr=False, compare=False)
    """16 bytes that stand for the pair in storage: a UUIDv8 (RFC 9562 section 5.8) of the
    SHA-256 of the issuer's length, the issuer and the subject, so no two pairs share an input."""

    def __post_init__(self) -> None:
        if not self.issuer or not self.issuer.isprintable():
            raise InvalidValue("must be printable and not empty", "issuer")
        check_subject(self.subject)
        object.__setattr__(self, "key", _key(self.issuer, self.subject))


def check_subject(subject: str) -> str:
    """Return `subject` if it has 1-255 printable characters and no space at its ends."""
    with in_field("subject"):
        return printable(subject, SUBJECT_MAX)


def _key(issuer: str, subject: str) -> UUID:
    name = issuer.encode()
    digest = sha256(len(name).to_bytes(8, "big") + name + subject.encode()).digest()
    return UUID(int=int.from_bytes(digest[:16], "big") & _OTHER_BITS | _VERSION_8 | _VARIANT)
