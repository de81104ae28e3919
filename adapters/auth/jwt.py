from joserfc.errors import JoseError
from joserfc.jws import JWSRegistry

from adapters.auth.compact import TOKEN_MAX, Compact, json_object
from adapters.auth.key_set import algorithm_named
from adapters.auth.keys import Keys, PublicKey
from adapters.auth.policy import CLAIM_RULES, HEADER_RULES, Token, TokenPolicy, owner, scopes
from adapters.auth.verified import Verified, VerifiedTokens
from application.errors import InvalidToken, TokenFault
from application.ports.authenticator import Authenticator, Principal
from application.ports.clock import Clock


class JwtAuthenticator(Authenticator):
    """Access tokens of one issuer: JSON Web Tokens that keep the rules of a policy."""

    def __init__(self, policy: TokenPolicy, keys: Keys, clock: Clock) -> None:
        self._policy = policy
        self._keys = keys
        self._clock = clock
        self._held = VerifiedTokens()
        self._signatures = JWSRegistry(algorithms=list(policy.algorithms))

    async def authenticate(self, token: str) -> Principal:
        if len(token) > TOKEN_MAX or not token.isascii():
            raise InvalidToken("it is no JSON Web Token")
        verified = self._held.get(token, self._keys.version)
        if verified is not None:
            self._check_time(verified)
            return verified.principal
        compact = Compact.of(token)
        for check in HEADER_RULES.values():
            check(self._policy, Token(compact.header, {}))
        await self._check_signed(compact)
        verified = self._verified(Token(compact.header, json_object(compact.payload)))
        self._check_time(verified)
        self._held.put(token, self._keys.version, verified)
        return verified.principal

    async def check(self) -> None:
        await self._keys.check()

    async def keep_current(self) -> None:
        await self._keys.keep_current()

    async def close(self) -> None:
        await self._keys.close()

    async def _check_signed(self, compact: Compact) -> None:
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
        claims = token.claims
        principal = Principal(owner(self._policy, token), scopes(self._policy, token))
        return Verified(principal, max(claims["iat"], claims.get("nbf", 0)), claims["exp"])

    def _check_time(self, verified: Verified) -> None:
        now, skew = self._clock.now().timestamp(), self._policy.clock_skew
        if now >= verified.ends + skew:
            raise InvalidToken("it has expired", TokenFault.EXPIRED)
        if now < verified.begins - skew:
            raise InvalidToken("it does not hold yet", TokenFault.NOT_YET_VALID)
