"""Which tokens hold."""

import asyncio
import json
import os
import subprocess
import sys
from base64 import urlsafe_b64decode, urlsafe_b64encode
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from cryptography.hazmat.primitives.asymmetric.ec import (
    SECP224R1,
    generate_private_key,
)
from cryptography.hazmat.primitives.serialization import (
    Encoding,
    NoEncryption,
    PrivateFormat,
)
from joserfc.jwk import ECKey, RSAKey

from adapters.auth import DevelopmentKey, JwtAuthenticator
from adapters.auth.compact import TOKEN_MAX, Compact
from adapters.auth.development import ALGORITHM, AUDIENCE, ISSUER, LIFETIME, KeyRefused
from adapters.auth.keys import PublicKey
from adapters.auth.policy import LIFETIME_MAX, TokenPolicy
from application.errors import InvalidToken
from application.ports.authenticator import Principal
from domain.owner import Owner
from tests.clock import ManualClock
from tests.security.forgeries import forgeries
from tests.security.forgeries.texts import ALPHABET
from tests.security.issuers import development
from tests.security.mint import NOW, Mint

ALICE = Principal(Owner(ISSUER, "alice"))

SECT233K1 = b"""-----BEGIN EC PARAMETERS-----
BgUrgQQAGg==
-----END EC PARAMETERS-----
-----BEGIN EC PRIVATE KEY-----
MG0CAQEEHXOFF1oe2bgccsFIMbYpGZWRA/LYql5eNiZHY9NFoAcGBSuBBAAaoUAD
PgAEADTlvT9N9Bhn9TlI/Pv8OCdVOy06eFvtWBEpJdhMAHMVJetxHhAgcayBgiwl
PQwHImaeFhs397LHms/L
-----END EC PRIVATE KEY-----
"""
"""On a curve that the library does not know, made for this test with openssl."""


@pytest.fixture
def key_file(tmp_path: Path) -> Path:
    return tmp_path / "key.pem"


@pytest.fixture
def clock() -> ManualClock:
    return ManualClock()


@pytest.fixture
def key(key_file: Path) -> DevelopmentKey:
    return DevelopmentKey(key_file)


@pytest.fixture
def authenticator(key: DevelopmentKey, clock: ManualClock) -> JwtAuthenticator:
    policy = TokenPolicy(issuer=ISSUER, audiences=(AUDIENCE,), algorithms=(ALGORITHM,))
    return JwtAuthenticator(policy, key, clock)


@pytest.fixture
def mint(key_file: Path) -> Mint:
    """It has the same key."""
    return development(key_file.parent, trap="http://127.0.0.1:9")[0]


async def test_a_development_token_speaks_for_its_subject_for_twelve_hours(
    key: DevelopmentKey, authenticator: JwtAuthenticator, clock: ManualClock
) -> None:
    token = key.token("alice", clock)
    await authenticator.check()
    assert await authenticator.authenticate(token) == ALICE
    clock.move(LIFETIME - 1)
    assert await authenticator.authenticate(token) == ALICE
    clock.move(1)
    with pytest.raises(InvalidToken):
        await authenticator.authenticate(token)


async def test_a_development_token_is_an_access_token_of_rfc_9068(
    key: DevelopmentKey, clock: ManualClock
) -> None:
    header, payload = (_part(part) for part in key.token("alice", clock).split(".")[:2])
    assert header["typ"] == "at+jwt"
    assert header["alg"] == "ES256"
    assert {"iss", "exp", "aud", "sub", "client_id", "iat", "jti"} <= payload.keys()


def _part(segment: str) -> Any:
    return json.loads(urlsafe_b64decode(segment + "=="))


ACCEPTED_CLAIMS: dict[str, dict[str, Any]] = {
    "one of several audiences": {"aud": ["other", AUDIENCE]},
    "a claim that means nothing here": {"scope": "anything"},
    "from this second on": {"nbf": NOW},
    "the longest life": {"exp": NOW + LIFETIME_MAX},
    "fractions of a second": {"iat": NOW - 0.5},
    "an issue within this second": {"iat": NOW + 0.6, "nbf": NOW + 0.6, "exp": NOW + 0.7},
}
ACCEPTED_HEADERS: dict[str, dict[str, Any]] = {
    "no key id": {"kid": ...},
    "a key id of null": {"kid": None},
    "the long type": {"typ": "application/at+jwt"},
    "a type in other letters": {"typ": "AT+JWT"},
}


@pytest.mark.parametrize("changes", ACCEPTED_CLAIMS.values(), ids=ACCEPTED_CLAIMS.keys())
async def test_claims_that_hold(
    authenticator: JwtAuthenticator, mint: Mint, changes: dict[str, Any]
) -> None:
    assert await authenticator.authenticate(mint.saying(**changes)) == ALICE


@pytest.mark.parametrize("changes", ACCEPTED_HEADERS.values(), ids=ACCEPTED_HEADERS.keys())
async def test_headers_that_hold(
    authenticator: JwtAuthenticator, mint: Mint, changes: dict[str, Any]
) -> None:
    assert await authenticator.authenticate(mint.headed(**changes)) == ALICE


def _encoded(text: bytes) -> str:
    return urlsafe_b64encode(text).decode().rstrip("=")


REASONS: dict[str, tuple[Callable[[Mint], str], str]] = {
    "no token": (lambda _: "a.b", "it is no JSON Web Token"),
    "too long": (lambda _: "a." + "a" * TOKEN_MAX + ".a", "it is no JSON Web Token"),
    "not ASCII": (lambda mint: mint.honest() + "é", "it is no JSON Web Token"),
    "a length of none": (lambda _: "a.a.a", "it is not base64url"),
    "spare bits": (lambda _: "e31.e30.e30", "it is not canonical base64url"),
    "no JSON": (lambda _: f"{_encoded(b'{')}.e30.e30", "a part of it is not JSON"),
    "no object": (lambda _: f"{_encoded(b'[]')}.e30.e30", "a part of it is not an object"),
    "a logout token": (lambda mint: mint.headed(typ="logout+jwt"), "it is not an access token"),
    "an ID token": (
        lambda mint: mint.headed(typ="JWT"),
        "it is not an access token: it lacks client_id or azp or appid or cid",
    ),
    "no algorithm": (lambda mint: mint.headed(alg="none"), "its algorithm is not accepted"),
    "an algorithm's number": (lambda mint: mint.headed(alg=1), "its algorithm is not accepted"),
    "its own key": (lambda mint: mint.headed(jwk={}), "a header parameter is not accepted"),
    "a key's number": (lambda mint: mint.headed(kid=1), "its key id is not a string"),
    "another key": (lambda mint: mint.headed(kid="x"), "its key is not known"),
    "a stranger": (
        lambda mint: mint.foreign(kid=mint.keys["ES256"].thumbprint()),
        "its signature does not hold",
    ),
    "no times": (lambda mint: mint.saying(iat=...), "it has no times, or one that is none"),
    "no real time": (lambda mint: mint.saying(exp="1"), "it has no times, or one that is none"),
    "a time past all": (
        lambda mint: mint.saying(iat=1 << 53, exp=(1 << 53) + 60),
        "it has no times, or one that is none",
    ),
    "a long life": (lambda mint: mint.saying(exp=NOW + 86401), "it lives too long"),
    "no life": (lambda mint: mint.saying(exp=NOW, iat=NOW), "it lives too long"),
    "no subject": (lambda mint: mint.saying(sub=" "), "its subject is not acceptable"),
    "expired": (lambda mint: mint.saying(exp=NOW, iat=NOW - 60), "it has expired"),
    "of the future": (lambda mint: mint.saying(nbf=NOW + 1), "it does not hold yet"),
}


@pytest.mark.parametrize(("make", "reason"), REASONS.values(), ids=REASONS.keys())
async def test_a_refusal_tells_the_log_why(
    authenticator: JwtAuthenticator, mint: Mint, make: Callable[[Mint], str], reason: str
) -> None:
    with pytest.raises(InvalidToken) as refusal:
        await authenticator.authenticate(make(mint))
    assert str(refusal.value) == reason


async def test_no_forgery_holds(authenticator: JwtAuthenticator, mint: Mint) -> None:
    """Whichever of the lies of tests/security/forgeries it tells."""
    held = []
    for name, token in forgeries(mint).items():
        try:
            held.append((name, await authenticator.authenticate(token)))
        except InvalidToken:
            continue
    assert not held


async def test_a_token_that_is_changed_in_any_character_does_not_hold(
    authenticator: JwtAuthenticator, mint: Mint
) -> None:
    """Also in the last ones, whose spare bits base64url leaves free."""
    token = mint.honest()
    for place, character in enumerate(token):
        other = "B" if character == "A" else "A"
        with pytest.raises(InvalidToken):
            await authenticator.authenticate(token[:place] + other + token[place + 1 :])
    for spare in ALPHABET:
        if spare != token[-1]:
            with pytest.raises(InvalidToken):
                await authenticator.authenticate(token[:-1] + spare)


def test_the_key_is_made_once_and_for_its_owners_eyes(key_file: Path, clock: ManualClock) -> None:
    first, second = DevelopmentKey(key_file), DevelopmentKey(key_file)
    assert (key_file.stat().st_mode & 0o777) == 0o600
    assert [path.name for path in key_file.parent.iterdir()] == ["key.pem"]
    header = first.token("alice", clock).split(".")[0]
    assert second.token("bob", clock).split(".")[0] == header


def test_processes_that_start_at_once_share_one_key(key_file: Path) -> None:
    program = (
        "import sys; from pathlib import Path; from adapters.auth import DevelopmentKey; "
        "print(DevelopmentKey(Path(sys.argv[1]))._kid)"
    )
    started = [
        subprocess.Popen([sys.executable, "-c", program, key_file], stdout=subprocess.PIPE)
        for _ in range(8)
    ]
    kids = {process.communicate()[0] for process in started}
    assert len(kids) == 1
    assert [process.returncode for process in started] == [0] * 8


def test_a_key_that_another_made_meanwhile_is_taken(
    key_file: Path, tmp_path: Path, clock: ManualClock, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Between looking for one and putting ours in its place."""
    other = DevelopmentKey(tmp_path / "other.pem")

    def put(_: Path, place: Path) -> None:
        monkeypatch.undo()
        os.link(tmp_path / "other.pem", place)
        raise FileExistsError

    monkeypatch.setattr(os, "link", put)
    taken = DevelopmentKey(key_file)
    assert taken.token("alice", clock).split(".")[0] == other.token("alice", clock).split(".")[0]
    assert {path.name for path in tmp_path.iterdir()} == {"key.pem", "other.pem"}


class _Mistaken(DevelopmentKey):
    """Gives a key of another kind for every token."""

    async def find(self, kid: str | None, algorithm: str) -> PublicKey | None:
        assert (kid, algorithm) != (None, "none")
        return RSAKey.generate_key(2048)


async def test_a_key_of_another_kind_checks_nothing(key_file: Path, clock: ManualClock) -> None:
    keys = _Mistaken(key_file)
    policy = TokenPolicy(issuer=ISSUER, audiences=(AUDIENCE,), algorithms=(ALGORITHM,))
    with pytest.raises(InvalidToken, match="its signature cannot be checked"):
        await JwtAuthenticator(policy, keys, clock).authenticate(keys.token("alice", clock))


async def test_without_a_provider_there_is_nothing_to_wait_for(
    authenticator: JwtAuthenticator,
) -> None:
    await authenticator.keep_current()
    await authenticator.check()
    await authenticator.close()


async def test_a_key_that_others_may_read_is_refused(key_file: Path) -> None:
    await asyncio.to_thread(DevelopmentKey, key_file)
    key_file.chmod(0o640)
    whose = f"user {os.geteuid()}, mode 0640"
    with pytest.raises(KeyRefused, match=rf"{key_file} \(it belongs to {whose}, .*: make .* 0600"):
        DevelopmentKey(key_file)


@pytest.mark.parametrize(
    "pem",
    [
        b"",
        b"hello",
        ECKey.generate_key("P-384").as_pem(private=True),
        ECKey.generate_key("P-256").as_pem(private=False),
        RSAKey.generate_key(2048).as_pem(private=True),
        ECKey.generate_key("P-256").as_pem(private=True, password="secret"),  # noqa: S106 - of no key in use
        generate_private_key(SECP224R1()).private_bytes(
            Encoding.PEM, PrivateFormat.PKCS8, NoEncryption()
        ),
        SECT233K1,
    ],
    ids=["empty", "text", "P-384", "public", "RSA", "encrypted", "P-224", "a binary curve"],
)
def test_a_file_with_another_key_is_refused(key_file: Path, pem: bytes) -> None:
    key_file.touch(mode=0o600)
    key_file.write_bytes(pem)
    with pytest.raises(KeyRefused, match=r"key\.pem"):
        DevelopmentKey(key_file)


def test_a_folder_that_is_not_there_is_refused(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """By its whole path: the working directory may be another than one thinks."""
    monkeypatch.chdir(tmp_path)
    with pytest.raises(KeyRefused, match=f"the key file {tmp_path}/none/key.pem: No such file"):
        DevelopmentKey(Path("none/key.pem"))


def test_a_part_may_end_in_any_letter() -> None:
    """As a signature of 384 bytes does."""
    for place, letter in enumerate(ALPHABET):
        assert Compact.parse(f"e30.AAAA.AAA{letter}").signature == bytes((0, 0, place))


async def test_a_token_may_be_as_long_as_the_limit_and_no_longer(
    mint: Mint, authenticator: JwtAuthenticator
) -> None:
    least = TOKEN_MAX * 3 // 4 - len(mint.honest())
    tokens = [mint.headed(other="x" * (least + more)) for more in range(200)]
    longest = next(token for token in tokens if len(token) == TOKEN_MAX)
    assert await authenticator.authenticate(longest) == ALICE
    longer = next(token for token in tokens if len(token) > TOKEN_MAX)
    with pytest.raises(InvalidToken):
        await authenticator.authenticate(longer)
