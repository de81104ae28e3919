"""The likely cure of what is wrong with a token, in words. `{issuer}` and the like stand for what
an operator sets there."""

from collections.abc import Callable, Mapping
from typing import Any

from adapters.auth.access_tokens import has_text
from adapters.auth.compact import TOKEN_MAX
from adapters.auth.jwk import KINDS, algorithm_named
from adapters.auth.policy import Token, TokenPolicy
from adapters.auth.presets import (
    CLIENTS,
    ID_TOKEN_MARKS,
    PERMISSIONS,
    SELF_DESCRIPTIONS,
    STANDARD,
)

SETTINGS = ("issuer", "audience", "provider", "algorithms", "lifetime_max_seconds")
"""What cures name."""

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
_UNSIGNED = (
    "It is not signed, so anybody could have made it, and that is never taken: have the provider "
    "sign with a key pair, RS256 or ES256."
)
_HMAC = (
    "It is signed with a secret, with which whoever checks it could sign too, and that is never "
    "taken: have the provider sign with a key pair, RS256 or ES256."
)
_ALGORITHM = "Have the provider sign with one of these, or allow its own in {algorithms}."
_NEVER = "That algorithm is never taken: have the provider sign with RS256 or ES256."
_OKTA = (
    "Okta's organization server makes tokens for itself alone: use a custom authorization server, "
    "whose issuer ends in /oauth2/NAME."
)
_SLASH = "They differ in a slash at the end: set {issuer} as the token has it."
_ENTRA = (
    "Entra ID has two versions of tokens, and the API's manifest says which it gets "
    "(requestedAccessTokenVersion): set 2 there, or this issuer."
)
_ISSUER = "If that is your provider, set {issuer} as the token has it, to the letter."
_NO_ISSUER = "It does not say who made it: have the provider put iss in."
_NO_AUDIENCE = (
    "It is for nobody in particular: ask the provider for an audience (Keycloak: an audience "
    "mapper on the client; others: audience or resource in the request)."
)
_ID_TOKEN = "It looks like an ID token, which is for the application: send the access token."  # noqa: S105 - words
_MAYBE_ID_TOKEN = (
    "It may be an ID token, which is for the application: then send the access token. "  # noqa: S105 - words
)
_PROVIDERS_OWN = "It is for the provider alone: ask for a token for this service's audience."
_AUDIENCE = (
    "Ask the provider for a token for one of these; or, if this is what your provider calls the "
    "service, add it to {audience}."
)
_NO_SUBJECT = (
    "It has no sub (Keycloak's lightweight tokens have none, nor do those without the client scope "
    "basic): have the provider put it in."
)
_OTHER_KIND = "Send the access token: this is a token of another kind."
_KIND = (
    "If this is what your provider's access tokens are like, name the provider in {provider}, or "
    "have it make tokens of RFC 9068 (at+jwt)."
)
_OTHER_PROVIDER = (
    "It is no access token as {preset} makes them for people who have signed in; if another "
    "provider made it, name that one in {provider}."
)
_LIFETIME = "Have the provider shorten it, or raise {lifetime_max_seconds}, which may be 30 days."
_NO_LIFE = "It ends before it begins: have the provider set exp after iat."
_EXPIRED = (
    "Get a new one: clients renew their tokens before they expire. If it is new, a clock is wrong."
)
_CLOCK = "The clock of the provider or of this machine is wrong: compare both with the time."
KEY = (
    "Another issuer, or another tenant of the same provider, has signed it; or the keys were "
    "changed and the provider does not show the new one yet."
)
SCOPES = "Have the application ask the provider for these scopes, and the person be given them."


def form_cure(text: str) -> str:
    if len(text) > TOKEN_MAX:
        return _LONG
    parts = text.split(".")
    if len(parts) == _ENCRYPTED_PARTS:
        return _ENCRYPTED
    if len(parts) != _SIGNED_PARTS:
        return _OPAQUE
    return _CHANGED if parts[2] else _UNSIGNED


def time_cure(claims: Mapping[str, Any], now: float) -> str:
    return _CLOCK if claims["exp"] > now else _EXPIRED


def _algorithm_cure(_: TokenPolicy, token: Token) -> str:
    named = str(token.header.get("alg"))
    if named.upper().startswith("HS"):
        return _HMAC
    if named.lower() == "none":
        return _UNSIGNED
    return _ALGORITHM if algorithm_named(named) in KINDS else _NEVER


def _type_cure(policy: TokenPolicy, token: Token) -> str:
    if str(token.header.get("typ")).lower() == _ITSELF_ALONE:
        return _OKTA
    if policy.preset.takes_id_tokens and token.is_at_jwt:
        return "id-token takes ID tokens alone; without it access tokens are taken."
    return _OTHER_KIND


def _lifetime_cure(_: TokenPolicy, token: Token) -> str:
    return _LIFETIME if token.claims["exp"] > token.claims["iat"] else _NO_LIFE


def _issuer_cure(policy: TokenPolicy, token: Token) -> str:
    found = token.claims.get("iss")
    if not isinstance(found, str):
        return _NO_ISSUER
    if differ_in_slash(found, policy.issuer):
        return _SLASH
    return _ENTRA if are_entra(found, policy.issuer) else _ISSUER


def differ_in_slash(one: str, other: str) -> bool:
    return one.rstrip("/") == other.rstrip("/")


def are_entra(*issuers: str) -> bool:
    hosts = ("sts.windows.net", "login.microsoftonline.com")
    return all(any(host in issuer for host in hosts) for issuer in issuers)


def _audience_cure(policy: TokenPolicy, token: Token) -> str:
    claims = token.claims
    if policy.preset.audience == "aud" and claims.get("aud") in (None, [], ""):
        return _NO_AUDIENCE
    if _is_marked(claims):
        return _ID_TOKEN
    if claims.get("aud") in (claims.get("iss"), "account"):
        return _PROVIDERS_OWN
    says_nothing = not any(has_text(claims.get(name)) for name in (*CLIENTS, *PERMISSIONS))
    return f"{_MAYBE_ID_TOKEN if says_nothing else ''}{_AUDIENCE}"


def _subject_cure(policy: TokenPolicy, token: Token) -> str:
    if "sub" not in token.claims:
        return _NO_SUBJECT
    return f"Have the provider put {person_of(policy)} in, 1 to 255 printable characters."


def _kind_cure(policy: TokenPolicy, token: Token) -> str:
    claims = token.claims
    if _is_marked(claims):
        return _ID_TOKEN
    if any(name in claims and claims[name] != value for name, value in SELF_DESCRIPTIONS.items()):
        return _OTHER_KIND
    if policy.preset is STANDARD:
        return f"{_MAYBE_ID_TOKEN}{_KIND}"
    return f"{_MAYBE_ID_TOKEN}{_OTHER_PROVIDER.replace('{preset}', policy.preset.name)}"


def _is_marked(claims: Mapping[str, Any]) -> bool:
    names_kind = any(claims.get(name) in ("ID", "id", "id-token") for name in SELF_DESCRIPTIONS)
    return names_kind or any(mark in claims for mark in ID_TOKEN_MARKS)


def person_of(policy: TokenPolicy) -> str:
    return policy.subject_claim or policy.preset.person


CURES: Mapping[str, Callable[[TokenPolicy, Token], str]] = {
    "type": _type_cure,
    "algorithm": _algorithm_cure,
    "lifetime": _lifetime_cure,
    "issuer": _issuer_cure,
    "audience": _audience_cure,
    "subject": _subject_cure,
    "access token": _kind_cure,
}
