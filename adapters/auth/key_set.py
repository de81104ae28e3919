"""Read JSON Web Key Sets (RFC 7517 section 5), and find the keys that may check a token."""

from collections.abc import Collection
from dataclasses import dataclass, replace
from typing import Any

from adapters.auth.jwk import FitKey, PublicKey, UnfitError, described, fit_key

DOCUMENT_MAX = 256 * 1024
"""The most bytes that a key set, or a description that names one, may have."""

KEYS_MAX = 100
"""The most keys that a set may have."""


@dataclass(frozen=True, slots=True)
class KeySet:
    """A key set has the keys of an issuer that are fit to check its tokens."""

    keys: tuple[FitKey, ...] = ()
    others: tuple[str, ...] = ()
    """A description of each unfit key, and why it is: of another use or kind, weak, private or
    broken."""
    names_keys: bool = True
    """Whether keys have ids, as in JSON. PEM has none, so any key may be the one a token names."""

    @property
    def unfit(self) -> int:
        return len(self.others)

    @classmethod
    def from_jwks(
        cls,
        document: Any,  # noqa: ANN401 - any JSON
        algorithms: Collection[str],
        *,
        names_keys: bool = True,
    ) -> "KeySet":
        """Read a key set. A key that is listed twice counts once, for the algorithms of both.

        Raises ValueError for anything else, or a set of more than 100 keys.
        """
        jwks = document.get("keys") if isinstance(document, dict) else None
        if not isinstance(jwks, list):
            raise ValueError("it is no JSON Web Key Set")  # noqa: TRY004 - of a far side, not ours
        if len(jwks) > KEYS_MAX:
            raise ValueError(f"it has more than {KEYS_MAX} keys")
        fit: dict[tuple[str | None, bytes], FitKey] = {}
        others = []
        for jwk in [jwk for place, jwk in enumerate(jwks) if jwk not in jwks[:place]]:
            try:
                key = fit_key(jwk, algorithms)
            except UnfitError as error:
                others.append(described(jwk, str(error)))
                continue
            name = key.kid, key.material
            same = fit.get(name, key)
            fit[name] = replace(same, algorithms=same.algorithms | key.algorithms)
        return cls(tuple(fit.values()), tuple(others), names_keys)

    def knows(self, kid: str | None) -> bool:
        return any(self._may_be(kid, key) for key in self.keys)

    def find(self, kid: str | None, algorithm: str) -> PublicKey | None:
        """Return the key for the algorithm that has the id, or any id if that is None.

        None if there is no such key, or more than one.
        """
        fit = {
            key.material: key.key
            for key in self.keys
            if self._may_be(kid, key) and algorithm in key.algorithms
        }
        return next(iter(fit.values())) if len(fit) == 1 else None

    def _may_be(self, kid: str | None, key: FitKey) -> bool:
        is_only_key = key.kid is None and len(self.keys) == 1
        return kid in (None, key.kid) or is_only_key or not self.names_keys
