"""Signatures that were cut, bent or taken from elsewhere."""

from collections.abc import Callable

from cryptography.hazmat.primitives.asymmetric.padding import MGF1, PSS, PKCS1v15
from cryptography.hazmat.primitives.asymmetric.rsa import RSAPrivateKey
from cryptography.hazmat.primitives.asymmetric.utils import encode_dss_signature
from cryptography.hazmat.primitives.hashes import SHA1, SHA256
from cryptography.hazmat.primitives.serialization import load_pem_private_key
from joserfc.jwk import RSAKey

from tests.security.mint import Mint, Sign, compact, signing

P256_ORDER = 0xFFFFFFFF00000000FFFFFFFFFFFFFFFFBCE6FAADA7179E84F3B9CAC2FC632551
ED25519_ORDER = (1 << 252) + 27742317777372353535851937790883648493

Bend = Callable[[bytes], bytes]


def signatures(mint: Mint) -> dict[str, str]:
    made = {
        f"{algorithm} signature: {lie}": compact(
            mint.header(algorithm), mint.claims(), _bent(mint, algorithm, bend)
        )
        for algorithm, table in (
            ("ES256", _ANY | _ES256),
            ("RS256", _ANY | _rs256(mint)),
            ("PS256", _ANY),
            ("Ed25519", _ANY | _ED25519),
        )
        for lie, bend in table.items()
    }
    return made | _moved(mint) | _padded(mint)


def _bent(mint: Mint, algorithm: str, bend: Bend) -> Sign:
    sign = signing(mint.keys[algorithm], algorithm)
    return lambda data: bend(sign(data))


_ANY: dict[str, Bend] = {
    "a bit of its first byte": lambda made: bytes([made[0] ^ 1]) + made[1:],
    "a bit of its last byte": lambda made: made[:-1] + bytes([made[-1] ^ 1]),
    "a byte less": lambda made: made[:-1],
    "a byte more": lambda made: made + b"\0",
    "a byte before it": lambda made: b"\0" + made,
    "half of it": lambda made: made[: len(made) // 2],
    "twice": lambda made: made * 2,
    "reversed": lambda made: made[::-1],
    "zeros": lambda made: bytes(len(made)),
    "ones": lambda made: b"\xff" * len(made),
    "one byte": lambda _: b"\0",
}


def _pair(r: int, s: int) -> Bend:
    return lambda _: r.to_bytes(32, "big") + s.to_bytes(32, "big")


def _der(made: bytes) -> bytes:
    r, s = (int.from_bytes(half, "big") for half in (made[:32], made[32:]))
    return encode_dss_signature(r, s)


_ES256: dict[str, Bend] = {
    "r of zero": _pair(0, 1),
    "s of zero": _pair(1, 0),
    "r and s of one": _pair(1, 1),
    "r of the order": _pair(P256_ORDER, 1),
    "s of the order": _pair(1, P256_ORDER),
    "both of the order": _pair(P256_ORDER, P256_ORDER),
    "swapped": lambda made: made[32:] + made[:32],
    "in DER": _der,
    "with room for a longer curve": lambda made: bytes(16) + made[:32] + bytes(16) + made[32:],
}
_ED25519: dict[str, Bend] = {
    "S raised by the order": lambda made: (
        made[:32]
        + ((int.from_bytes(made[32:], "little") + ED25519_ORDER) % (1 << 256)).to_bytes(
            32, "little"
        )
    ),
    "the neutral point and zero": lambda _: b"\x01" + bytes(63),
    "a point of small order and zero": lambda _: (
        bytes.fromhex("c7176a703d4dd84fba3c0b760d10670f2a2053fa2c39ccc64ec7fd7792ac037a")
        + bytes(32)
    ),
    "S of zero": lambda made: made[:32] + bytes(32),
}


def _rs256(mint: Mint) -> dict[str, Bend]:
    key = mint.keys["RS256"]
    assert isinstance(key, RSAKey)
    modulus = key.public_key.public_numbers().n
    size = (modulus.bit_length() + 7) // 8

    def raised(made: bytes) -> bytes:
        return (int.from_bytes(made, "big") + modulus).to_bytes(size + 1, "big")

    return {
        "one": lambda _: (1).to_bytes(size, "big"),
        "the modulus": lambda _: modulus.to_bytes(size, "big"),
        "one less than the modulus": lambda _: (modulus - 1).to_bytes(size, "big"),
        "raised by the modulus": raised,
    }


def _padded(mint: Mint) -> dict[str, str]:
    """RSA as its key allows and the algorithm does not (RFC 7518 sections 3.3 and 3.5)."""
    key = mint.keys["RS256"]
    assert isinstance(key, RSAKey)
    private = load_pem_private_key(key.as_pem(private=True), None)
    assert isinstance(private, RSAPrivateKey)
    ways: dict[str, tuple[str, Sign]] = {
        "over SHA-1": ("RS256", lambda data: private.sign(data, PKCS1v15(), SHA1())),  # noqa: S303 - the lie
        "without salt": (
            "PS256",
            lambda data: private.sign(data, PSS(MGF1(SHA256()), 0), SHA256()),
        ),
        "with all the salt there is room for": (
            "PS256",
            lambda data: private.sign(data, PSS(MGF1(SHA256()), PSS.MAX_LENGTH), SHA256()),
        ),
        "with another hash for its mask": (
            "PS256",
            lambda data: private.sign(data, PSS(MGF1(SHA1()), 32), SHA256()),  # noqa: S303 - the lie
        ),
    }
    return {
        f"{algorithm} {name}": compact(mint.header(algorithm), mint.claims(), sign)
        for name, (algorithm, sign) in ways.items()
    }


def _moved(mint: Mint) -> dict[str, str]:
    """Parts of tokens that hold, put together."""
    ours, theirs = mint.honest(), mint.honest(sub="bob")
    head, payload, signature = ours.split(".")
    _, other_payload, other_signature = theirs.split(".")
    rsa_head, _, rsa_signature = mint.honest("RS256").split(".")
    return {
        "another token's signature": f"{head}.{payload}.{other_signature}",
        "another token's payload": f"{head}.{other_payload}.{signature}",
        "another key's header": f"{rsa_head}.{payload}.{signature}",
        "another key's signature": f"{head}.{payload}.{rsa_signature}",
        "the payload for a signature": f"{head}.{payload}.{payload}",
        "header and payload swapped": f"{payload}.{head}.{signature}",
    }
