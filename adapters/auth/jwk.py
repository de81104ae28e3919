"""Read JSON Web Keys (RFC 7517 section 4) that may check a token's signature."""

import re
from base64 import urlsafe_b64decode
from collections.abc import Collection, Mapping
from dataclasses import dataclass
from typing import Any

from cryptography.hazmat.primitives.serialization import Encoding, PublicFormat
from joserfc.errors import JoseError
from joserfc.jwk import ECKey, OKPKey, RSAKey

PublicKey = ECKey | OKPKey | RSAKey

RSA_BITS = range(2048, 8192 + 1)
"""RFC 7518 section 3.3 asks for 2048; above the upper bound one check takes too long."""

RSA_EXPONENT_BITS = 32

PRIVATE = frozenset({"d", "p", "q", "dp", "dq", "qi", "oth", "k"})
"""Members that no public key has (RFC 7518 sections 6.2.2, 6.3.2, 6.4.1)."""


@dataclass(frozen=True, slots=True)
class Kind:
    """A kind is what keys an algorithm takes: their class, curve and members."""

    key: type[PublicKey]
    curve: str | None
    members: tuple[str, ...]


_RSA = Kind(RSAKey, None, ("n", "e"))

KINDS: Mapping[str, Kind] = {
    **{f"{family}{size}": _RSA for family in ("RS", "PS") for size in (256, 384, 512)},
    "ES256": Kind(ECKey, "P-256", ("crv", "x", "y")),
    "ES384": Kind(ECKey, "P-384", ("crv", "x", "y")),
    "ES512": Kind(ECKey, "P-521", ("crv", "x", "y")),
    "Ed25519": Kind(OKPKey, "Ed25519", ("crv", "x")),
}
"""The algorithms that tokens may be signed with: each asymmetric one of RFC 7518 section 3.1, and
RFC 9864's for Ed25519."""


def algorithm_named(name: object) -> str | None:
    """Return the algorithm that an `alg` names. "EdDSA" means Ed25519, its name before RFC 9864; no
    other curve is accepted here."""
    return "Ed25519" if name == "EdDSA" else name if isinstance(name, str) else None


@dataclass(frozen=True, slots=True)
class FitKey:
    """A fit key has its id, and the algorithms that it may be used with."""

    kid: str | None
    algorithms: frozenset[str]
    key: PublicKey
    material: bytes
    """What the key is, however it is written and whatever is said of it (RFC 5280 section 4.1.2.7).
    """


class UnfitError(ValueError):
    """A key cannot check tokens. The text says why."""


_WORD = re.compile(r"[A-Za-z0-9+._-]{1,30}")


def described(jwk: Any, why: str) -> str:  # noqa: ANN401 - any JSON
    """Describe a key by its type, curve, algorithm and use, where those are plain words."""
    said = [jwk.get(name) for name in ("kty", "crv", "alg", "use")] if isinstance(jwk, dict) else []
    words = [word for word in said if isinstance(word, str) and _WORD.fullmatch(word)]
    return f"{' '.join(words) or 'a key of no kind'} ({why})"


def fit_key(jwk: Any, allowed: Collection[str]) -> FitKey:  # noqa: ANN401 - any JSON
    """Read a key. A member that is null is not there. Raises UnfitError."""
    if not isinstance(jwk, dict):
        raise UnfitError("no object")
    said = {name: value for name, value in jwk.items() if value is not None}
    _check_purpose(said)
    fits = {
        name
        for name in allowed
        if said.get("kty") == KINDS[name].key.key_type
        and KINDS[name].curve in (None, said.get("crv"))
        and algorithm_named(said.get("alg", name)) == name
    }
    if not fits:
        raise UnfitError("for no algorithm that is accepted")
    key = _imported(said, KINDS[min(fits)])
    material = key.public_key.public_bytes(Encoding.DER, PublicFormat.SubjectPublicKeyInfo)
    return FitKey(said.get("kid"), frozenset(fits), key, material)


def _check_purpose(jwk: Mapping[str, Any]) -> None:
    """Raise UnfitError for a key that is for something else than to check signatures. Values are
    case-sensitive (RFC 7517 sections 4.2 and 4.3)."""
    if jwk.get("kty") == "oct":
        raise UnfitError("a secret, with which tokens can be made too")
    if PRIVATE & jwk.keys():
        raise UnfitError("private")
    if not isinstance(jwk.get("kid", ""), str):
        raise UnfitError("its kid is no text")
    if jwk.get("use", "sig") != "sig":
        raise UnfitError("its use is not sig")
    operations = jwk.get("key_ops", ["verify"])
    if not isinstance(operations, list) or "verify" not in operations:
        raise UnfitError("its key_ops lack verify")


def _imported(jwk: Mapping[str, Any], kind: Kind) -> PublicKey:
    """Import the key with its necessary members only, so that no other has any effect."""
    try:
        if kind.key is RSAKey and not _is_strong(jwk):
            raise UnfitError(f"not of {RSA_BITS[0]} to {RSA_BITS[-1]} bits")
        members = {name: jwk[name] for name in kind.members}
        return kind.key.import_key({"kty": kind.key.key_type, **members})
    except (JoseError, ValueError, TypeError, KeyError) as error:
        raise error if isinstance(error, UnfitError) else UnfitError("broken") from error


def _is_strong(jwk: Mapping[str, Any]) -> bool:
    n, e = (int.from_bytes(urlsafe_b64decode(jwk[name] + "===")) for name in ("n", "e"))
    return n.bit_length() in RSA_BITS and e.bit_length() <= RSA_EXPONENT_BITS
