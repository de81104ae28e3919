from collections import OrderedDict
from dataclasses import dataclass
from hashlib import sha256

from application.ports.authenticator import Principal

HELD_MAX = 4096
"""Tokens. Each takes about a kilobyte."""


@dataclass(frozen=True, slots=True)
class Verified:
    """What a token that was checked says: for whom, and from when until when, in seconds."""

    principal: Principal
    begins: float
    ends: float


class VerifiedTokens:
    """The tokens that were used last, each under the SHA-256 of its whole text: any other text is
    another token, and none can be read out of the service's memory.

    A token is held under the keys that it was checked with; once they change all are let go.
    """

    def __init__(self, most: int = HELD_MAX) -> None:
        self._most = most
        self._held: OrderedDict[bytes, Verified] = OrderedDict()
        self._keys = 0

    def __len__(self) -> int:
        return len(self._held)

    def get(self, name: bytes, keys: int) -> Verified | None:
        """What was found of the token of that name, if it was under these keys."""
        self._follow(keys)
        verified = self._held.get(name)
        if verified is not None:
            self._held.move_to_end(name)
        return verified

    def put(self, name: bytes, keys: int, verified: Verified) -> None:
        self._follow(keys)
        self._held[name] = verified
        if len(self._held) > self._most:
            self._held.popitem(last=False)

    def _follow(self, keys: int) -> None:
        if keys != self._keys:
            self._held.clear()
            self._keys = keys


def name_of(token: str) -> bytes:
    """What a token is held under."""
    return sha256(token.encode()).digest()
