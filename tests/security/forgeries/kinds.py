"""A provider's tokens that are no access tokens, and its access tokens without what tells them."""

from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import Any

from adapters.auth.presets import (
    CLIENTS,
    ID_TOKEN_MARKS,
    PERMISSIONS,
    PRESETS,
    SELF_DESCRIPTIONS,
    Preset,
)
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
    shape, preset = mint.shape, PRESETS[mint.shape.preset]
    made = {f"type: {typ}": mint.headed(typ=typ) for typ in _TYPES}
    for name, claims in shape.others.items():
        for mark in ("", *ID_TOKEN_MARKS):
            marked = {**claims, mark: "x"} if mark else claims
            made[f"another: {name} {mark}".strip()] = mint.plain(marked)
    for name, changes in _changes(preset, shape.audience):
        made[f"access token: {name}"] = mint.plain({**shape.access, **changes})
    return made


def _changes(preset: Preset, audience: str) -> Iterator[tuple[str, dict[str, Any]]]:
    """Each takes from an access token, or gives it, one thing that the preset decides by."""
    others: tuple[Any, ...]
    for name, value in SELF_DESCRIPTIONS.items():
        others = ("Refresh", [value], None, {})
        for other in others:
            yield f"{name} {other!r}", {name: other}
    for claim in preset.required:
        others = ("x", [claim.value]) if claim.value is not None else ()
        for other in (..., None, "", [], *others):
            yield f"{claim} {other!r}", dict.fromkeys(claim.names, other)
    for claim in preset.forbidden:
        yield f"{claim}", {claim.names[0]: claim.value or "x"}
    if preset.names_client:
        yield "no client", dict.fromkeys(CLIENTS, ...)
        for name in CLIENTS if preset.audience == "aud" else ():
            yield f"{name} in aud", {name: audience}
    if preset.says_permissions:
        yield "no permissions", dict.fromkeys(PERMISSIONS, ...)
    if preset.is_audience_alone:
        yield "two audiences", {"aud": [audience, "other"]}
        yield "another client", {"azp": "other"}
