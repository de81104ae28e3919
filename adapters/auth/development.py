"""Sign and check tokens with the service's own key, on a machine without an identity provider."""

import os
import secrets
import stat
from collections.abc import Sequence
from contextlib import suppress
from pathlib import Path

from joserfc import jwt
from joserfc.jwk import ECKey

from adapters.auth.keys import Keys, PublicKey
from application.errors import StartRefused
from application.ports.clock import Clock

ISSUER = "chat-sessions-development"
AUDIENCE = "chat-sessions"
ALGORITHM = "ES256"
LIFETIME = 12 * 60 * 60
"""How long a development token is valid, in seconds."""


class KeyRefused(StartRefused):
    """The key file cannot be used."""


class DevelopmentKey(Keys):
    """The development key is an ES256 key in a PEM file of mode 0600, made if it does not exist.

    A file that root makes gets the owner of the file `beside` it, if that exists, or else of its
    folder, so that a service of another user can read it.
    """

    def __init__(self, path: Path, beside: Path | None = None) -> None:
        self._key = _read_or_create(path, beside)
        self._kid = self._key.thumbprint()

    @property
    def version(self) -> int:
        return 0

    @property
    def ids(self) -> Sequence[str]:
        return [self._kid]

    async def find(self, kid: str | None, algorithm: str) -> PublicKey | None:
        return self._key if kid in (None, self._kid) and algorithm == ALGORITHM else None

    async def successor(self, key: PublicKey | None, algorithm: str) -> PublicKey | None:  # noqa: ARG002 - it stays the same
        return None

    async def check(self) -> None:
        pass

    async def keep_current(self) -> None:
        pass

    async def close(self) -> None:
        pass

    def token(self, subject: str, clock: Clock) -> str:
        """Return a token for `subject` that is valid for 12 hours."""
        now = int(clock.now().timestamp())
        claims = {
            "iss": ISSUER,
            "aud": AUDIENCE,
            "sub": subject,
            "client_id": "chat-sessions",
            "iat": now,
            "exp": now + LIFETIME,
            "jti": secrets.token_urlsafe(16),
        }
        return jwt.encode(
            {"alg": ALGORITHM, "typ": "at+jwt", "kid": self._kid}, claims, self._key, [ALGORITHM]
        )


def _read_or_create(file: Path, beside: Path | None) -> ECKey:
    path = file.absolute()
    try:
        if not path.exists():
            _create(path, beside if beside and beside.exists() else path.parent)
        mode = path.stat().st_mode
        pem = path.read_bytes()
    except OSError as error:
        why = f"{error.strerror}{_whose(path)}"
        raise KeyRefused(f"cannot use the key file {path}: {why}") from error
    if stat.S_IMODE(mode) & 0o077:
        raise KeyRefused(f"others may read the key file {path}{_whose(path)}: make its mode 0600")
    try:
        key = ECKey.import_key(pem)
        if key.is_private and key.curve_name == "P-256":
            return key
    except Exception:  # noqa: BLE001, S110 - each kind of file that is no such key raises its own
        pass
    raise KeyRefused(f"{path} holds no private P-256 key in PEM, without a password")


def _whose(path: Path) -> str:
    with suppress(OSError):
        found, what = (path, "it") if path.exists() else (path.parent, "its folder")
        status = found.stat()
        mode, runs_as = stat.S_IMODE(status.st_mode), os.geteuid()
        whose = f"{what} belongs to user {status.st_uid}, mode {mode:04o}"
        return f" ({whose}, and this process runs as user {runs_as})"
    return ""


def _create(path: Path, like: Path) -> None:
    """Write a new key's file whole or not at all. If several processes do so, one key remains."""
    draft = path.with_name(f".{path.name}.{secrets.token_hex(8)}")
    try:
        file = os.open(draft, os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_CLOEXEC, 0o600)
        with os.fdopen(file, "wb") as stream:
            _give(file, like.stat())
            stream.write(ECKey.generate_key("P-256").as_pem(private=True))
            stream.flush()
            os.fsync(stream.fileno())
        os.link(draft, path)
    except FileExistsError:
        pass
    finally:
        draft.unlink(missing_ok=True)


def _give(file: int, owner: os.stat_result) -> None:
    if os.geteuid() == 0:
        with suppress(OSError):  # root may lack the right to
            os.fchown(file, owner.st_uid, owner.st_gid)
