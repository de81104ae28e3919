"""Tokens made by hand: what an honest one holds, and the means to make any other."""

import json
from base64 import urlsafe_b64encode
from collections.abc import Callable
from typing import Any

from cryptography.hazmat.primitives.asymmetric.ec import ECDSA, EllipticCurvePrivateKey
from cryptography.hazmat.primitives.asymmetric.utils import decode_dss_signature
from cryptography.hazmat.primitives.hashes import SHA256
from cryptography.hazmat.primitives.serialization import load_pem_private_key
from joserfc.jwk import ECKey

from adapters.auth.development import AUDIENCE, ISSUER
from tests.clock import START

NOW = int(START.timestamp())


def claims(**changes: Any) -> dict[str, Any]:
    """Those of an honest token at NOW, changed; `...` takes one away."""
    made = {"iss": ISSUER, "aud": AUDIENCE, "sub": "alice", "iat": NOW, "exp": NOW + 60, **changes}
    return {name: value for name, value in made.items() if value is not ...}


def header(key: ECKey, **changes: Any) -> dict[str, Any]:
    """The same for its header."""
    made = {"alg": "ES256", "typ": "at+jwt", "kid": key.thumbprint(), **changes}
    return {name: value for name, value in made.items() if value is not ...}


def encoded(data: bytes) -> str:
    return urlsafe_b64encode(data).decode().rstrip("=")


def es256(key: ECKey, data: bytes) -> bytes:
    """A signature (RFC 7518 section 3.4) that joserfc would refuse to make under a wrong header."""
    private = load_pem_private_key(key.as_pem(private=True), None)
    assert isinstance(private, EllipticCurvePrivateKey)
    r, s = decode_dss_signature(private.sign(data, ECDSA(SHA256())))
    return r.to_bytes(32, "big") + s.to_bytes(32, "big")


def compact(head: object, payload: object, sign: Callable[[bytes], bytes]) -> str:
    """Three segments; header and payload are made JSON, unless they are text already."""
    body = ".".join(
        encoded((part if isinstance(part, str) else json.dumps(part)).encode())
        for part in (head, payload)
    )
    return f"{body}.{encoded(sign(body.encode()))}"


def signed(key: ECKey, payload: object, **changes: Any) -> str:
    """A token whose signature holds, whatever its header and payload say."""
    return compact(header(key, **changes), payload, lambda data: es256(key, data))
