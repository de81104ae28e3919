"""Tokens that the issuer's key has signed, and that still do not hold here and now."""

import json
from typing import Any

from adapters.auth.policy import LIFETIME_MAX
from tests.clock import START
from tests.security.mint import NOW, Mint, compact


def claims(mint: Mint) -> dict[str, str]:
    lies = {
        f"{name}: {lie}": mint.saying(**changes)
        for name, table in (
            ("issuer", _issuers(mint)),
            ("audience", _audiences(mint)),
            ("subject", _SUBJECTS),
            ("time", _times(mint)),
        )
        for lie, changes in table.items()
    }
    return lies | _texts(mint)


def _issuers(mint: Mint) -> dict[str, dict[str, Any]]:
    issuer = mint.issuer
    lies = {
        "none": ...,
        "null": None,
        "empty": "",
        "a slash more": issuer + "/",
        "other letters": issuer.upper(),
        "its beginning": issuer[:-1],
        "its beginning, and more": issuer + ".example",
        "a space at its end": issuer + " ",
        "NUL at its end": issuer + "\0",
        "after another's name": "https://elsewhere.example/" + issuer,
        "before another's host": issuer + "@elsewhere.example",
        "a fragment more": issuer + "#",
        "in a list": [issuer],
        "in an object": {"iss": issuer},
        "a number": 1,
        "true": True,
    }
    return {lie: {"iss": value} for lie, value in lies.items()}


def _audiences(mint: Mint) -> dict[str, dict[str, Any]]:
    audience = mint.audience
    lies = {
        "none": ...,
        "null": None,
        "empty": "",
        "nobody": [],
        "another": "another-service",
        "others": ["another-service", "a-third"],
        "its beginning": audience[:-1],
        "its beginning, and more": audience + "2",
        "a slash more": audience + "/",
        "other letters": audience.upper(),
        "a space at its end": audience + " ",
        "in a list in a list": [[audience]],
        "in an object": {audience: 1},
        "several in one text": f"another-service {audience}",
        "a number": 1,
        "true": True,
    }
    return {lie: {"aud": value} for lie, value in lies.items()}


_SUBJECTS: dict[str, dict[str, Any]] = {
    lie: {"sub": value}
    for lie, value in {
        "none": ...,
        "null": None,
        "empty": "",
        "blank": " ",
        "a space at its end": "alice ",
        "a space before it": " alice",
        "NUL at its end": "alice\0",
        "NUL within": "ali\0ce",
        "a line's end": "alice\n",
        "a zero-width space": "ali\u200bce",
        "a zero-width joiner": "alice\u200d",
        "a soft hyphen": "ali\u00adce",
        "a byte-order mark": "\ufeffalice",
        "a change of direction": "\u202ealice",
        "a delete": "alice\x7f",
        "a lone surrogate": "alice\ud800",
        "256 long": "a" * 256,
        "a number": 1,
        "a fraction": 1.5,
        "true": True,
        "in a list": ["alice"],
        "in an object": {"sub": "alice"},
    }.items()
}


def _times(mint: Mint) -> dict[str, dict[str, Any]]:
    late, early = NOW - mint.skew, NOW + mint.skew
    return {
        "no expiry": {"exp": ...},
        "expired this moment": {"exp": START.timestamp() - mint.skew, "iat": late - 60},
        "expired this second": {"exp": late, "iat": late - 60},
        "expired within this second": {"exp": late + 0.6, "iat": late - 60},
        "expired long ago": {"exp": 60, "iat": 0},
        "an expiry of zero": {"exp": 0},
        "an expiry before time began": {"exp": -1},
        "an expiry that is text": {"exp": str(NOW + 60)},
        "an expiry that is true": {"exp": True},
        "an expiry that is null": {"exp": None},
        "an expiry in a list": {"exp": [NOW + 60]},
        "an expiry without end": {"exp": 10**400},
        "an expiry without end, and a fraction": {"exp": 10**400, "iat": NOW - 0.5},
        "an expiry in milliseconds": {"exp": (NOW + 60) * 1000},
        "an expiry that no double holds": {"exp": 1 << 53},
        "too long a life": {"exp": NOW + LIFETIME_MAX + 1},
        "no time of issue": {"iat": ...},
        "issued later in this second": {"iat": early + 0.7, "exp": early + 60},
        "issued later": {"iat": early + 1, "exp": early + 60},
        "issued before time began": {"iat": -(10**400)},
        "issued as it expires": {"iat": NOW + 60},
        "issued after it expires": {"iat": NOW + 120},
        "an issue that is text": {"iat": str(NOW)},
        "an issue that is null": {"iat": None},
        "not yet this moment": {"nbf": START.timestamp() + mint.skew + 1e-6},
        "not yet": {"nbf": early + 1},
        "not yet in this second": {"nbf": early + 0.7},
        "a beginning that is text": {"nbf": "soon"},
        "a beginning that is null": {"nbf": None},
        "a beginning that is true": {"nbf": True},
        "a beginning without end": {"nbf": 10**400},
    }


def _texts(mint: Mint) -> dict[str, str]:
    """What only the text of a payload can say."""
    honest = json.dumps(mint.claims())
    lies = {
        "a subject twice": honest[:-1] + ', "sub": "bob"}',
        "a subject twice, once with an escape": honest[:-1] + r', "\u0073ub": "bob"}',
        "an issuer twice": honest[:-1] + f', "iss": "{mint.issuer}"}}',
        "an audience twice": '{"aud": "another-service", ' + honest[1:],
        "an expiry twice": honest[:-1] + f', "exp": {NOW + 120}}}',
        "a member of a member twice": honest[:-1] + ', "act": {"sub": "a", "sub": "b"}}',
        "an expiry that is not a number": honest.replace(str(NOW + 60), "NaN"),
        "an infinite expiry": honest.replace(str(NOW + 60), "Infinity"),
        "an expiry of 1e400": honest.replace(str(NOW + 60), "1e400"),
        "a beginning that is not a number": honest[:-1] + ', "nbf": NaN}',
        "a number that is none, where nobody looks": honest[:-1] + ', "x": -Infinity}',
    }
    return {
        name: compact(mint.header(), payload.encode(), mint.sign) for name, payload in lies.items()
    }
