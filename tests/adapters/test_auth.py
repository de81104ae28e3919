"""Which tokens hold."""

import asyncio
import json
import subprocess
import sys
from base64 import urlsafe_b64decode, urlsafe_b64encode
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from cryptography.hazmat.primitives.asymmetric.ec import (
    ECDSA,
    SECP224R1,
    EllipticCurvePrivateKey,
    generate_private_key,
)
from cryptography.hazmat.primitives.asymmetric.utils import decode_dss_signature
from cryptography.hazmat.primitives.hashes import SHA256
from cryptography.hazmat.primitives.serialization import (
    Encoding,
    NoEncryption,
    PrivateFormat,
    load_pem_private_key,
)
from joserfc import jws, jwt
from joserfc.jwk import ECKey, OctKey, RSAKey

from adapters.auth import DevelopmentKey, JwtAuthenticator
from adapters.auth.development import ALGORITHM, AUDIENCE, ISSUER, LIFETIME, KeyRefused
from adapters.auth.jwt import LIFETIME_MAX, TokenPolicy
from application.errors import InvalidToken
from application.ports.authenticator import Principal
from domain.owner import Owner
from tests.clock import START, ManualClock

NOW = int(START.timestamp())
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
    policy = TokenPolicy(issuer=ISSUER, audience=AUDIENCE, algorithms=(ALGORITHM,))
    return JwtAuthenticator(policy, key, clock)


@pytest.fixture
def signing_key(key: DevelopmentKey, key_file: Path) -> ECKey:
    assert key is not None
    return ECKey.import_key(key_file.read_bytes())


def claims(**changes: Any) -> dict[str, Any]:
    made = {"iss": ISSUER, "aud": AUDIENCE, "sub": "alice", "iat": NOW, "exp": NOW + 60, **changes}
    return {name: value for name, value in made.items() if value is not ...}


def signed(key: ECKey, payload: str, **header: Any) -> str:
    made = {"alg": "ES256", "typ": "at+jwt", "kid": key.thumbprint(), **header}
    protected = {name: value for name, value in made.items() if value is not ...}
    return jws.serialize_compact(protected, payload, key, algorithms=["ES256"])


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
    "the long type": {"typ": "application/at+jwt"},
    "a type in other letters": {"typ": "AT+JWT"},
}


@pytest.mark.parametrize("changes", ACCEPTED_CLAIMS.values(), ids=ACCEPTED_CLAIMS.keys())
async def test_claims_that_hold(
    authenticator: JwtAuthenticator, signing_key: ECKey, changes: dict[str, Any]
) -> None:
    token = signed(signing_key, json.dumps(claims(**changes)))
    assert await authenticator.authenticate(token) == ALICE


@pytest.mark.parametrize("changes", ACCEPTED_HEADERS.values(), ids=ACCEPTED_HEADERS.keys())
async def test_headers_that_hold(
    authenticator: JwtAuthenticator, signing_key: ECKey, changes: dict[str, Any]
) -> None:
    token = signed(signing_key, json.dumps(claims()), **changes)
    assert await authenticator.authenticate(token) == ALICE


REFUSED_CLAIMS: dict[str, dict[str, Any]] = {
    "no issuer": {"iss": ...},
    "another issuer": {"iss": ISSUER + "/"},
    "the issuer in other letters": {"iss": ISSUER.upper()},
    "the issuer in a list": {"iss": [ISSUER]},
    "no audience": {"aud": ...},
    "another audience": {"aud": AUDIENCE + "2"},
    "the audience's beginning": {"aud": AUDIENCE[:-1]},
    "no audience in the list": {"aud": []},
    "an audience that is an object": {"aud": {AUDIENCE: 1}},
    "no expiry": {"exp": ...},
    "expired this second": {"exp": NOW, "iat": NOW - 60},
    "expired within this second": {"exp": NOW + 0.6, "iat": NOW - 60},
    "issued later in this second": {"iat": NOW + 0.7, "exp": NOW + 60},
    "an expiry that is text": {"exp": str(NOW + 60)},
    "an expiry that is true": {"exp": True},
    "an expiry that is null": {"exp": None},
    "an expiry without end": {"exp": 10**400},
    "an expiry without end and a fraction": {"exp": 10**400, "iat": NOW - 0.5},
    "an issue before time began": {"iat": -(10**400)},
    "too long a life": {"exp": NOW + LIFETIME_MAX + 1},
    "no time of issue": {"iat": ...},
    "issued tomorrow": {"iat": NOW + 30, "exp": NOW + 60},
    "issued after it expires": {"iat": NOW + 120, "exp": NOW + 60},
    "not yet": {"nbf": NOW + 1},
    "a beginning that is text": {"nbf": "soon"},
    "no subject": {"sub": ...},
    "an empty subject": {"sub": ""},
    "a blank subject": {"sub": " "},
    "a subject with NUL": {"sub": "alice\0"},
    "a subject with a space at its end": {"sub": "alice "},
    "a subject with a zero-width space": {"sub": "ali\u200bce"},
    "a subject that is too long": {"sub": "a" * 256},
    "a subject that is a number": {"sub": 1},
    "a subject that is null": {"sub": None},
    "subjects in a list": {"sub": ["alice"]},
}


@pytest.mark.parametrize("changes", REFUSED_CLAIMS.values(), ids=REFUSED_CLAIMS.keys())
async def test_claims_that_do_not_hold(
    authenticator: JwtAuthenticator, signing_key: ECKey, changes: dict[str, Any]
) -> None:
    with pytest.raises(InvalidToken):
        await authenticator.authenticate(signed(signing_key, json.dumps(claims(**changes))))


REFUSED_HEADERS: dict[str, dict[str, Any]] = {
    "no type": {"typ": ...},
    "an ID token": {"typ": "JWT"},
    "a type that is a number": {"typ": 1},
    "a key that nobody knows": {"kid": "other"},
    "a key id that is a number": {"kid": 1},
    "a key id that is a path": {"kid": "../../dev/null"},
    "something critical": {"crit": ["exp"], "exp": 1},
    "an encoding of its own": {"b64": True, "crit": ["b64"]},
    "compressed": {"zip": "DEF"},
}


@pytest.mark.parametrize("changes", REFUSED_HEADERS.values(), ids=REFUSED_HEADERS.keys())
async def test_headers_that_do_not_hold(
    authenticator: JwtAuthenticator, signing_key: ECKey, changes: dict[str, Any]
) -> None:
    header = {"alg": "ES256", "typ": "at+jwt", "kid": signing_key.thumbprint(), **changes}
    header = {name: value for name, value in header.items() if value is not ...}
    token = forged(header, claims(), lambda data: es256(signing_key, data))
    with pytest.raises(InvalidToken):
        await authenticator.authenticate(token)


def es256(key: ECKey, data: bytes) -> bytes:
    """A signature (RFC 7518 section 3.4) that joserfc would refuse to make under such a header."""
    private = load_pem_private_key(key.as_pem(private=True), None)
    assert isinstance(private, EllipticCurvePrivateKey)
    r, s = decode_dss_signature(private.sign(data, ECDSA(SHA256())))
    return r.to_bytes(32, "big") + s.to_bytes(32, "big")


def encoded(data: bytes) -> str:
    return urlsafe_b64encode(data).decode().rstrip("=")


def forged(header: Any, payload: Any, sign: Callable[[bytes], bytes]) -> str:
    body = f"{encoded(json.dumps(header).encode())}.{encoded(json.dumps(payload).encode())}"
    return f"{body}.{encoded(sign(body.encode()))}"


async def test_a_forgery_by_hand_would_hold_with_an_honest_header(
    authenticator: JwtAuthenticator, signing_key: ECKey
) -> None:
    header = {"alg": "ES256", "typ": "at+jwt", "kid": signing_key.thumbprint()}
    token = forged(header, claims(), lambda data: es256(signing_key, data))
    assert await authenticator.authenticate(token) == ALICE


@pytest.mark.parametrize("algorithm", ["none", "None", "NONE", "nOnE", "", None, " none", "HS256"])
async def test_a_token_without_a_signature_does_not_hold(
    authenticator: JwtAuthenticator, algorithm: str | None
) -> None:
    header = {"alg": algorithm, "typ": "at+jwt"}
    for signature in (b"", b"\0" * 64):
        with pytest.raises(InvalidToken):
            await authenticator.authenticate(forged(header, claims(), lambda _, s=signature: s))  # type: ignore[misc]


async def test_a_token_signed_by_another_key_does_not_hold(
    authenticator: JwtAuthenticator, signing_key: ECKey
) -> None:
    public = signing_key.as_pem(private=False)
    header = {"typ": "at+jwt", "kid": signing_key.thumbprint()}
    for algorithm, key in (
        ("ES256", ECKey.generate_key("P-256")),
        ("HS256", OctKey.import_key(b"0" * 32)),
        ("RS256", RSAKey.generate_key(2048)),
    ):
        token = jwt.encode({"alg": algorithm, **header}, claims(), key, [algorithm])
        with pytest.raises(InvalidToken):
            await authenticator.authenticate(token)
    for embedded in ({"jwk": signing_key.as_dict(private=False)}, {"jku": "http://127.0.0.1:9/"}):
        stranger = ECKey.generate_key("P-256")
        token = signed(stranger, json.dumps(claims()), kid=signing_key.thumbprint(), **embedded)
        with pytest.raises(InvalidToken):
            await authenticator.authenticate(token)
    assert public.startswith(b"-----BEGIN PUBLIC KEY")


async def test_a_token_that_is_changed_in_any_character_does_not_hold(
    authenticator: JwtAuthenticator, signing_key: ECKey
) -> None:
    """Also in the last ones, whose spare bits base64url leaves free."""
    token = signed(signing_key, json.dumps(claims()))
    for place, character in enumerate(token):
        other = "B" if character == "A" else "A"
        with pytest.raises(InvalidToken):
            await authenticator.authenticate(token[:place] + other + token[place + 1 :])
    last = ord(token[-1])
    for spare in "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_":
        if ord(spare) != last:
            with pytest.raises(InvalidToken):
                await authenticator.authenticate(token[:-1] + spare)


REFUSED_TEXTS = {
    "nothing": "",
    "two parts": "a.b",
    "four parts": "{token}.a",
    "padding": "{token}==",
    "a space": "{token} ",
    "a line's end": "{token}\n",
    "too long": "{token}" * 40,
    "not ASCII": "é.é.é",
}


@pytest.mark.parametrize("text", REFUSED_TEXTS.values(), ids=REFUSED_TEXTS.keys())
async def test_what_is_no_token_does_not_hold(
    authenticator: JwtAuthenticator, signing_key: ECKey, text: str
) -> None:
    token = signed(signing_key, json.dumps(claims()))
    with pytest.raises(InvalidToken):
        await authenticator.authenticate(text.replace("{token}", token))


REFUSED_PAYLOADS = {
    "a repeated claim": json.dumps(claims())[:-1] + ', "sub": "bob"}',
    "not an object": json.dumps([claims()]),
    "not JSON": "hello",
    "NaN": json.dumps(claims(exp=float("nan"))),
    "nothing": " ",
}


@pytest.mark.parametrize("payload", REFUSED_PAYLOADS.values(), ids=REFUSED_PAYLOADS.keys())
async def test_a_payload_that_is_no_plain_object_does_not_hold(
    authenticator: JwtAuthenticator, signing_key: ECKey, payload: str
) -> None:
    with pytest.raises(InvalidToken):
        await authenticator.authenticate(signed(signing_key, payload))


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


async def test_a_key_that_others_may_read_is_refused(key_file: Path) -> None:
    await asyncio.to_thread(DevelopmentKey, key_file)
    key_file.chmod(0o640)
    with pytest.raises(KeyRefused, match="0600"):
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


def test_a_folder_that_is_not_there_is_refused(tmp_path: Path) -> None:
    with pytest.raises(KeyRefused, match="No such file"):
        DevelopmentKey(tmp_path / "none" / "key.pem")
