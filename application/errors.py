"""What keeps the core from an answer, beside what domain.errors has.

KeyReused           the idempotency key stands for another request (a Refused)
InvalidToken        the bearer token does not hold
TooManyFollowers    as many follow an owner's sessions as may (a Refused)
Unavailable         something outside cannot be had just now; the service heals by itself
├── Unreachable     nothing of it answers
└── Misconfigured   it answers, and is another than the one that is set up
StartRefused        the service cannot start as it is set up
└── StorageRefused  its storage is not fit to start on
"""

from enum import StrEnum

from domain.errors import Refused


class KeyReused(Refused):
    """The idempotency key was used before, with another request."""


class TokenFault(StrEnum):
    """The rule that a token breaks. One fault alone is a wrong set-up, many are an attack."""

    MALFORMED = "malformed"
    TYPE = "type"
    ALGORITHM = "algorithm"
    HEADER = "header"
    KEY = "key"
    SIGNATURE = "signature"
    TIMES = "times"
    LIFETIME = "lifetime"
    ISSUER = "issuer"
    AUDIENCE = "audience"
    SUBJECT = "subject"
    NOT_ACCESS_TOKEN = "not_access_token"  # noqa: S105 - the name of a fault
    EXPIRED = "expired"
    NOT_YET_VALID = "not_yet_valid"


class InvalidToken(Exception):
    """The token is not one that its named issuer gave for this service, or not any more."""

    def __init__(self, text: str, fault: TokenFault = TokenFault.MALFORMED) -> None:
        super().__init__(text)
        self.fault = fault


class TooManyFollowers(Refused):
    """As many follow the owner's sessions, in this process, as may."""


class Unavailable(Exception):
    """A port's far side does not answer. A write's outcome may be unknown: retry it under its key.

    The text is for the log; it may name a host or a file and is never shown to a client.
    """


class Unreachable(Unavailable):
    """The far side is not there, or went in the midst. One that is busy, and says so, is."""


class Misconfigured(Unavailable):
    """The far side answers, and is another than the one that is set up."""


class StartRefused(Exception):
    """The text is one line for the operator."""


class StorageRefused(StartRefused):
    """The storage is not fit to start on."""
