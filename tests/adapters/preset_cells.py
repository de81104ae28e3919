"""What must decide about a provider's tokens, said once more than by the presets: without it a cell
that is lost there would be missed nowhere."""

from collections.abc import Iterator, Mapping
from typing import Any

from tests.adapters.shape_tokens import signed
from tests.adapters.token_shapes import CLIENT, USER, Claims, Shape

_HASHES: tuple[Claims, ...] = ({"at_hash": "x"}, {"c_hash": "x"}, {"s_hash": "x"})
_MARKS: tuple[Claims, ...] = ({"nonce": "x"}, *_HASHES)
_NOTHING: tuple[Any, ...] = ("", " ", [], {}, None, False, 0, 1, [0], [[]], {"roles": []}, {"x": 1})
"""What holds no text, and so allows nothing."""

_NO_CLIENT: Claims = {"client_id": ..., "azp": ..., "appid": ..., "cid": ...}
_NO_PERMISSION: Claims = {
    "scope": ...,
    "scp": ...,
    "roles": ...,
    "permissions": ...,
    "realm_access": ...,
}


def _lacks(*names: str) -> tuple[Claims, ...]:
    return tuple({name: ...} for name in names)


NEVER: Mapping[str, tuple[Claims, ...]] = {
    "standard": (
        *_MARKS,
        _NO_CLIENT,
        _NO_PERMISSION,
        *(
            {**dict.fromkeys(_NO_PERMISSION, ...), name: value}
            for name in _NO_PERMISSION
            for value in _NOTHING
        ),
        *({name: "https://chat.example"} for name in _NO_CLIENT),
        {**_NO_CLIENT, "client_id": " "},
    ),
    "keycloak": (*_MARKS, *_lacks("typ")),
    "entra": (
        *_MARKS,
        *_lacks("ver"),
        {"azp": ..., "appid": ...},
        {"scp": ..., "roles": ...},
        *({"scp": value, "roles": value} for value in _NOTHING),
    ),
    "okta": (*_MARKS, {"cid": ..., "azp": CLIENT}, {"azp": "api://default"}, _NO_PERMISSION),
    "cognito": (*_MARKS, *_lacks("token_use"), {"aud": CLIENT}, _NO_PERMISSION),
    "authentik": (*_HASHES, *_lacks("azp", "uid")),
    "zitadel": (*_MARKS, *_lacks("client_id", "jti"), {"azp": CLIENT}, {"auth_time": 1}),
    "casdoor": (*_MARKS, *_lacks("tokenType")),
    "clerk": (*_MARKS, *_lacks("sid", "v"), {"aud": "https://app.example"}),
    "supabase": (
        *_MARKS,
        *_lacks("role", "session_id", "is_anonymous"),
        {"role": "anon"},
        {"is_anonymous": True},
        {"is_anonymous": 0},
    ),
    "firebase": (*_MARKS, *_lacks("firebase", "user_id"), {"provider_id": "anonymous"}),
    "workos": (*_MARKS, *_lacks("sid"), {"aud": "client_01"}),
    "descope": (*_MARKS, *_lacks("drn"), {"aud": "other"}),
    "fusionauth": (*_MARKS, *_lacks("applicationId")),
    "better-auth": (
        *_MARKS,
        *({name: CLIENT} for name in _NO_CLIENT),
        {"aud": ["https://app.example", "other"]},
    ),
    "cloudflare": (*_MARKS, *_lacks("type", "sub"), {"type": "org"}, {"sub": ""}),
    "id-token": ({"aud": [CLIENT, "1.apps.googleusercontent.com"]}, {"azp": "other"}),
}
"""By preset, changes to an access token that each make it one that must not hold."""

_KINDS: Mapping[str, tuple[Any, ...]] = {
    "typ": ("ID", "Refresh", "Offline", "bearer", ["Bearer"], None, {}),
    "token_use": ("id", "Access", ["access"], None),
    "tokenType": ("id-token", "refresh-token", ["access-token"], None),
    "drn": ("DSR", ["DS"], None),
    "tty": ("id", ["at"], None),
    "events": ({}, {"x": {}}, None),
}

SELF_DESCRIPTIONS: tuple[Claims, ...] = tuple(
    {name: kind} for name, kinds in _KINDS.items() for kind in kinds
)
"""The same, under every preset."""

_PERSON = {"okta": "00u1"}
_ALSO: Mapping[str, tuple[tuple[Claims, str | None], ...]] = {
    "okta": (({"uid": ..., "cid": USER}, USER), ({"uid": ...}, None)),
    "authentik": (({"nonce": ...}, USER),),
    "firebase": (({"provider_id": "password"}, USER),),
    "descope": (({"aud": "P2abc"}, USER), ({"aud": ["other", "P2abc"]}, USER)),
}


def expected(shape: Shape) -> Iterator[tuple[str, str | None]]:
    """Tokens of the provider, and whose each is; None is for those that must not hold."""
    person = _PERSON.get(shape.preset, USER)
    plain: dict[str, Any] = {"typ": "JWT"} if shape.typ == "at+jwt" else {}
    yield signed(shape, shape.access), person
    for changes, whose in _ALSO.get(shape.preset, ()):
        yield signed(shape, {**shape.access, **changes}), whose
    for changes in (*NEVER[shape.preset], *SELF_DESCRIPTIONS):
        yield signed(shape, {**shape.access, **changes}, **plain), None
    for claims in shape.others.values():
        yield signed(shape, claims, **plain), None
    place = "client_id" if shape.preset == "clerk" else "aud"
    at_jwt = {place: shape.audience, "uid": "00u1"}
    yield signed(shape, at_jwt, typ="at+jwt"), None if shape.preset == "id-token" else person
