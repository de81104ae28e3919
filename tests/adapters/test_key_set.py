"""Which keys of an issuer may check its tokens."""

import json
from base64 import urlsafe_b64encode
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from joserfc.jwk import ECKey, OctKey, OKPKey, RSAKey

from adapters.auth.jwk import KINDS
from adapters.auth.key_set import KEYS_MAX, KeySet

ALL = tuple(KINDS)

RSA, EC, ED = RSAKey.generate_key(), ECKey.generate_key("P-256"), OKPKey.generate_key("Ed25519")
P384, P521 = ECKey.generate_key("P-384"), ECKey.generate_key("P-521")
ALL_RSA = {f"{family}{size}" for family in ("RS", "PS") for size in (256, 384, 512)}


_LONGER = urlsafe_b64encode(b"\0" + RSA.public_key.public_numbers().n.to_bytes(256)).decode()
"""Its modulus, written with a zero before it."""


def shown(key: ECKey | OKPKey | RSAKey | OctKey, **changes: Any) -> dict[str, Any]:
    made = {**key.as_dict(private=False), "kid": "a", **changes}
    return {name: value for name, value in made.items() if value is not ...}


def key_set(*jwks: Any, algorithms: tuple[str, ...] = ALL) -> KeySet:
    return KeySet.from_jwks({"keys": list(jwks)}, algorithms)


@pytest.mark.parametrize(
    ("key", "fits"),
    [
        (RSA, ALL_RSA),
        (RSAKey.generate_key(4096), ALL_RSA),
        (EC, {"ES256"}),
        (P384, {"ES384"}),
        (P521, {"ES512"}),
        (ED, {"Ed25519"}),
    ],
)
def test_a_key_is_found_by_its_id_for_the_algorithms_of_its_kind(
    key: ECKey | OKPKey | RSAKey, fits: set[str]
) -> None:
    """So the algorithm that a token names cannot have a key taken for one of another kind."""
    keys = key_set(shown(key))
    for algorithm in ALL:
        found = keys.find("a", algorithm)
        assert (found is not None) == (algorithm in fits)
        assert found is None or found.thumbprint() == key.thumbprint()
        assert keys.find("b", algorithm) is None
    assert keys.knows("a")
    assert not keys.knows("b")


@pytest.mark.parametrize(
    ("key", "alg", "fits"),
    [
        (RSA, "PS256", {"PS256"}),
        (RSA, "RS512", {"RS512"}),
        (RSA, "RS1", set()),
        (EC, "ES384", set()),
        (RSA, "HS256", set()),
        (RSA, "RSA-OAEP", set()),
        (RSA, None, ALL_RSA),
        (RSA, "", set()),
        (EC, "ES256", {"ES256"}),
        (EC, "ECDH-ES", set()),
        (ED, "Ed25519", {"Ed25519"}),
        (ED, "EdDSA", {"Ed25519"}),
        (ED, "Ed448", set()),
    ],
)
def test_a_key_that_names_an_algorithm_is_for_no_other(
    key: ECKey | OKPKey | RSAKey, alg: object, fits: set[str]
) -> None:
    keys = key_set(shown(key, alg=alg))
    assert {algorithm for algorithm in ALL if keys.find("a", algorithm)} == fits


def test_only_algorithms_that_are_allowed_have_keys() -> None:
    keys = key_set(shown(RSA), shown(EC), shown(ED), algorithms=("PS256", "ES256"))
    assert {algorithm for algorithm in ALL if keys.find("a", algorithm)} == {"PS256", "ES256"}
    assert keys.unfit == 1


def test_a_key_for_checking_may_say_so() -> None:
    assert key_set(shown(EC, use="sig", key_ops=["verify"])).find("a", "ES256")


@pytest.mark.parametrize("name", ["alg", "use", "key_ops", "kid", "d", "x5c"])
def test_a_member_that_is_null_is_not_there(name: str) -> None:
    assert key_set(shown(EC, **{name: None})).find(None, "ES256")


UNFIT: dict[str, Any] = {
    "for encryption": shown(RSA, use="enc"),
    "of a use that is no text": shown(RSA, use=["sig"]),
    "of a use in other letters": shown(EC, use="SIG"),
    "for an algorithm in other letters": shown(EC, alg="es256"),
    "for signing alone": shown(EC, key_ops=["sign"]),
    "for nothing": shown(EC, key_ops=[]),
    "for what is no list": shown(EC, key_ops="verify"),
    "private, RSA": RSA.as_dict(private=True),
    "private, EC": EC.as_dict(private=True),
    "private, Ed25519": ED.as_dict(private=True),
    "symmetric": {"kty": "oct", "k": "AAAA", "kid": "a"},
    "symmetric and RSA": shown(RSA, k="AAAA"),
    "secp256k1": shown(ECKey.generate_key("secp256k1")),
    "P-384, said to be P-256": shown(P384, crv="P-256"),
    "X25519": shown(OKPKey.generate_key("X25519")),
    "Ed448": shown(OKPKey.generate_key("Ed448")),
    "of no kind": shown(EC, kty=...),
    "of another kind": shown(EC, kty="RSA"),
    "of a kind in other letters": shown(EC, kty="ec"),
    "not on the curve": shown(EC, y=shown(EC)["x"]),
    "without a coordinate": shown(EC, y=...),
    "with a number for a coordinate": shown(EC, x=1),
    "not in base64": shown(EC, x="é"),
    "an id that is a number": shown(EC, kid=1),
    "a modulus that is a number": shown(RSA, n=3),
    "an even exponent": shown(RSA, e="BA"),
    "an exponent of one": shown(RSA, e="AQ"),
    "a long exponent": shown(RSA, e=shown(RSA)["n"]),
    "a null": None,
    "a text": "key",
}


@pytest.mark.parametrize("jwk", UNFIT.values(), ids=UNFIT.keys())
def test_a_key_that_is_not_fit_is_passed_over(jwk: Any) -> None:
    keys = key_set(jwk, shown(EC, kid="fit"))
    assert [key.kid for key in keys.keys] == ["fit"]
    assert keys.unfit == 1


@pytest.mark.parametrize(("bits", "fit"), [(1024, 0), (2047, 0), (2048, 1), (8192, 1), (8193, 0)])
def test_rsa_is_strong_and_not_so_strong_that_a_check_takes_long(bits: int, fit: int) -> None:
    modulus = ((1 << bits) - 1).to_bytes((bits + 7) // 8)
    n = urlsafe_b64encode(modulus).decode().rstrip("=")
    assert len(key_set(shown(RSA, n=n)).keys) == fit


@pytest.mark.parametrize(("e", "fit"), [("Aw", 1), ("_____w", 1), ("AQAAAAE", 0)])
def test_an_rsa_exponent_has_at_most_32_bits(e: str, fit: int) -> None:
    """Or one check would cost what a signature does."""
    assert len(key_set(shown(RSA, e=e)).keys) == fit


def test_keys_of_one_id_are_told_apart_by_their_kind_alone() -> None:
    """RFC 7517 section 4.5; two of one kind are one too many to say which is meant."""
    keys = key_set(shown(RSA), shown(EC), shown(ECKey.generate_key("P-256")))
    assert keys.find("a", "RS256")
    assert keys.find("a", "ES256") is None


def test_a_key_that_is_listed_twice_counts_once() -> None:
    keys = key_set(shown(EC), shown(RSA), shown(EC), shown(EC, use="enc"), shown(EC, use="enc"))
    assert keys.find("a", "ES256")
    assert (len(keys.keys), keys.unfit) == (2, 1)


@pytest.mark.parametrize(
    ("one", "other"),
    [
        ({"alg": "RS256"}, {}),
        ({"alg": "RS256"}, {"alg": "RS256", "use": "sig"}),
        ({"alg": "RS256", "x5t": "x"}, {"alg": "RS256", "x5t": "y"}),
        ({"alg": "RS256"}, {"alg": "PS256"}),
        ({"key_ops": ["verify"]}, {}),
        ({}, {"use": "enc"}),
        ({}, {"alg": "RSA-OAEP"}),
        ({}, {"n": _LONGER}),
        ({}, {"kid": ...}),
        ({"kid": ...}, {"kid": ..., "use": "sig"}),
    ],
)
def test_a_key_is_one_whatever_else_is_said_of_it(
    one: dict[str, Any], other: dict[str, Any]
) -> None:
    """By providers that list it once for each algorithm, or with and without its certificate."""
    for first, second in ((one, other), (other, one)):
        keys = key_set(shown(RSA, **first), shown(RSA, **second))
        for kid in ("a", None):
            found = keys.find(kid, "RS256")
            assert found
            assert found.thumbprint() == RSA.thumbprint()


def test_a_key_is_for_no_algorithm_that_no_listing_of_it_names() -> None:
    keys = key_set(shown(RSA, alg="RS256"), shown(RSA, alg="PS256"))
    assert {name for name in ALL if keys.find("a", name)} == {"RS256", "PS256"}
    assert len(keys.keys) == 1


def test_a_key_for_encryption_is_in_nobodys_way() -> None:
    """As in Keycloak's set."""
    oaep = shown(RSAKey.generate_key(), kid="b", use="enc", alg="RSA-OAEP")
    keys = key_set(oaep, shown(RSA, kid=...), shown(EC, kid=..., use=...))
    assert keys.find(None, "RS256")
    assert keys.find(None, "ES256")
    assert keys.others == ("RSA RSA-OAEP enc (its use is not sig)",)


def test_what_is_not_fit_is_described_without_its_text() -> None:
    secret = {"kty": "oct", "k": "secret", "alg": "HS256"}
    assert key_set(secret, shown(EC, d="secret"), 1, {}).others == (
        "oct HS256 (a secret, with which tokens can be made too)",
        "EC P-256 (private)",
        "a key of no kind (no object)",
        "a key of no kind (for no algorithm that is accepted)",
    )
    odd = {"kty": "x y", "alg": "\n", "use": "z" * 31}
    assert key_set(odd).others == ("a key of no kind (its use is not sig)",)


@pytest.mark.parametrize(
    ("changes", "why"),
    [
        ({"use": "SIG"}, "RSA SIG (its use is not sig)"),
        ({"key_ops": ["sign"]}, "RSA (its key_ops lack verify)"),
        ({"kid": 1}, "RSA (its kid is no text)"),
        ({"alg": "RS1"}, "RSA RS1 (for no algorithm that is accepted)"),
        ({"n": "AQAB"}, "RSA (not of 2048 to 8192 bits)"),
        ({"n": "é"}, "RSA (broken)"),
    ],
)
def test_it_is_told_why_a_key_is_not_fit(changes: dict[str, Any], why: str) -> None:
    assert key_set(shown(RSA, **changes)).others == (why,)


def test_without_ids_there_must_be_one_key_of_a_kind() -> None:
    """OpenID Connect Core 1.0 section 10.1."""
    keys = key_set(shown(RSA, kid=...), shown(EC, kid=...))
    assert keys.find(None, "RS256")
    assert keys.find(None, "ES256")
    assert keys.find(None, "Ed25519") is None
    assert keys.find("a", "RS256") is None
    assert keys.knows(None)
    only = key_set(shown(RSA, kid=...))
    assert only.find("a", "RS256")
    assert only.knows("a")
    two = key_set(shown(RSA), shown(RSAKey.generate_key(), kid="b"))
    assert two.find(None, "RS256") is None
    assert two.find("b", "RS256")


@pytest.mark.parametrize(
    "document",
    [None, [], "keys", {}, {"keys": None}, {"keys": {}}, {"keys": [None] * (KEYS_MAX + 1)}],
    ids=["null", "list", "text", "empty", "keys null", "keys an object", "too many"],
)
def test_what_is_no_key_set_is_refused(document: Any) -> None:
    with pytest.raises(ValueError, match=r"^it "):
        KeySet.from_jwks(document, ALL)


def test_a_hundred_keys_are_taken() -> None:
    assert len(key_set(*[shown(EC, kid=str(n)) for n in range(KEYS_MAX)]).keys) == KEYS_MAX


_JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.text(max_size=5),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=3), inner),
    max_leaves=5,
)
_MEMBERS = ["kty", "crv", "x", "y", "n", "e", "d", "k", "use", "key_ops", "alg", "kid"]


@given(st.sampled_from([RSA, EC, ED]), st.dictionaries(st.sampled_from(_MEMBERS), _JSON))
def test_no_key_breaks_the_others(key: ECKey | OKPKey | RSAKey, changes: dict[str, Any]) -> None:
    odd = json.loads(json.dumps(shown(key, **changes)))
    assert key_set(odd, shown(EC, kid="fit")).find("fit", "ES256")
