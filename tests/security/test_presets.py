"""No forged token holds for a provider of any kind."""

from dataclasses import dataclass, field
from typing import Any

import pytest

from adapters.auth import JwtAuthenticator
from adapters.auth.key_set import KINDS, KeySet
from adapters.auth.keys import Keys, PublicKey
from adapters.auth.policy import TokenPolicy
from adapters.auth.presets import PRESETS
from application.errors import InvalidToken
from tests.adapters.token_shapes import SHAPES, Shape
from tests.clock import ManualClock
from tests.security.forgeries import forgeries
from tests.security.issuers import new_keys
from tests.security.mint import Mint

LEAST = 300


@dataclass(frozen=True)
class ShapedMint(Mint):
    """Its honest tokens are a provider's access tokens."""

    shape: Shape = field(default=SHAPES[0])

    def claims(self, **changes: Any) -> dict[str, Any]:
        said = {"aud": ..., **self.shape.access, **changes}
        return super().claims(**said)

    def header(self, algorithm: str = "ES256", **changes: Any) -> dict[str, Any]:
        return super().header(algorithm, **{"typ": self.shape.typ or ..., **changes})


class Known(Keys):
    version = 0
    ids = ()

    def __init__(self, mint: Mint) -> None:
        jwks = [key.as_dict(private=False, kid=key.thumbprint()) for key in mint.keys.values()]
        self._keys = KeySet.from_jwks({"keys": jwks}, tuple(KINDS))

    async def find(self, kid: str | None, algorithm: str) -> PublicKey | None:
        return self._keys.find(kid, algorithm)

    async def successor(self, key: PublicKey | None, algorithm: str) -> PublicKey | None:  # noqa: ARG002 - they stay the same
        return None

    async def check(self) -> None: ...

    async def keep_current(self) -> None: ...

    async def close(self) -> None: ...


def no_lies(shape: Shape) -> set[str]:
    """What is a lie of other providers, and the truth of this."""
    truths = {"type: none", "type: an ID token's"}
    if shape.typ is None:
        truths.add("a type twice")
    if "aud" not in shape.access:
        truths.add("audience: none")
    return truths


@pytest.mark.parametrize("shape", SHAPES, ids=lambda shape: shape.provider)
async def test_no_forgery_holds(shape: Shape) -> None:
    """Each is right in all but one thing."""
    mint = ShapedMint(
        shape.issuer, shape.audience, 0, new_keys(), new_keys(), "http://127.0.0.1:9", shape
    )
    policy = TokenPolicy(
        issuer=shape.issuer,
        audiences=(shape.audience,),
        algorithms=tuple(KINDS),
        preset=PRESETS[shape.preset],
    )
    authenticator = JwtAuthenticator(policy, Known(mint), ManualClock())
    await authenticator.authenticate(mint.honest())
    lies = {name: lie for name, lie in forgeries(mint).items() if name not in no_lies(shape)}
    assert len(lies) >= LEAST
    held = []
    for name, token in lies.items():
        try:
            held.append((name, await authenticator.authenticate(token)))
        except InvalidToken:
            continue
    assert not held
