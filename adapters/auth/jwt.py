from collections.abc import Collection
from dataclasses import dataclass
from typing import Any

from joserfc.errors import JoseError
from joserfc.jws import JWSRegistry
from joserfc.jwt import JWTClaimsRegistry

from adapters.auth.compact import TOKEN_MAX, Compact, json_object
from adapters.auth.key_set import algorithm_named
from adapters.auth.keys import Keys, PublicKey
from adapters.auth.verified import Verified, VerifiedTokens
from application.errors import InvalidToken
from application.ports.authenticator import EVERY_SCOPE, Authenticator, Principal, Scope
from application.ports.clock import Clock
from domain.errors import InvalidValue
from domain.owner import Owner

LIFETIME_MAX = 24 * 60 * 60
"""Seconds from `iat` to `exp`, unless a policy says otherwise."""

_TYPES = {"at+jwt", "application/at+jwt"}

_REFUSED = frozenset({"crit", "b64", "zip", "jku", "jwk", "x5u", "x5c"})
"""Header parameters that would change what is checked, or bring along what to check it with."""


@dataclass(frozen=True, slots=True, kw_only=True)
class TokenPolicy:
    """Which tokens hold. Times are in seconds.

    Without `require_scopes` a token allows all that its subject may do.
    """

    issuer: str
    audience: str
    algorithms: Collection[str]
    clock_skew: float = 0
    lifetime_max: float = LIFETIME_MAX
    require_scopes: bool = False


class JwtAuthenticator(Authenticator):
    """Access tokens in the JWT profile (RFC 9068 section 4) from one issuer for one audience."""

    def __init__(self, policy: TokenPolicy, keys: Keys, clock: Clock) -> None:
        self._policy = policy
        self._keys = keys
        self._clock = clock
        self._held = VerifiedTokens()
        self._signatures = JWSRegistry(algorithms=policy.algorithms)
        self._claims = JWTClaimsRegistry(
            iss={"essential": True, "value": policy.issuer},
            aud={"essential": True, "value": policy.audience},
            sub={"essential": True},
        )

    async def authenticate(self, token: str) -> Principal:
        if len(token) > TOKEN_MAX or not token.isascii():
            raise InvalidToken("it is no JSON Web Token")
        verified = self._held.get(token, self._keys.version)
        if verified is not None:
            self._check_time(verified)
            return verified.principal
        compact = Compact.of(token)
        algorithm = self._check_header(compact.header)
        await self._check_signed(compact, algorithm)
        verified = self._verified(json_object(compact.payload))
        self._check_time(verified)
        self._held.put(token, self._keys.version, verified)
        return verified.principal

    async def check(self) -> None:
        await self._keys.check()

    async def keep_current(self) -> None:
        await self._keys.keep_current()

    async def close(self) -> None:
        await self._keys.close()

    def _check_header(self, header: dict[str, Any]) -> str:
        """The algorithm that it names."""
        if str(header.get("typ")).lower() not in _TYPES:
            raise InvalidToken("it is not an access token")
        algorithm = algorithm_named(header.get("alg"))
        if algorithm is None or algorithm not in self._policy.algorithms:
            raise InvalidToken("its algorithm is not accepted")
        if _REFUSED & header.keys():
            raise InvalidToken("a header parameter is not accepted")
        if not isinstance(header.get("kid"), str | None):
            raise InvalidToken("its key id is not a string")
        return algorithm

    async def _check_signed(self, compact: Compact, algorithm: str) -> None:
        kid = compact.header.get("kid")
        key = await self._keys.find(kid, algorithm)
        try:
            self._check_signature(compact, algorithm, key)
        except InvalidToken:
            other = None if kid is not None else await self._keys.successor(key, algorithm)
            if other is None:
                raise
            self._check_signature(compact, algorithm, other)

    def _check_signature(self, compact: Compact, algorithm: str, key: PublicKey | None) -> None:
        if key is None:
            raise InvalidToken("its key is not known")
        check = self._signatures.get_alg(algorithm)
        try:
            check.check_key(key)
            holds = check.verify(compact.signed, compact.signature, key)
        except (JoseError, ValueError, TypeError) as error:
            raise InvalidToken("its signature cannot be checked") from error
        if not holds:
            raise InvalidToken("its signature does not hold")

    def _verified(self, claims: dict[str, Any]) -> Verified:
        times = {name: claims.pop(name) for name in ("exp", "iat", "nbf") if name in claims}
        if not times.keys() >= {"exp", "iat"} or not all(map(_is_instant, times.values())):
            raise InvalidToken("it has no times, or one that is none")
        if not 0 < times["exp"] - times["iat"] <= self._policy.lifetime_max:
            raise InvalidToken("it lives too long")
        try:
            self._claims.validate(claims)
            owner = Owner(claims["iss"], claims["sub"])
        except JoseError as error:
            raise InvalidToken(f"a claim does not hold: {error.description}") from error
        except InvalidValue as error:
            raise InvalidToken("its subject is not acceptable") from error
        begins = max(times["iat"], times.get("nbf", 0))
        return Verified(Principal(owner, self._scopes(claims)), begins, times["exp"])

    def _scopes(self, claims: dict[str, Any]) -> frozenset[Scope]:
        """RFC 9068 section 2.2.3: names in one string, separated by spaces."""
        if not self._policy.require_scopes:
            return EVERY_SCOPE
        text = claims.get("scope")
        given = text.split(" ") if isinstance(text, str) else ()
        return frozenset(scope for scope in Scope if scope in given)

    def _check_time(self, verified: Verified) -> None:
        now, skew = self._clock.now().timestamp(), self._policy.clock_skew
        if now >= verified.ends + skew:
            raise InvalidToken("it has expired")
        if now < verified.begins - skew:
            raise InvalidToken("it does not hold yet")


def _is_instant(value: object) -> bool:
    """A NumericDate (RFC 7519 section 2) that a double holds exactly to the second."""
    return type(value) in (int, float) and 0 <= value < 1 << 53  # type: ignore[operator]
