"""Headers that name another key, bring one along, or ask for what nobody offers."""

import json
import zlib
from datetime import timedelta
from typing import Any

from cryptography import x509
from cryptography.hazmat.primitives.asymmetric.ec import EllipticCurvePrivateKey
from cryptography.hazmat.primitives.hashes import SHA256
from cryptography.hazmat.primitives.serialization import Encoding, load_pem_private_key
from cryptography.x509.oid import NameOID

from tests.clock import START
from tests.security.mint import Mint, compact, encoded


def headers(mint: Mint) -> dict[str, str]:
    named = {f"key id: {lie}": mint.headed(kid=kid) for lie, kid in _key_ids(mint).items()}
    typed = {f"type: {lie}": mint.headed(typ=typ) for lie, typ in _TYPES.items()}
    asking = {f"asks for {lie}": mint.headed(**header) for lie, header in _ASKED.items()}
    return named | typed | asking | _processed(mint) | _brought(mint) | _texts(mint)


def _key_ids(mint: Mint) -> dict[str, Any]:
    kid = mint.keys["ES256"].thumbprint()
    return {
        "a path": "../../../../dev/null",
        "an absolute path": "/dev/null",
        "the address of a file": "file:///dev/null",
        "SQL": "' OR 1=1 --",
        "SQL that makes a key": "x' UNION SELECT 'secret' --",
        "a command": "|/bin/true",
        "an address": mint.trap,
        "NUL": "\0",
        "NUL at its end": kid + "\0",
        "a space at its end": kid + " ",
        "a part of it": kid[:-1],
        "other letters": kid.swapcase(),
        "empty": "",
        "long": "k" * 10_000,
        "a number": 0,
        "a fraction": 1.5,
        "true": True,
        "in a list": [kid],
        "in an object": {"kid": kid},
        "a template": "{{7*7}}${7*7}%s%n",
        "another's": mint.strangers["ES256"].thumbprint(),
    }


_TYPES: dict[str, Any] = {
    "none": ...,
    "null": None,
    "empty": "",
    "an ID token's": "JWT",
    "a JWT's": "application/jwt",
    "a logout token's": "logout+jwt",
    "a security event's": "secevent+jwt",
    "a proof's": "dpop+jwt",
    "a space before it": " at+jwt",
    "a parameter more": "at+jwt; v=1",
    "of another tree": "x-at+jwt",
    "a number": 1,
    "in a list": ["at+jwt"],
    "in an object": {"at+jwt": 1},
    "true": True,
}
_ASKED: dict[str, dict[str, Any]] = {
    "something critical": {"crit": ["exp"], "exp": 1},
    "nothing critical": {"crit": []},
    "something critical that it lacks": {"crit": ["http://example.com/UNDEFINED"]},
    "something critical that is text": {"crit": "exp"},
    "an unencoded payload": {"b64": False, "crit": ["b64"]},
    "an encoded payload": {"b64": True, "crit": ["b64"]},
    "an encoded payload, uncritically": {"b64": True},
    "compression": {"zip": "DEF"},
    "no compression": {"zip": None},
}


def _processed(mint: Mint) -> dict[str, str]:
    """What a service that did as it is asked would take."""
    payload = json.dumps(mint.claims()).encode()
    deflate = zlib.compressobj(wbits=-15)
    squeezed = deflate.compress(payload) + deflate.flush()
    head = encoded(json.dumps(mint.header(b64=False, crit=["b64"])).encode())
    signature = mint.sign(f"{head}.".encode() + payload)
    return {
        "compressed": compact(mint.header(zip="DEF"), squeezed, mint.sign),
        "unencoded, and so signed": f"{head}.{encoded(payload)}.{encoded(signature)}",
    }


def _brought(mint: Mint) -> dict[str, str]:
    """Signed by a stranger, whose key comes along or is to be had at the trap."""
    made = {}
    for algorithm in ("ES256", "RS256", "Ed25519"):
        stranger = mint.strangers[algorithm]
        public = stranger.as_dict(private=False)
        ways: dict[str, dict[str, Any]] = {
            "known only to itself": {"kid": stranger.thumbprint()},
            "as the issuer's": {},
            "as any": {"kid": ...},
            "in jwk": {"jwk": public},
            "in jwk, of its own id": {"jwk": public, "kid": stranger.thumbprint()},
            "in jwk, of no id": {"jwk": public, "kid": ...},
            "at jku": {"jku": f"{mint.trap}/jwks"},
            "at jku, of its own id": {"jku": f"{mint.trap}/jwks", "kid": stranger.thumbprint()},
            "at jku, behind the issuer's name": {"jku": mint.trap.replace("//", "//issuer@")},
            "at x5u": {"x5u": f"{mint.trap}/x5u"},
            "at x5u, of its own id": {"x5u": f"{mint.trap}/x5u", "kid": stranger.thumbprint()},
        }
        for name, header in ways.items():
            made[f"a stranger's {algorithm} key, {name}"] = mint.foreign(algorithm, **header)
    certificate = _certificate(mint)
    return made | {
        "a stranger's certificate": mint.foreign(x5c=[certificate]),
        "a stranger's certificate, of no id": mint.foreign(x5c=[certificate], kid=...),
        "a secret in jwk": mint.foreign(jwk={"kty": "oct", "k": encoded(b"secret")}),
        "the issuer's key at the trap": mint.headed(jku=f"{mint.trap}/jwks"),
        "the issuer's key in jwk": mint.headed(jwk=mint.keys["ES256"].as_dict(private=False)),
    }


def _certificate(mint: Mint) -> str:
    key = load_pem_private_key(mint.strangers["ES256"].as_pem(private=True), None)
    assert isinstance(key, EllipticCurvePrivateKey)
    name = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, "issuer")])
    made = x509.CertificateBuilder(name, name, key.public_key(), 1, START, START + timedelta(1))
    der = made.sign(key, SHA256()).public_bytes(Encoding.DER)
    return encoded(der).replace("-", "+").replace("_", "/")


def _texts(mint: Mint) -> dict[str, str]:
    """What only the text of a header can say."""
    honest = json.dumps(mint.header())
    lies = {
        "an algorithm twice": '{"alg": "none", ' + honest[1:],
        "an algorithm twice, once with an escape": r'{"\u0061lg": "none", ' + honest[1:],
        "a key id twice": '{"kid": "another", ' + honest[1:],
        "a type twice": '{"typ": "JWT", ' + honest[1:],
        "a number that is none in its header": honest[:-1] + ', "x": NaN}',
        "a header after a byte-order mark": "\ufeff" + honest,
        "a header before something else": honest + "{}",
        "a header in a list": f"[{honest}]",
        "a header that is text": json.dumps(honest),
        "a header that is null": "null",
        "a header that is no JSON": "ES256",
        "a header with a comment": honest + "/**/",
        "a header with quotes of the wrong kind": honest.replace('"', "'"),
        "a deep header": honest[:-1] + ', "x": ' + "[" * 5000 + "]" * 5000 + "}",
        "a lone surrogate in its header": honest[:-1] + r', "x": "\ud800"}',
    }
    made = {name: compact(head.encode(), mint.claims(), mint.sign) for name, head in lies.items()}
    return made | {
        "a header in UTF-16": compact(honest.encode("utf-16"), mint.claims(), mint.sign),
        "a header of nothing": compact(b" ", mint.claims(), mint.sign),
    }
