"""What was found in a token for each rule, and what is wanted, in words."""

from collections.abc import Callable, Collection, Mapping
from datetime import UTC, datetime
from typing import Any

from adapters.auth.access_tokens import permissions
from adapters.auth.advice import person_of
from adapters.auth.discovery import shown
from adapters.auth.policy import TIMES, Token, TokenPolicy
from adapters.auth.presets import CLIENTS

Say = Callable[[TokenPolicy, Token], str]

_LISTED_MAX = 10
"""The most items of a list that are shown."""


def instant(value: object) -> str:
    try:
        return datetime.fromtimestamp(value, UTC).isoformat(timespec="seconds")  # type: ignore[arg-type]
    except (TypeError, ValueError, OverflowError, OSError):
        return "no time"


def times(claims: Mapping[str, Any]) -> str:
    named = [f"{name} {instant(claims[name])}" for name in TIMES if name in claims]
    return ", ".join(named) or "none"


def listed(names: Collection[str]) -> str:
    """Some of the names, and how many more there are."""
    more = len(names) - _LISTED_MAX
    some = " and ".join(shown(name) for name in list(names)[:_LISTED_MAX])
    return f"{some} and {more} more" if more > 0 else some


def _lifetime(_: TokenPolicy, token: Token) -> str:
    times = [token.claims.get(name) for name in ("exp", "iat")]
    if not all(isinstance(time, int | float) for time in times):
        return ""
    try:
        return f"{times[0] - times[1]:g} s"  # type: ignore[operator]
    except OverflowError:
        return "longer than any"


def _members(members: Mapping[str, Any], *names: str) -> str:
    found = [f"{name} {_value(members[name])}" for name in dict.fromkeys(names) if name in members]
    return ", ".join(found) or "none"


def _value(value: object) -> str:
    if isinstance(value, list):
        return listed([_value(item) for item in value]) or "nobody"
    return shown(value) if isinstance(value, str) else type(value).__name__


def _audience(policy: TokenPolicy, token: Token) -> str:
    place = policy.preset.at_jwt_audience if token.is_at_jwt else policy.preset.audience
    return _members(token.claims, "aud", place.removeprefix("end of "))


FOUND: Mapping[str, Say] = {
    "type": lambda _, token: _members(token.header, "typ"),
    "algorithm": lambda _, token: _members(token.header, "alg"),
    "header": lambda _, token: listed(sorted(token.header)),
    "times": lambda _, token: times(token.claims),
    "lifetime": _lifetime,
    "issuer": lambda _, token: _members(token.claims, "iss"),
    "audience": _audience,
    "subject": lambda policy, token: _members(token.claims, "sub", person_of(policy)),
    "token id": lambda _, token: "jti" if "jti" in token.claims else "none",
    "access token": lambda policy, token: (
        f"{_members(token.claims, *CLIENTS)}; read as {policy.preset.name}"
    ),
    "scopes": lambda _, token: listed(sorted(permissions(token.claims))) or "none",
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
    "subject": lambda policy: f"a {person_of(policy)} that can be an owner",
    "token id": lambda _: "jti a text, or none",
    "access token": lambda policy: f"an access token as {policy.preset.name} makes them",
    "scopes": lambda policy: " and ".join(policy.scope_names.values()),
}
