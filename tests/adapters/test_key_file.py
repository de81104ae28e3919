"""Keys that an operator keeps in a file."""

import asyncio
import json
import os
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path

import pytest
from cryptography.hazmat.primitives.asymmetric.ec import BrainpoolP256R1, generate_private_key
from cryptography.hazmat.primitives.serialization import Encoding, PublicFormat
from joserfc.jwk import ECKey, OKPKey, RSAKey
from structlog.testing import capture_logs

from adapters.auth.jwk import KINDS
from adapters.auth.key_file import CHECK_SECONDS, KeyFile
from adapters.auth.key_set import DOCUMENT_MAX
from adapters.auth.provider import ProviderKeys
from application.errors import Unavailable
from entrypoints.jobs import running
from tests.waiting import await_until

FIRST, SECOND = ECKey.generate_key("P-256"), ECKey.generate_key("P-384")
RSA, ED = RSAKey.generate_key(), OKPKey.generate_key("Ed25519")


@pytest.fixture
def file(tmp_path: Path) -> Path:
    return tmp_path / "keys"


def write_set(file: Path, *keys: ECKey | OKPKey | RSAKey) -> None:
    """As a cluster does: another file under the same name."""
    draft = file.with_suffix(".new")
    draft.write_text(json.dumps({"keys": [key.as_dict(private=False, kid="a") for key in keys]}))
    draft.rename(file)


def pem(*keys: ECKey | OKPKey | RSAKey) -> bytes:
    return b"# ours\n" + b"".join(key.as_pem(private=False) for key in keys)


@asynccontextmanager
async def keys_in(file: Path) -> AsyncIterator[ProviderKeys]:
    keys = ProviderKeys("ours", KeyFile(file, tuple(KINDS)), CHECK_SECONDS, CHECK_SECONDS)
    async with running({"keys": keys.keep_current}):
        try:
            yield keys
        finally:
            await keys.close()


async def test_a_change_is_noticed(file: Path) -> None:
    write_set(file, FIRST)
    async with keys_in(file) as keys:
        assert await keys.find("a", "ES256")
        version = keys.version
        write_set(file, SECOND)
        await await_until(lambda: keys.version == version + 1)
        assert await keys.find("a", "ES384")
        assert await keys.find("a", "ES256") is None


async def test_while_it_cannot_be_read_what_is_known_holds(file: Path) -> None:
    with capture_logs() as logs:
        async with keys_in(file) as keys:
            with pytest.raises(
                Unavailable, match=f"the key file {file} cannot be read: No such file"
            ):
                await keys.find("a", "ES256")
            write_set(file, FIRST)
            await await_until(lambda: keys.version == 1)
            logs.clear()
            file.write_text('{"keys": [')
            await await_until(lambda: logs)
            with pytest.raises(Unavailable, match="cannot be used"):
                await keys.find("b", "ES256")
            assert await keys.find("a", "ES256")
            await keys.check()


async def test_of_a_file_that_is_deleted_the_keys_stay_and_it_is_told_once(file: Path) -> None:
    write_set(file, FIRST)
    source = KeyFile(file, tuple(KINDS))
    keys = ProviderKeys("ours", source, 0.02, 0.02)
    with capture_logs() as logs:
        async with running({"keys": keys.keep_current}):
            await await_until(lambda: keys.version == 1)
            file.unlink()
            await await_until(lambda: len(logs) > 1)
            await asyncio.sleep(0.2)
            assert await keys.find("a", "ES256")
            await keys.check()
            write_set(file, SECOND)
            await await_until(lambda: keys.version == 2)
        await keys.close()
    (warning,) = [line for line in logs if line["log_level"] == "warning"]
    assert warning == {
        "event": "keys.unavailable",
        "log_level": "warning",
        "issuer": "ours",
        "reason": f"the key file {file} cannot be read: No such file or directory",
        "known": 1,
    }


async def test_it_is_read_once_while_it_stays_what_it_is(file: Path) -> None:
    write_set(file, FIRST)
    source = KeyFile(file, tuple(KINDS))
    assert await source.keys() is await source.keys()


@pytest.mark.parametrize("kid", [None, "any"])
async def test_keys_in_pem_are_for_tokens_of_any_key_id(file: Path, kid: str | None) -> None:
    """Which PEM has none of."""
    file.write_bytes(pem(FIRST, SECOND, RSA, ED))
    async with keys_in(file) as keys:
        for algorithm, key in (
            ("ES256", FIRST),
            ("ES384", SECOND),
            ("PS512", RSA),
            ("Ed25519", ED),
        ):
            found = await keys.find(kid, algorithm)
            assert found
            assert found.thumbprint() == key.thumbprint()
        assert await keys.find(kid, "ES512") is None


UNFIT = {
    "nothing": (b"", "neither a JSON Web Key Set nor"),
    "text": (b"\xff\xfe", "neither a JSON Web Key Set nor"),
    "JSON of another kind": (b"{}", "no JSON Web Key Set"),
    "broken JSON": (b"{", "cannot be used"),
    "a private key": (FIRST.as_pem(private=True), "holds a private key"),
    "a broken key": (
        b"-----BEGIN PUBLIC KEY-----\nAAAA\n-----END PUBLIC KEY-----",
        "its PEM holds no public key",
    ),
    "a key for agreement": (
        OKPKey.generate_key("X25519").as_pem(private=False),
        "neither RSA nor on an elliptic curve",
    ),
    "a key on a curve of no algorithm": (
        generate_private_key(BrainpoolP256R1())
        .public_key()
        .public_bytes(Encoding.PEM, PublicFormat.SubjectPublicKeyInfo),
        "neither RSA nor on an elliptic curve",
    ),
    "too much": (b" " * (DOCUMENT_MAX + 1), "has more than"),
}


async def test_a_pipe_is_not_waited_for(file: Path) -> None:
    os.mkfifo(file)
    with pytest.raises(Unavailable, match="cannot be used: it is no regular file"):
        await KeyFile(file, tuple(KINDS)).keys()


@pytest.mark.parametrize(("content", "why"), UNFIT.values(), ids=UNFIT.keys())
async def test_another_file_is_told(file: Path, content: bytes, why: str) -> None:
    file.write_bytes(content)
    with pytest.raises(Unavailable, match=why) as refusal:
        await KeyFile(file, tuple(KINDS)).keys()
    assert str(file) in str(refusal.value)
    assert "\n" not in str(refusal.value)
