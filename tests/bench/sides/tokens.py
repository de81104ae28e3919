"""The check of a token that every side has: RS256, with those that were checked kept."""

import os
import time
from functools import cache
from typing import Any

import httpx2
from joserfc import jwt
from joserfc.errors import JoseError
from joserfc.jwk import KeySet
from starlette.exceptions import HTTPException

from domain.owner import Owner

ISSUER = os.environ.get("BENCH_ISSUER", "")
AUDIENCE = os.environ.get("BENCH_AUDIENCE", "")
HELD_MAX = 4096

_REGISTRY = jwt.JWTClaimsRegistry(
    iss={"essential": True, "value": ISSUER},
    aud={"essential": True, "value": AUDIENCE},
    sub={"essential": True},
    exp={"essential": True},
)
_held: dict[str, tuple[Owner, float]] = {}


def owner_of(authorization: str | None) -> Owner:
    """Whoever a request is from. Raises 401."""
    scheme, _, token = (authorization or "").partition(" ")
    held = _held.get(token)
    if held is None:
        held = _checked(token)
        if len(_held) >= HELD_MAX:
            _held.pop(next(iter(_held)))
        _held[token] = held
    owner, ends = held
    if scheme != "Bearer" or time.time() >= ends:
        raise HTTPException(401)
    return owner


def _checked(token: str) -> tuple[Owner, float]:
    try:
        claims = jwt.decode(token, _keys(), algorithms=["RS256"]).claims
        _REGISTRY.validate(claims)
    except (JoseError, ValueError) as error:
        raise HTTPException(401) from error
    return Owner(claims["iss"], claims["sub"]), claims["exp"]


@cache
def _keys() -> KeySet:
    description = _document(f"{ISSUER}/.well-known/openid-configuration")
    return KeySet.import_key_set(_document(description["jwks_uri"]))


def _document(address: str) -> Any:
    return httpx2.get(address, trust_env=False).json()
