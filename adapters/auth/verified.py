from collections import OrderedDict
from dataclasses import dataclass
from hashlib import sha256

from adapters.auth.compact import TOKEN_MAX
from application.errors import InvalidToken
from application.ports.authenticator import Principal

HELD_MAX = 4096
"""The most tokens that are kept. Each takes about a kilobyte."""


@dataclass(frozen=True, slots=True)
class Verified:
    """A checked token's principal, and from when until when the token is valid, in seconds."""

    principal: Principal
    begins: float
    ends: float


class VerifiedTokens:
    """The cache holds the tokens used last, each under the SHA-256 of its whole text.

    So any other text is another token, and no token can be read out of the service's memory. Once
    the keys change, all tokens are dropped.
    """

    def __init__(self, most: int = HELD_MAX) -> None:
        self._most = most
        self._held: OrderedDict[bytes, Verified] = OrderedDict()
        self._keys = 0

    def __len__(self) -> int:
        return len(self._held)

    def get(self, name: bytes, keys: int) -> Verified | None:
        """Return what the check of the token of that name found, if the keys are still the same."""
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
    """What a token is held under. Raises InvalidToken for what can be none."""
    if len(token) > TOKEN_MAX or not token.isascii():
        raise InvalidToken("it is no JSON Web Token")
    return sha256(token.encode()).digest()
