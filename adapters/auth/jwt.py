from collections.abc import Mapping, Sequence
from dataclasses import replace
from datetime import UTC, datetime
from typing import Any

from joserfc.errors import JoseError
from joserfc.jws import JWSRegistry

from adapters.auth.compact import Compact, json_object
from adapters.auth.jwk import algorithm_named
from adapters.auth.keys import Keys, PublicKey
from adapters.auth.policy import CLAIM_RULES, HEADER_RULES, Token, TokenPolicy, principal
from adapters.auth.verified import Verified, VerifiedTokens, name_of
from application.errors import InvalidToken, TokenFault
from application.ports.authenticator import Authenticator, Principal
from application.ports.clock import Clock


class JwtAuthenticator(Authenticator):
    """The authenticator accepts one issuer's access tokens: JSON Web Tokens that keep a policy."""

    def __init__(self, policy: TokenPolicy, keys: Keys, clock: Clock) -> None:
        self._policy = policy
        self._keys = keys
        self._clock = clock
        self._held = VerifiedTokens()
        self._signatures = JWSRegistry(algorithms=list(policy.algorithms))

    async def authenticate(self, token: str) -> Principal:
        name = name_of(token)
        return self.verified(name) or await self.verify(token, name)

    async def verify(self, token: str, name: bytes) -> Principal:
        """Check a token that was not checked before, and return whom it speaks for."""
        compact = Compact.parse(token)
        for check in HEADER_RULES.values():
            check(self._policy, Token(compact.header, {}))
        await self.check_signed(compact)
        verified = self._verified(Token(compact.header, json_object(compact.payload)))
        self._check_span(verified.begins, verified.ends)
        expires_at = datetime.fromtimestamp(verified.ends + self._policy.clock_skew, UTC)
        principal = replace(verified.principal, expires_at=expires_at)
        self._held.put(name, self._keys.version, replace(verified, principal=principal))
        return principal

    def verified(self, name: bytes) -> Principal | None:
        """Return the principal of a token that was checked before. Raises InvalidToken once it is
        not valid any more."""
        verified = self._held.get(name, self._keys.version)
        if verified is None:
            return None
        self._check_span(verified.begins, verified.ends)
        return verified.principal

    @property
    def policy(self) -> TokenPolicy:
        return self._policy

    @property
    def key_ids(self) -> Sequence[str]:
        """The ids of the known keys."""
        return self._keys.ids

    def now(self) -> float:
        """The time by which tokens are checked, in seconds."""
        return self._clock.now().timestamp()

    async def check(self) -> None:
        await self._keys.check()

    async def keep_current(self) -> None:
        await self._keys.keep_current()

    async def close(self) -> None:
        await self._keys.close()

    async def check_signed(self, compact: Compact) -> None:
        """Raise InvalidToken if the signature is wrong or its key not known. The header's rules
        must have been checked."""
        algorithm = algorithm_named(compact.header["alg"]) or ""
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
            raise InvalidToken("its key is not known", TokenFault.KEY)
        check = self._signatures.get_alg(algorithm)
        try:
            check.check_key(key)
            holds = check.verify(compact.signed, compact.signature, key)
        except (JoseError, ValueError, TypeError) as error:
            raise InvalidToken("its signature cannot be checked", TokenFault.SIGNATURE) from error
        if not holds:
            raise InvalidToken("its signature does not hold", TokenFault.SIGNATURE)

    def _verified(self, token: Token) -> Verified:
        for check in CLAIM_RULES.values():
            check(self._policy, token)
        return Verified(principal(self._policy, token), *_span(token.claims))

    def check_time(self, claims: Mapping[str, Any]) -> None:
        """Raise InvalidToken if the claims have expired or are not valid yet."""
        self._check_span(*_span(claims))

    def _check_span(self, begins: float, ends: float) -> None:
        now, skew = self._clock.now().timestamp(), self._policy.clock_skew
        if now >= ends + skew:
            raise InvalidToken("it has expired", TokenFault.EXPIRED)
        if now < begins - skew:
            raise InvalidToken("it does not hold yet", TokenFault.NOT_YET_VALID)


def _span(claims: Mapping[str, Any]) -> tuple[float, float]:
    """Return from when until when a token is valid, in seconds."""
    return max(claims["iat"], claims.get("nbf", 0)), claims["exp"]
