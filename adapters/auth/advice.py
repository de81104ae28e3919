"""What was found in a token for each rule, what is wanted, and the likely cure, in words."""

from collections.abc import Callable, Mapping
from datetime import UTC, datetime
from typing import Any

from adapters.auth.compact import TOKEN_MAX
from adapters.auth.discovery import shown
from adapters.auth.policy import TIMES, Token, TokenPolicy
from adapters.auth.presets import CLIENTS, ID_TOKEN_MARKS

Say = Callable[[TokenPolicy, Token], str]

_SIGNED_PARTS, _ENCRYPTED_PARTS = 3, 5
"""RFC 7515 section 7.1, RFC 7516 section 7.1."""

_ITSELF_ALONE = "application/okta-internal-at+jwt"

_ENCRYPTED = (
    "It has five parts, so it is encrypted, and only the provider can read it. Ask for a token for "
    "an audience (Auth0 encrypts one that was asked for without), or switch encryption off."
)
_OPAQUE = (
    "It is opaque: only the provider can say what it means. Have the provider make JSON Web "
    "Tokens, which many do once a client asks for an audience (or resource)."
)
_LONG = f"A token has at most {TOKEN_MAX:,} characters: have the provider put less into it."
_CHANGED = "It was changed on its way: copy all of it, and nothing else."
_HMAC = (
    "It is signed with a secret, with which whoever checks it could sign too, and that is never "
    "taken: have the provider sign with a key pair, RS256 or ES256."
)
_ALGORITHM = (
    "Have the provider sign with one of these, or allow its own in CHAT_SESSIONS_OIDC_ALGORITHMS."
)
_OKTA = (
    "Okta's organization server makes tokens for itself alone: use a custom authorization server, "
    "whose issuer ends in /oauth2/NAME."
)
_SLASH = "They differ in a slash at the end: set CHAT_SESSIONS_OIDC_ISSUER as the token has it."
_ENTRA = (
    "Entra ID has two versions of tokens, and the API's manifest says which it gets "
    "(requestedAccessTokenVersion): set 2 there, or this issuer."
)
_ISSUER = (
    "If that is your provider, set CHAT_SESSIONS_OIDC_ISSUER as the token has it, to the letter."
)
_NO_AUDIENCE = (
    "It is for nobody in particular: ask the provider for an audience (Keycloak: an audience "
    "mapper on the client; others: audience or resource in the request)."
)
_ID_LIKE = "It looks like an ID token, which is for the application: send the access token."
_PROVIDERS_OWN = "It is for the provider alone: ask for a token for this service's audience."
_AUDIENCE = (
    "Ask the provider for a token for one of these; or, if this is what your provider calls the "
    "service, add it to CHAT_SESSIONS_OIDC_AUDIENCE."
)
_NO_SUBJECT = (
    "It has no sub (Keycloak's lightweight tokens have none, nor do those without the client scope "
    "basic): have the provider put it in."
)
_KIND = (
    "If this is what your provider's access tokens are like, name the provider in "
    "CHAT_SESSIONS_OIDC_PROVIDER, or have it make tokens of RFC 9068 (at+jwt)."
)
_LIFETIME = "Have the provider shorten it, or raise CHAT_SESSIONS_OIDC_LIFETIME_MAX_SECONDS."
_EXPIRED = (
    "Get a new one: clients renew their tokens before they expire. If it is new, a clock is wrong."
)
_CLOCK = "The clock of the provider or of this machine is wrong: compare both with the time."
KEY = (
    "Another issuer, or another tenant of the same provider, has signed it; or the keys were "
    "changed and the provider does not show the new one yet."
)


def form_cure(text: str) -> str:
    if len(text) > TOKEN_MAX:
        return _LONG
    parts = text.count(".") + 1
    if parts == _ENCRYPTED_PARTS:
        return _ENCRYPTED
    return _CHANGED if parts == _SIGNED_PARTS else _OPAQUE


def time_cure(claims: Mapping[str, Any], now: float) -> str:
    return _CLOCK if claims["exp"] > now else _EXPIRED


def _algorithm_cure(_: TokenPolicy, token: Token) -> str:
    return _HMAC if str(token.header.get("alg")).upper().startswith("HS") else _ALGORITHM


def _type_cure(policy: TokenPolicy, token: Token) -> str:
    if str(token.header.get("typ")).lower() == _ITSELF_ALONE:
        return _OKTA
    if policy.preset.takes_id_tokens and token.is_at_jwt:
        return "id-token takes ID tokens alone; without it access tokens are taken."
    return "Send the access token: this is a token of another kind."


def _issuer_cure(policy: TokenPolicy, token: Token) -> str:
    found = str(token.claims.get("iss"))
    if found.rstrip("/") == policy.issuer.rstrip("/"):
        return _SLASH
    both = (found, policy.issuer)
    if all("sts.windows.net" in name or "microsoftonline" in name for name in both):
        return _ENTRA
    return _ISSUER


def _audience_cure(policy: TokenPolicy, token: Token) -> str:
    claims = token.claims
    if policy.preset.audience == "aud" and claims.get("aud") in (None, [], ""):
        return _NO_AUDIENCE
    if _is_like_id_token(claims):
        return _ID_LIKE
    return _PROVIDERS_OWN if claims.get("aud") in (claims.get("iss"), "account") else _AUDIENCE


def _subject_cure(policy: TokenPolicy, token: Token) -> str:
    if "sub" not in token.claims:
        return _NO_SUBJECT
    return f"Have the provider put {_person(policy)} in, 1 to 255 printable characters."


def _kind_cure(_: TokenPolicy, token: Token) -> str:
    return _ID_LIKE if _is_like_id_token(token.claims) else _KIND


def _is_like_id_token(claims: Mapping[str, Any]) -> bool:
    names_kind = claims.get("typ") == "ID" or claims.get("token_use") == "id"
    return names_kind or any(mark in claims for mark in ID_TOKEN_MARKS)


def _person(policy: TokenPolicy) -> str:
    return policy.subject_claim or policy.preset.person


def instant(value: object) -> str:
    try:
        return datetime.fromtimestamp(value, UTC).isoformat(timespec="seconds")  # type: ignore[arg-type]
    except (TypeError, ValueError, OverflowError, OSError):
        return "no time"


def times(claims: Mapping[str, Any]) -> str:
    named = [f"{name} {instant(claims[name])}" for name in TIMES if name in claims]
    return ", ".join(named) or "none"


def _lifetime(_: TokenPolicy, token: Token) -> str:
    times = [token.claims.get(name) for name in ("exp", "iat")]
    if not all(isinstance(time, int | float) for time in times):
        return ""
    try:
        return f"{times[0] - times[1]:g} s"  # type: ignore[operator]
    except OverflowError:
        return "longer than any"


def _claim(*names: str) -> Say:
    def found(_: TokenPolicy, token: Token) -> str:
        return _listed(token.claims, names)

    return found


def _listed(members: Mapping[str, Any], names: tuple[str, ...]) -> str:
    return (
        ", ".join(f"{name} {_value(members[name])}" for name in names if name in members) or "none"
    )


def _value(value: object) -> str:
    if isinstance(value, list):
        return " and ".join(_value(item) for item in value) or "nobody"
    return shown(value) if isinstance(value, str) else type(value).__name__


def _audience(policy: TokenPolicy, token: Token) -> str:
    place = policy.preset.at_jwt_audience if token.is_at_jwt else policy.preset.audience
    return _listed(token.claims, tuple(dict.fromkeys(("aud", place.removeprefix("end of ")))))


def _subject(policy: TokenPolicy, token: Token) -> str:
    return _listed(token.claims, tuple(dict.fromkeys(("sub", _person(policy)))))


FOUND: Mapping[str, Say] = {
    "type": lambda _, token: _listed(token.header, ("typ",)),
    "algorithm": lambda _, token: _listed(token.header, ("alg",)),
    "header": lambda _, token: " and ".join(map(shown, sorted(token.header))),
    "times": lambda _, token: times(token.claims),
    "lifetime": _lifetime,
    "issuer": _claim("iss"),
    "audience": _audience,
    "subject": _subject,
    "token id": lambda _, token: "jti" if "jti" in token.claims else "none",
    "access token": lambda policy, token: (
        f"{_listed(token.claims, CLIENTS)}; read as {policy.preset.name}"
    ),
}

WANTED: Mapping[str, Callable[[TokenPolicy], str]] = {
    "type": lambda policy: (
        "JWT or none" if policy.preset.takes_id_tokens else "at+jwt, JWT or none"
    ),
    "algorithm": lambda policy: f"one of {', '.join(policy.algorithms)}",
    "header": lambda _: "no parameter that changes how it is checked, and kid a text",
    "times": lambda _: "exp and iat in seconds",
    "lifetime": lambda policy: f"{policy.lifetime_max:g} s at most",
    "issuer": lambda policy: policy.issuer,
    "audience": lambda policy: f"{' or '.join(policy.audiences)} in {policy.preset.audience}",
    "subject": lambda policy: f"a {_person(policy)} that can be an owner",
    "token id": lambda _: "jti a text, or none",
    "access token": lambda policy: f"an access token as {policy.preset.name} makes them",
}

CURES: Mapping[str, Say] = {
    "type": _type_cure,
    "algorithm": _algorithm_cure,
    "lifetime": lambda _, __: _LIFETIME,
    "issuer": _issuer_cure,
    "audience": _audience_cure,
    "subject": _subject_cure,
    "access token": _kind_cure,
}
