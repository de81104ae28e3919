"""Tokens that do not hold: each is one lie, and right in all else."""

from tests.security.forgeries.algorithms import algorithms
from tests.security.forgeries.claims import claims
from tests.security.forgeries.headers import headers
from tests.security.forgeries.signatures import signatures
from tests.security.forgeries.texts import texts
from tests.security.mint import Mint


def forgeries(mint: Mint) -> dict[str, str]:
    """Each by the lie that it tells."""
    made: dict[str, str] = {}
    for kind in (algorithms, claims, headers, signatures, texts):
        found = kind(mint)
        assert not made.keys() & found.keys()
        made |= found
    assert len(set(made.values())) == len(made)
    return made
