"""Read the compact form of a signed token strictly (RFC 7515 section 7.1)."""

import re
from base64 import urlsafe_b64decode, urlsafe_b64encode
from dataclasses import dataclass
from typing import Any

from application.errors import InvalidToken
from domain import strict_json

TOKEN_MAX = 16 * 1024
"""The most characters that a token may have."""

_COMPACT = re.compile(r"([A-Za-z0-9_-]+)\.([A-Za-z0-9_-]+)\.([A-Za-z0-9_-]+)")


@dataclass(frozen=True, slots=True)
class Compact:
    """A token's three parts, decoded; `signed` is the text that was signed."""

    header: dict[str, Any]
    payload: bytes
    signature: bytes
    signed: bytes

    @classmethod
    def parse(cls, token: str) -> "Compact":
        """Read the token. Raises InvalidToken unless it is canonical base64url, and not too long.

        Only one text stands for the same bytes then, so that no two texts are the same token.
        """
        compact = _COMPACT.fullmatch(token)
        if compact is None or len(token) > TOKEN_MAX:
            raise InvalidToken("it is no JSON Web Token")
        header, payload, signature = [_decoded(segment) for segment in compact.groups()]
        return cls(json_object(header), payload, signature, token.rpartition(".")[0].encode())


def json_object(text: bytes) -> dict[str, Any]:
    """Parse a JSON object. Raises InvalidToken for anything else, or a repeated member."""
    try:
        value = strict_json.parse(text)
    except ValueError as error:
        raise InvalidToken("a part of it is not JSON") from error
    if not isinstance(value, dict):
        raise InvalidToken("a part of it is not an object")
    return value


def _decoded(segment: str) -> bytes:
    try:
        decoded = urlsafe_b64decode(segment + "=" * (-len(segment) % 4))
    except ValueError as error:
        raise InvalidToken("it is not base64url") from error
    if urlsafe_b64encode(decoded).decode().rstrip("=") != segment:
        raise InvalidToken("it is not canonical base64url")
    return decoded
