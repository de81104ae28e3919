"""Whose tokens a service takes: its own key's, or those of a provider that others wrote."""

from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

from joserfc.jwk import ECKey, OKPKey, RSAKey

from adapters.auth import DevelopmentKey
from adapters.auth.development import AUDIENCE, ISSUER
from entrypoints.settings import Settings
from tests.identity_provider import provider
from tests.security.mint import Key, Mint


def new_keys() -> dict[str, Key]:
    """By the algorithm that they are for."""
    rsa = RSAKey.generate_key(2048)
    return {
        "ES256": ECKey.generate_key("P-256"),
        "RS256": rsa,
        "PS256": rsa,
        "Ed25519": OKPKey.generate_key("Ed25519"),
    }


def development(folder: Path, trap: str) -> tuple[Mint, dict[str, Any]]:
    """Of the four only the ES256 key is the service's."""
    path = folder / "key.pem"
    DevelopmentKey(path)
    keys: Mapping[str, Key] = new_keys() | {"ES256": ECKey.import_key(path.read_bytes())}
    return Mint(ISSUER, AUDIENCE, 0, keys, new_keys(), trap), {"development_key_file": path}


def of_provider(_: Path, trap: str) -> tuple[Mint, dict[str, Any]]:
    found = provider()
    latest: dict[type[Key], Key] = {}
    for key in found.keys.values():
        latest.setdefault(type(key), key)
    rsa = latest[RSAKey]
    keys = {"ES256": latest[ECKey], "RS256": rsa, "PS256": rsa, "Ed25519": latest[OKPKey]}
    skew = int(Settings.model_fields["oidc_clock_skew_seconds"].default)
    options = {"oidc_issuer": found.url, "oidc_audience": found.audience}
    return Mint(found.url, found.audience, skew, keys, new_keys(), trap), options


ISSUERS: dict[str, Callable[[Path, str], tuple[Mint, dict[str, Any]]]] = {
    "development": development,
    "provider": of_provider,
}
"""Each gives the keys, and the settings of a service that trusts them."""
