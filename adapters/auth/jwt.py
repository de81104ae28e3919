import re
from base64 import urlsafe_b64decode, urlsafe_b64encode
from collections.abc import Collection
from dataclasses import dataclass
from typing import Any

from joserfc import jws
from joserfc.errors import JoseError
from joserfc.jwt import JWTClaimsRegistry

from adapters.auth.keys import Keys
from application.errors import InvalidToken
from application.ports.authenticator import Authenticator
from application.ports.clock import Clock
from domain import strict_json
from domain.errors import InvalidValue
from domain.owner import Owner

TOKEN_MAX = 16 * 1024
"""Characters of a token."""

LIFETIME_MAX = 24 * 60 * 60
"""Seconds from `iat` to `exp`."""

_COMPACT = re.compile(r"([A-Za-z0-9_-]+)\.([A-Za-z0-9_-]+)\.([A-Za-z0-9_-]+)")
_TYPES = {"at+jwt", "application/at+jwt"}
_UNSUPPORTED = {"crit", "b64", "zip"}


@dataclass(frozen=True, slots=True)
class JwtAuthenticator(Authenticator):
    """Access tokens in the JWT profile (RFC 9068 section 4) from one issuer for one audience."""

    issuer: str
    audience: str
    algorithms: Collection[str]
    keys: Keys
    clock: Clock

    async def authenticate(self, token: str) -> Owner:
        header, payload = _segments(token)
        claims = await self._verified(token, header, payload)
        self._check_claims(claims)
        try:
            return Owner(claims["iss"], claims["sub"])
        except InvalidValue as error:
            raise InvalidToken("its subject is not acceptable") from error

    async def check(self) -> None:
        await self.keys.check()

    async def _verified(self, token: str, header: bytes, payload: bytes) -> dict[str, Any]:
        parameters = _object(header)
        if str(parameters.get("typ")).lower() not in _TYPES:
            raise InvalidToken("it is not an access token")
        if parameters.get("alg") not in self.algorithms or _UNSUPPORTED & parameters.keys():
            raise InvalidToken("its algorithm or a header parameter is not accepted")
        kid = parameters.get("kid")
        if not isinstance(kid, str | None):
            raise InvalidToken("its key id is not a string")
        key = await self.keys.find(kid)
        if key is None:
            raise InvalidToken("its key is not known")
        try:
            jws.deserialize_compact(token, key, algorithms=list(self.algorithms))
        except (JoseError, ValueError, TypeError) as error:
            raise InvalidToken("its signature does not hold") from error
        return _object(payload)

    def _check_claims(self, claims: dict[str, Any]) -> None:
        for name in ("exp", "iat", "nbf"):
            if name in claims and not _is_instant(claims[name]):
                raise InvalidToken(f"{name} is no time")
        registry = JWTClaimsRegistry(
            now=self.clock.now().timestamp(),  # type: ignore[arg-type]  # it only compares
            leeway=0,
            iss={"essential": True, "value": self.issuer},
            aud={"essential": True, "value": self.audience},
            exp={"essential": True},
            iat={"essential": True},
            sub={"essential": True},
        )
        try:
            registry.validate(claims)
        except JoseError as error:
            raise InvalidToken("a claim does not hold") from error
        if not 0 < claims["exp"] - claims["iat"] <= LIFETIME_MAX:
            raise InvalidToken("it lives too long")
        if not isinstance(claims["sub"], str):
            raise InvalidToken("its subject is not a string")


def _is_instant(value: object) -> bool:
    """A NumericDate (RFC 7519 section 2) that a double holds exactly to the second."""
    return type(value) in (int, float) and 0 <= value < 1 << 53  # type: ignore[operator]


def _segments(token: str) -> tuple[bytes, bytes]:
    """Header and payload of a compact JWS (RFC 7515 section 7.1) in canonical base64url: the
    one text that stands for these bytes, so that no two tokens are the same token."""
    compact = _COMPACT.fullmatch(token) if len(token) <= TOKEN_MAX else None
    if compact is None:
        raise InvalidToken("it is no JSON Web Token")
    header, payload, _ = [_decoded(segment) for segment in compact.groups()]
    return header, payload


def _decoded(segment: str) -> bytes:
    try:
        decoded = urlsafe_b64decode(segment + "=" * (-len(segment) % 4))
    except ValueError as error:
        raise InvalidToken("it is not base64url") from error
    if urlsafe_b64encode(decoded).decode().rstrip("=") != segment:
        raise InvalidToken("it is not canonical base64url")
    return decoded


def _object(segment: bytes) -> dict[str, Any]:
    try:
        value = strict_json.parse(segment)
    except ValueError as error:
        raise InvalidToken("a part of it is not JSON") from error
    if not isinstance(value, dict):
        raise InvalidToken("a part of it is not an object")
    return value
