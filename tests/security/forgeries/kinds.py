"""A provider's tokens that are no access tokens, and its access tokens without what tells them."""

from dataclasses import dataclass, field
from typing import Any

from tests.adapters.preset_cells import NEVER, SELF_DESCRIPTIONS
from tests.adapters.token_shapes import SHAPES, Claims, Shape
from tests.security.mint import Mint, compact

_TYPES = ("refresh+jwt", "application/okta-internal-at+jwt", "JWT ", "token-introspection+jwt")


@dataclass(frozen=True)
class ShapedMint(Mint):
    """Its honest tokens are a provider's access tokens."""

    shape: Shape = field(default=SHAPES[0])

    def claims(self, **changes: Any) -> dict[str, Any]:
        said = {"aud": ..., **self.shape.access, **changes}
        return super().claims(**said)

    def header(self, algorithm: str = "ES256", **changes: Any) -> dict[str, Any]:
        return super().header(algorithm, **{"typ": self.shape.typ or ..., **changes})

    def plain(self, claims: Claims) -> str:
        """A token that says these claims, and `JWT` where its provider's say `at+jwt`."""
        typ = "JWT" if self.shape.typ == "at+jwt" else self.shape.typ or ...
        return compact(self.header(typ=typ), Mint.claims(self, **{"aud": ..., **claims}), self.sign)


def kinds(mint: ShapedMint) -> dict[str, str]:
    shape = mint.shape
    made = {f"type: {typ}": mint.headed(typ=typ) for typ in _TYPES}
    for name, claims in shape.others.items():
        for mark in ("", "nonce", "at_hash", "c_hash", "s_hash"):
            marked = {**claims, mark: "x"} if mark else claims
            made[f"another: {name} {mark}".strip()] = mint.plain(marked)
    for changes in (*NEVER[shape.preset], *SELF_DESCRIPTIONS):
        made[f"access token: {changes}"] = mint.plain({**shape.access, **changes})
    return made
