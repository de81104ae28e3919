"""Signatures by another algorithm than the issuer's, or by none."""

import hashlib
import hmac
import json
from typing import Any

from joserfc.jwk import ECKey, RSAKey

from tests.security.mint import Mint, Sign, compact, signing

_NONE: dict[str, Any] = {
    "none": "none",
    "None": "None",
    "NONE": "NONE",
    "nOnE": "nOnE",
    "an empty name": "",
    "null": None,
    "none after a space": " none",
    "none before NUL": "none\0",
}
_NAMES: dict[str, Any] = {
    "small letters": "es256",
    "a space at its end": "ES256 ",
    "a number": 256,
    "a list": ["ES256"],
    "an object": {"ES256": True},
    "true": True,
    "absent": ...,
    "of another curve": "ES384",
    "of a curve for coins": "ES256K",
    "for encryption": "ECDH-ES",
    "direct": "dir",
    "a path": "../ES256",
}


def algorithms(mint: Mint) -> dict[str, str]:
    return _unsigned(mint) | _named(mint) | _by_public_key(mint) | _confused(mint)


def _unsigned(mint: Mint) -> dict[str, str]:
    made = {}
    for name, spelling in _NONE.items():
        head = mint.header(alg=spelling)
        made[f"unsigned, alg {name}"] = compact(head, mint.claims(), lambda _: b"")
        made[f"zeros for a signature, alg {name}"] = compact(
            head, mint.claims(), lambda _: bytes(64)
        )
        made[f"signed, but alg {name}"] = compact(head, mint.claims(), mint.sign)
    return made


def _named(mint: Mint) -> dict[str, str]:
    return {
        f"an algorithm's name that is {name}": compact(
            mint.header(alg=alg), mint.claims(), mint.sign
        )
        for name, alg in _NAMES.items()
    }


def _by_public_key(mint: Mint) -> dict[str, str]:
    """HMAC with what everybody can know for a secret."""
    made = {}
    for algorithm in ("ES256", "RS256"):
        key = mint.keys[algorithm]
        assert isinstance(key, ECKey | RSAKey)
        pem = key.as_pem(private=False)
        kid = key.thumbprint()
        secrets = {
            "PEM": pem,
            "PEM without its last line's end": pem.rstrip(),
            "DER": key.as_der(private=False),
            "JWK": json.dumps(key.as_dict(private=False)).encode(),
            "JWK, compact": json.dumps(key.as_dict(private=False), separators=(",", ":")).encode(),
            "key id": kid.encode(),
            "nothing": b"",
            "secret": b"secret",
        }
        for name, secret in secrets.items():
            head = mint.header(algorithm, alg="HS256")
            made[f"HS256 with the {algorithm} key's {name}"] = compact(
                head, mint.claims(), _hmac(secret, "sha256")
            )
        for size in (384, 512):
            head = mint.header(algorithm, alg=f"HS{size}")
            made[f"HS{size} with the {algorithm} key's PEM"] = compact(
                head, mint.claims(), _hmac(pem, f"sha{size}")
            )
    return made


def _hmac(secret: bytes, digest: str) -> Sign:
    return lambda data: hmac.new(secret, data, getattr(hashlib, digest)).digest()


def _confused(mint: Mint) -> dict[str, str]:
    """A key that is known, used otherwise than it may be."""
    made = {}
    for said, done in (
        ("RS256", "PS256"),
        ("PS256", "RS256"),
        ("RS384", "RS256"),
        ("RS512", "RS256"),
        ("PS384", "PS256"),
        ("PS512", "PS256"),
        ("RS256", "RS512"),
    ):
        head = mint.header("RS256", alg=said)
        sign = signing(mint.keys["RS256"], done)
        made[f"{said} said and {done} done"] = compact(head, mint.claims(), sign)
    for said, other in (
        ("RS256", "ES256"),
        ("ES256", "RS256"),
        ("Ed25519", "ES256"),
        ("ES256", "Ed25519"),
        ("EdDSA", "ES256"),
    ):
        head = mint.header(other, alg=said)
        sign = signing(mint.keys[other], other)
        made[f"{said} said of a key for {other}"] = compact(head, mint.claims(), sign)
    return made
