"""What a token must be to hold, whoever checks its signature. Each rule stands alone."""

from collections.abc import Callable, Collection, Mapping
from dataclasses import dataclass, field
from typing import Any

from joserfc.errors import JoseError
from joserfc.jwt import JWTClaimsRegistry

from adapters.auth import access_tokens
from adapters.auth.jwk import algorithm_named
from adapters.auth.presets import STANDARD, Preset
from application.errors import InvalidToken, TokenFault
from application.ports.authenticator import EVERY_SCOPE, SCOPE_NAMES, Actor, Principal, Scope
from domain.errors import InvalidValue
from domain.owner import SUBJECT_MAX, Owner, check_subject

LIFETIME_MAX = 24 * 60 * 60
"""Seconds from `iat` to `exp`, unless a policy says otherwise."""

AT_JWT = frozenset({"at+jwt", "application/at+jwt"})
"""The types of an access token (RFC 9068 section 2.1)."""

_REFUSED = frozenset({"crit", "b64", "zip", "jku", "jwk", "x5u", "x5c"})
"""Header parameters that would change what is checked, or bring along what to check it with."""

TIMES = ("exp", "iat", "nbf")


@dataclass(frozen=True, slots=True, kw_only=True)
class TokenPolicy:
    """Which tokens hold. Times are in seconds.

    Without `require_scopes` a token allows all that its subject may do. `subject_claim` is the
    claim that says whose a token is, where it is not the preset's. `acts_for` is another issuer,
    whose people the tokens speak for.
    """

    issuer: str
    audiences: Collection[str]
    algorithms: Collection[str]
    preset: Preset = STANDARD
    subject_claim: str | None = None
    acts_for: str | None = None
    clock_skew: float = 0
    lifetime_max: float = LIFETIME_MAX
    require_scopes: bool = False
    scope_names: Mapping[Scope, str] = field(default_factory=lambda: SCOPE_NAMES)


@dataclass(frozen=True, slots=True)
class Token:
    """What a token says, whether or not it is true."""

    header: Mapping[str, Any]
    claims: Mapping[str, Any]

    @property
    def is_at_jwt(self) -> bool:
        return _type(self.header) in AT_JWT


Rule = Callable[[TokenPolicy, Token], None]
"""Raises InvalidToken for a token that breaks it. It can rely on the rules before it."""


def _check_type(policy: TokenPolicy, token: Token) -> None:
    kind = _type(token.header)
    if kind not in {None, "jwt", *AT_JWT} or (token.is_at_jwt and policy.preset.takes_id_tokens):
        raise InvalidToken("it is not an access token", TokenFault.TYPE)


def _check_algorithm(policy: TokenPolicy, token: Token) -> None:
    if algorithm_named(token.header.get("alg")) not in policy.algorithms:
        raise InvalidToken("its algorithm is not accepted", TokenFault.ALGORITHM)


def _check_parameters(_: TokenPolicy, token: Token) -> None:
    if _REFUSED & token.header.keys():
        raise InvalidToken("a header parameter is not accepted", TokenFault.HEADER)
    if not isinstance(token.header.get("kid"), str | None):
        raise InvalidToken("its key id is not a string", TokenFault.HEADER)


def _check_times(_: TokenPolicy, token: Token) -> None:
    times = {name: token.claims[name] for name in TIMES if name in token.claims}
    if not times.keys() >= {"exp", "iat"} or not all(map(_is_instant, times.values())):
        raise InvalidToken("it has no times, or one that is none", TokenFault.TIMES)


def _check_lifetime(policy: TokenPolicy, token: Token) -> None:
    if not 0 < token.claims["exp"] - token.claims["iat"] <= policy.lifetime_max:
        raise InvalidToken("it lives too long", TokenFault.LIFETIME)


def _check_issuer(policy: TokenPolicy, token: Token) -> None:
    registry = JWTClaimsRegistry(iss={"essential": True, "value": policy.issuer})
    _check_claim(registry, "iss", token, TokenFault.ISSUER)


def _check_audience(policy: TokenPolicy, token: Token) -> None:
    access_tokens.check_audience(
        policy.preset, token.claims, policy.audiences, is_at_jwt=token.is_at_jwt
    )


def _check_subject(policy: TokenPolicy, token: Token) -> None:
    _check_claim(JWTClaimsRegistry(sub={"essential": True}), "sub", token, TokenFault.SUBJECT)
    try:
        check_subject(token.claims["sub"])
        check_subject(_subject(policy, token))
    except InvalidValue as error:
        raise InvalidToken("its subject is not acceptable", TokenFault.SUBJECT) from error


def _check_id(_: TokenPolicy, token: Token) -> None:
    _check_claim(JWTClaimsRegistry(), "jti", token, TokenFault.MALFORMED)


def _check_kind(policy: TokenPolicy, token: Token) -> None:
    if not token.is_at_jwt:
        access_tokens.check_kind(policy.preset, token.claims)


HEADER_RULES: Mapping[str, Rule] = {
    "type": _check_type,
    "algorithm": _check_algorithm,
    "header": _check_parameters,
}
"""By what each is about. They come before the signature, since they say how it is checked."""

CLAIM_RULES: Mapping[str, Rule] = {
    "times": _check_times,
    "lifetime": _check_lifetime,
    "issuer": _check_issuer,
    "audience": _check_audience,
    "subject": _check_subject,
    "token id": _check_id,
    "access token": _check_kind,
}


def principal(policy: TokenPolicy, token: Token) -> Principal:
    """Whom a token speaks for that keeps the rules, and what it allows."""
    issuer = token.claims["iss"]
    owner = Owner(policy.acts_for or issuer, _subject(policy, token))
    return Principal(owner, scopes(policy, token), _actor(policy, token), policy.scope_names)


def scopes(policy: TokenPolicy, token: Token) -> frozenset[Scope]:
    """What a token allows."""
    if not policy.require_scopes:
        return EVERY_SCOPE
    named = access_tokens.permissions(token.claims)
    return frozenset(scope for scope, name in policy.scope_names.items() if name in named)


def _subject(policy: TokenPolicy, token: Token) -> str:
    return access_tokens.subject(policy.preset, token.claims, policy.subject_claim)


def _actor(policy: TokenPolicy, token: Token) -> Actor | None:
    """Who acts for the person: whom an exchanged token names (RFC 8693 section 4.1), else an issuer
    that acts for another's people."""
    issuer, act = token.claims["iss"], token.claims.get("act")
    named = act.get("sub") if isinstance(act, dict) else None
    if isinstance(named, str) and 1 <= len(named) <= SUBJECT_MAX and named.isprintable():
        return Actor(named, issuer)
    return Actor(issuer, issuer) if policy.acts_for else None


def _type(header: Mapping[str, Any]) -> str | None:
    """In small letters (RFC 7515 section 4.1.9); None where there is none."""
    return str(header["typ"]).lower() if "typ" in header else None


def _check_claim(registry: JWTClaimsRegistry, name: str, token: Token, fault: TokenFault) -> None:
    try:
        registry.validate({name: token.claims[name]} if name in token.claims else {})
    except JoseError as error:
        raise InvalidToken(f"a claim does not hold: {error.description}", fault) from error


def _is_instant(value: object) -> bool:
    """A NumericDate (RFC 7519 section 2) that a double holds exactly to the second."""
    return type(value) in (int, float) and 0 <= value < 1 << 53  # type: ignore[operator]
