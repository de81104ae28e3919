"""What is no compact token in canonical base64url, however much of one it holds."""

import json
from itertools import count
from string import ascii_lowercase, ascii_uppercase, digits

from joserfc import jwe
from joserfc.jwk import ECKey

from tests.security.mint import Mint, compact, encoded

ALPHABET = ascii_uppercase + ascii_lowercase + digits + "-_"
"""Of base64url (RFC 4648 section 5), in its order."""


def texts(mint: Mint) -> dict[str, str]:
    return _written(mint) | _cut(mint) | _other_forms(mint) | _payloads(mint)


def _written(mint: Mint) -> dict[str, str]:
    """The right bytes, or nearly, in other characters."""
    honest = mint.honest()
    head, payload, signature = honest.split(".")
    spelled = _with_both_marks(mint)
    return {
        "padding": honest + "==",
        "padding of its header": f"{head}=.{payload}.{signature}",
        "padding of its payload": f"{head}.{payload}==.{signature}",
        "padding, percent-encoded": honest + "%3D%3D",
        "the standard alphabet": spelled.replace("-", "+").replace("_", "/"),
        "the standard alphabet's plus": spelled.replace("-", "+"),
        "the standard alphabet's slash": spelled.replace("_", "/"),
        "a spare bit of its signature": honest[:-1] + _next(honest[-1]),
        "a space within": f"{head}. {payload}.{signature}",
        "a space in its payload": f"{head}.{payload[:8]} {payload[8:]}.{signature}",
        "a line's end": honest + "\n",
        "a line's end within": f"{head}.\n{payload}.{signature}",
        "a tab before it": "\t" + honest,
        "a tab at its end": honest + "\t",
        "NUL at its end": honest + "\0",
        "NUL within": f"{head}.{payload}\0.{signature}",
        "a comma and another": f"{honest},{honest}",
        "another after a space": f"{honest} {honest}",
        "quoted": f'"{honest}"',
        "in angle brackets": f"<{honest}>",
        "percent-encoded points": honest.replace(".", "%2e"),
        "points of another kind": honest.replace(".", "\uff0e"),
        "a letter of another kind": "\uff45" + honest[1:],
        "not ASCII": "é.é.é",
        "a byte-order mark before it": "\ufeff" + honest,
    }


def _next(character: str) -> str:
    """Of a last character whose lowest bits stand for nothing."""
    return ALPHABET[ALPHABET.index(character) ^ 1]


def _with_both_marks(mint: Mint) -> str:
    for number in count():
        token = mint.honest(jti=str(number))
        if "-" in token and "_" in token:
            return token
    raise AssertionError


def _cut(mint: Mint) -> dict[str, str]:
    honest = mint.honest()
    head, payload, signature = honest.split(".")
    return {
        "one letter": "a",
        "three letters": "a.b.c",
        "one point": ".",
        "two points": "..",
        "a header alone": head,
        "without a signature": f"{head}.{payload}",
        "with an empty signature": f"{head}.{payload}.",
        "without a header": f".{payload}.{signature}",
        "without a payload": f"{head}..{signature}",
        "a point more": honest + ".",
        "a point before it": "." + honest,
        "four segments": honest + ".a",
        "five segments": honest + ".a.b",
        "a scheme before it": f"Bearer {honest}",
        "a name before it": f"token={honest}",
        "too long": honest * 40,
        "long, of nothing": "a" * 20_000,
        "long, of points": "." * 20_000,
    }


def _other_forms(mint: Mint) -> dict[str, str]:
    """The same claims as RFC 7515 section 7.2 and RFC 7516 have them, and one in another."""
    honest = mint.honest()
    head, payload, signature = honest.split(".")
    flat = {"payload": payload, "protected": head, "signature": signature}
    signatures = [{"protected": head, "signature": signature}]
    public = ECKey.import_key(mint.keys["ES256"].as_dict(private=False))
    made = {"alg": "ECDH-ES", "enc": "A128GCM", "typ": "at+jwt", "cty": "at+jwt"}
    plain = json.dumps(mint.claims()).encode()
    return {
        "JSON, flattened": json.dumps(flat),
        "JSON, general": json.dumps({"payload": payload, "signatures": signatures}),
        "JSON in base64url": encoded(json.dumps(flat).encode()),
        "encrypted": jwe.encrypt_compact(made, plain, public),
        "encrypted, with the token in it": jwe.encrypt_compact(made, honest.encode(), public),
        "a token in a token": compact(mint.header(cty="JWT"), honest.encode(), mint.sign),
        "a token as a token's claims": compact(mint.header(), {"token": honest}, mint.sign),
    }


def _payloads(mint: Mint) -> dict[str, str]:
    honest = json.dumps(mint.claims())
    deep = "[" * 5000 + "]" * 5000
    lies = {
        "in a list": f"[{honest}]",
        "text": json.dumps(honest),
        "a number": "1",
        "null": "null",
        "no JSON": "alice",
        "nothing": " ",
        "half of it": honest[:-1],
        "before something else": honest + honest,
        "after a byte-order mark": "\ufeff" + honest,
        "with a comma too many": honest[:-1] + ",}",
        "with quotes of the wrong kind": honest.replace('"', "'"),
        "deep": honest[:-1] + f', "x": {deep}}}',
        "deep alone": deep,
        "with a number too long": honest[:-1] + f', "x": {"9" * 5000}}}',
        "with a lone surrogate": honest[:-1] + r', "x": "\udfff"}',
    }
    made = {
        f"a payload {name}": compact(mint.header(), payload.encode(), mint.sign)
        for name, payload in lies.items()
    }
    return made | {
        "a payload in UTF-16": compact(mint.header(), honest.encode("utf-16"), mint.sign),
        "a payload that is not UTF-8": compact(mint.header(), b'{"sub": "\xe9"}', mint.sign),
    }
