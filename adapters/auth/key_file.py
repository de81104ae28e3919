"""Read an issuer's keys from the operator's file: a JSON Web Key Set, or public keys in PEM."""

import asyncio
import re
from collections.abc import Collection
from contextlib import suppress
from pathlib import Path
from stat import S_ISREG
from typing import Any

from cryptography.hazmat.primitives.asymmetric.ec import EllipticCurvePublicKey
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PublicKey
from cryptography.hazmat.primitives.asymmetric.rsa import RSAPublicKey
from cryptography.hazmat.primitives.serialization import load_pem_public_key
from joserfc.jwk import ECKey, OKPKey, RSAKey

from adapters.auth.key_set import DOCUMENT_MAX, KeySet
from adapters.auth.keys import KeySource, PublicKey
from application.errors import Unavailable
from domain import strict_json

CHECK_SECONDS = 1.0
"""The pause between two looks at the file."""

_PEM = re.compile(r"-----BEGIN ([A-Z ]*PUBLIC KEY)-----.*?-----END \1-----", re.DOTALL)


class KeyFile(KeySource):
    """A key file is read again only once it has changed."""

    def __init__(self, path: Path, algorithms: Collection[str]) -> None:
        self._path = path
        self._algorithms = algorithms
        self._found = KeySet()
        self._read: tuple[int, int, int] | None = None
        """The file's inode, size and time of change when it was read."""

    @property
    def name(self) -> str:
        return f"the key file {self._path}"

    async def keys(self) -> KeySet:
        try:
            return await asyncio.to_thread(self._current)
        except OSError as error:
            why = error.strerror or type(error).__name__
            raise Unavailable(f"{self.name} cannot be read: {why}") from error
        except ValueError as error:
            raise Unavailable(f"{self.name} cannot be used: {error}") from error

    async def close(self) -> None:
        pass

    def _current(self) -> KeySet:
        status = self._path.stat()
        if not S_ISREG(status.st_mode):  # a pipe would be waited for
            raise ValueError("it is no regular file")
        now = status.st_ino, status.st_size, status.st_mtime_ns
        if now != self._read:
            with self._path.open("rb") as file:
                content = file.read(DOCUMENT_MAX + 1)
            if len(content) > DOCUMENT_MAX:
                raise ValueError(f"it has more than {DOCUMENT_MAX} bytes")
            self._found, self._read = _keys(content, self._algorithms), now
        return self._found


def _keys(content: bytes, algorithms: Collection[str]) -> KeySet:
    if content.lstrip().startswith(b"{"):
        return KeySet.from_jwks(strict_json.parse(content), algorithms)
    text = content.decode("ascii", errors="replace")
    if "PRIVATE KEY-----" in text:
        raise ValueError("it holds a private key, and the public one is enough")
    blocks = [block.group() for block in _PEM.finditer(text)]
    if not blocks:
        raise ValueError("it is neither a JSON Web Key Set nor a public key in PEM")
    jwks = [_jwk(block) for block in blocks]
    return KeySet.from_jwks({"keys": jwks}, algorithms, names_keys=False)


def _jwk(block: str) -> dict[str, Any]:
    try:
        key = load_pem_public_key(block.encode())
    except Exception as error:  # each kind of text that is no key raises its own
        raise ValueError("its PEM holds no public key") from error
    kinds: tuple[tuple[type, type[PublicKey]], ...] = (
        (RSAPublicKey, RSAKey),
        (EllipticCurvePublicKey, ECKey),
        (Ed25519PublicKey, OKPKey),
    )
    for kind, made in kinds:
        if isinstance(key, kind):
            with suppress(KeyError):  # of a curve that joserfc has no name for
                jwk = made.import_key(block).as_dict(private=False)
                return {name: value for name, value in jwk.items() if name != "kid"}
    raise ValueError("its key is neither RSA nor on an elliptic curve that tokens are signed on")
