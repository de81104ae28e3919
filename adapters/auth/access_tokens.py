"""What a token's claims say, as a preset has it: of its kind, whom it is for and whose it is."""

from collections.abc import Collection, Mapping
from typing import Any

from adapters.auth.presets import (
    CLIENTS,
    PERMISSIONS,
    SELF_DESCRIPTIONS,
    AudiencePlace,
    Claim,
    Preset,
    end_of,
)
from application.errors import InvalidToken, TokenFault

Claims = Mapping[str, Any]


def check_kind(preset: Preset, claims: Claims) -> None:
    """Raise InvalidToken unless a token whose `typ` is `JWT` or absent is an access token."""
    for name, value in SELF_DESCRIPTIONS.items():
        if name in claims and (value is None or claims[name] != value):
            raise _other(f"its claim {name} names another kind of token")
    for claim in preset.forbidden:
        if any(name in claims and _has_value(claims[name], claim) for name in claim.names):
            raise _other(f"it has {_written(claim)}")
    for claim in preset.required:
        if not any(_says(claim, name, claims.get(name)) for name in claim.names):
            raise _other(f"it lacks {_written(claim)}")
    if preset.names_client:
        _check_client(claims)
    if preset.says_permissions and not any(has_text(claims.get(name)) for name in PERMISSIONS):
        raise _other(f"it lacks {' or '.join(PERMISSIONS)}")


def check_audience(
    preset: Preset, claims: Claims, audiences: Collection[str], *, is_at_jwt: bool
) -> None:
    """Raise InvalidToken unless the token is for one of the audiences. Wherever that is said, an
    `aud` that is there has one of them, too (RFC 7519 section 4.1.3)."""
    named = _audience(claims)
    if named is not None and not any(audience in named for audience in audiences):
        raise _for_another("aud has none of the audiences")
    place = preset.at_jwt_audience if is_at_jwt else preset.audience
    if not any(audience in audiences for audience in _at(place, claims, named)):
        raise _for_another(f"{place} has none of the audiences")
    if is_at_jwt:
        return
    if preset.is_for_issuer and named != [claims["iss"]]:
        raise _for_another("aud is not the issuer")
    if preset.is_audience_alone:
        _check_alone(claims, named)


def subject(preset: Preset, claims: Claims, chosen: str | None) -> str:
    """Whose the token is. `chosen` is the claim that an operator has named for it: a token
    without that is refused, whatever its `sub` says."""
    name = chosen or preset.person
    value = claims.get(name)
    is_client = preset.client is not None and claims["sub"] == claims.get(preset.client)
    if value is None and chosen is None and is_client:
        value = claims["sub"]
    if not isinstance(value, str):
        raise InvalidToken(f"its subject is not acceptable: it has no {name}", TokenFault.SUBJECT)
    return value


def permissions(claims: Claims) -> frozenset[str]:
    """The names in `scope` (RFC 9068 section 2.2.3) and `scp`, each a list or one text in which
    spaces separate them."""
    named: set[str] = set()
    for claim in ("scope", "scp"):
        value = claims.get(claim)
        names = value.split(" ") if isinstance(value, str) else value
        if isinstance(names, list):
            named.update(name for name in names if isinstance(name, str))
    return frozenset(named)


def _check_client(claims: Claims) -> None:
    clients = [claims[name] for name in CLIENTS if name in claims]
    if not clients or not all(isinstance(client, str) and has_text(client) for client in clients):
        raise _other(f"it lacks {' or '.join(CLIENTS)}")
    if any(client in (_audience(claims) or ()) for client in clients):
        raise _other("its client is in aud")


def _check_alone(claims: Claims, named: list[str] | None) -> None:
    if named is None or len(named) != 1:
        raise _for_another("aud has others too")
    if "azp" in claims and claims["azp"] != named[0]:
        raise _for_another("azp is another client")


def _audience(claims: Claims) -> list[str] | None:
    """`aud` as a list; None where it is not there. Any other value is nobody."""
    if "aud" not in claims:
        return None
    value = claims["aud"]
    named = value if isinstance(value, list) else [value]
    return named if all(isinstance(name, str) for name in named) else []


def _at(place: AudiencePlace, claims: Claims, named: list[str] | None) -> list[str]:
    if place == "aud":
        return named or []
    value = end_of(claims["iss"]) if place == "end of iss" else claims.get(place)
    return [value] if isinstance(value, str) else []


def _says(claim: Claim, name: str, value: object) -> bool:
    """Whether a claim that must be there says something. A permission is always a text."""
    if claim.value is not None:
        return _has_value(value, claim)
    is_number = type(value) in (int, float) and name not in PERMISSIONS
    return is_number or has_text(value)


def has_text(value: object) -> bool:
    """Whether the value is a text that is not blank, or a list or object that holds one."""
    if isinstance(value, dict):
        value = list(value.values())
    if isinstance(value, list):
        return any(map(has_text, value))
    return isinstance(value, str) and not value.isspace() and value != ""


def _has_value(value: object, claim: Claim) -> bool:
    """0 is not false."""
    return claim.value is None or (type(value) is type(claim.value) and value == claim.value)


def _written(claim: Claim) -> str:
    names = " or ".join(claim.names)
    return names if claim.value is None else f"{names} {str(claim.value).lower()}"


def _other(why: str) -> InvalidToken:
    return InvalidToken(f"it is not an access token: {why}", TokenFault.NOT_ACCESS_TOKEN)


def _for_another(why: str) -> InvalidToken:
    return InvalidToken(f"a claim does not hold: {why}", TokenFault.AUDIENCE)
