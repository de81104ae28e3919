"""Tokens made by hand: honest ones, and the means to make any other."""

import json
from base64 import urlsafe_b64encode
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any

from joserfc.jwk import ECKey, OKPKey, RSAKey
from joserfc.jws import JWSRegistry

from tests.clock import START

NOW = int(START.timestamp())

Key = ECKey | OKPKey | RSAKey
Sign = Callable[[bytes], bytes]


@dataclass(frozen=True)
class Mint:
    """The keys that a service trusts, and what it asks of a token. `trap` is an address that must
    never be asked for anything; the stranger's keys are to be had there."""

    issuer: str
    audience: str
    skew: int
    keys: Mapping[str, Key]
    strangers: Mapping[str, Key]
    trap: str

    def claims(self, **changes: Any) -> dict[str, Any]:
        """Those of an honest token at NOW, changed; `...` takes one away."""
        honest = {"iss": self.issuer, "aud": self.audience, "sub": "alice"}
        return _changed({**honest, "iat": NOW, "exp": NOW + 60, **changes})

    def header(self, algorithm: str = "ES256", **changes: Any) -> dict[str, Any]:
        """The same for its header."""
        kid = self.keys[algorithm].thumbprint()
        return _changed({"alg": algorithm, "typ": "at+jwt", "kid": kid, **changes})

    def honest(self, algorithm: str = "ES256", **claims: Any) -> str:
        return compact(
            self.header(algorithm), self.claims(**claims), signing(self.keys[algorithm], algorithm)
        )

    def saying(self, **claims: Any) -> str:
        """A token whose signature holds, whatever it says."""
        return self.honest(**claims)

    def headed(self, **header: Any) -> str:
        """One whose signature holds, whatever its header says."""
        return compact(self.header(**header), self.claims(), self.sign)

    def foreign(self, algorithm: str = "ES256", **header: Any) -> str:
        """One that a stranger has signed."""
        sign = signing(self.strangers[algorithm], algorithm)
        return compact(self.header(algorithm, **header), self.claims(), sign)

    def sign(self, data: bytes) -> bytes:
        return signing(self.keys["ES256"], "ES256")(data)


def _changed(members: dict[str, Any]) -> dict[str, Any]:
    return {name: value for name, value in members.items() if value is not ...}


def signing(key: Key, algorithm: str) -> Sign:
    """As joserfc signs, but under any header."""
    found = JWSRegistry(algorithms=[algorithm]).get_alg(algorithm)
    return lambda data: found.sign(data, key)


def encoded(data: bytes) -> str:
    return urlsafe_b64encode(data).decode().rstrip("=")


def compact(head: object, payload: object, sign: Sign) -> str:
    """Three segments. Header and payload are made JSON, unless they are bytes already."""
    body = ".".join(
        encoded(part if isinstance(part, bytes) else json.dumps(part).encode())
        for part in (head, payload)
    )
    return f"{body}.{encoded(sign(body.encode()))}"
