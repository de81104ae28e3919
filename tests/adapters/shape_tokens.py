"""Tokens of each shape, and what checks them."""

from typing import Any

from joserfc import jwt
from joserfc.jwk import ECKey, OKPKey, RSAKey

from adapters.auth import JwtAuthenticator
from adapters.auth.jwk import KINDS
from adapters.auth.key_set import KeySet
from adapters.auth.keys import Keys, PublicKey
from adapters.auth.policy import TokenPolicy
from adapters.auth.presets import PRESETS, Preset
from application.errors import InvalidToken
from tests.adapters.token_shapes import SHAPES, USER, Claims, Shape
from tests.clock import ManualClock
from tests.security.mint import NOW

KEYS: dict[str, ECKey | OKPKey | RSAKey] = {
    "RS": RSAKey.generate_key(),
    "ES256": ECKey.generate_key("P-256"),
    "ES384": ECKey.generate_key("P-384"),
    "Ed25519": OKPKey.generate_key("Ed25519"),
}
JWKS = KeySet.from_jwks(
    {"keys": [key.as_dict(private=False) for key in KEYS.values()]}, tuple(KINDS)
)


class Fixed(Keys):
    version = 0
    ids = ()

    async def find(self, kid: str | None, algorithm: str) -> PublicKey | None:
        return JWKS.find(kid, algorithm)

    async def successor(self, key: PublicKey | None, algorithm: str) -> PublicKey | None:  # noqa: ARG002
        return None

    async def check(self) -> None: ...

    async def keep_current(self) -> None: ...

    async def close(self) -> None: ...


def signed(shape: Shape, claims: Claims, **header: Any) -> str:
    made = {"iss": shape.issuer, "sub": USER, "iat": NOW, "exp": NOW + 60, **claims}
    key = KEYS[shape.algorithm if shape.algorithm in KEYS else "RS"]
    head = {"alg": shape.algorithm, "typ": shape.typ, **header}
    return jwt.encode(
        {name: value for name, value in head.items() if value is not None},
        {name: value for name, value in made.items() if value is not ...},
        key,
        [shape.algorithm],
    )


def authenticator(shape: Shape, preset: Preset | None = None, **policy: Any) -> JwtAuthenticator:
    made = {
        "issuer": shape.issuer,
        "audiences": (shape.audience,),
        "algorithms": tuple(KINDS),
        "preset": preset or PRESETS[shape.preset],
        **policy,
    }
    return JwtAuthenticator(TokenPolicy(**made), Fixed(), ManualClock())


async def fault(shape: Shape, token: str, preset: Preset | None = None, **policy: Any) -> str:
    """The rule that the token breaks, or nothing."""
    try:
        await authenticator(shape, preset, **policy).authenticate(token)
    except InvalidToken as refusal:
        return str(refusal.fault)
    return ""


def of(preset: str) -> Shape:
    return next(shape for shape in SHAPES if shape.preset == preset)
