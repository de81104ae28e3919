"""What an operator reads in the log of a token that does not hold: the rule that it breaks, by its
kind and in words."""

from typing import Any

import pytest

from adapters.auth.notes import notes
from adapters.auth.presets import CLIENTS, PERMISSIONS, STANDARD, end_of
from application.errors import InvalidToken, TokenFault
from tests.adapters.shape_tokens import authenticator, of, signed
from tests.adapters.token_shapes import CLIENT, Claims
from tests.security.mint import NOW, compact

KIND = TokenFault.NOT_ACCESS_TOKEN
NOT = "it is not an access token: "
CLAIM = "a claim does not hold: "

REFUSALS: list[tuple[str, Claims, dict[str, Any], TokenFault, str]] = [
    ("standard", {"typ": "ID"}, {}, KIND, f"{NOT}its claim typ names another kind of token"),
    ("standard", {"events": {}}, {}, KIND, f"{NOT}its claim events names another kind of token"),
    ("standard", {"nonce": "n"}, {}, KIND, f"{NOT}it has nonce"),
    ("standard", {"azp": ...}, {}, KIND, f"{NOT}it lacks {' or '.join(CLIENTS)}"),
    (
        "standard",
        {"scope": ..., "realm_access": ...},
        {},
        KIND,
        f"{NOT}it lacks {' or '.join(PERMISSIONS)}",
    ),
    ("standard", {"aud": ["https://chat.example", CLIENT]}, {}, KIND, f"{NOT}its client is in aud"),
    ("firebase", {"provider_id": "anonymous"}, {}, KIND, f"{NOT}it has provider_id anonymous"),
    ("supabase", {"is_anonymous": True}, {}, KIND, f"{NOT}it lacks is_anonymous false"),
    ("entra", {"azp": ...}, {}, KIND, f"{NOT}it lacks azp or appid"),
    ("better-auth", {"azp": CLIENT}, {}, KIND, f"{NOT}it has azp"),
    ("standard", {"aud": "x"}, {}, TokenFault.AUDIENCE, f"{CLAIM}aud has none of the audiences"),
    ("standard", {"aud": ...}, {}, TokenFault.AUDIENCE, f"{CLAIM}aud has none of the audiences"),
    (
        "standard",
        {"aud": ["https://chat.example", 1]},
        {},
        TokenFault.AUDIENCE,
        f"{CLAIM}aud has none of the audiences",
    ),
    ("clerk", {"azp": "x"}, {}, TokenFault.AUDIENCE, f"{CLAIM}azp has none of the audiences"),
    (
        "cognito",
        {"client_id": [CLIENT]},
        {},
        TokenFault.AUDIENCE,
        f"{CLAIM}client_id has none of the audiences",
    ),
    (
        "better-auth",
        {"aud": ["https://app.example", "x"]},
        {},
        TokenFault.AUDIENCE,
        f"{CLAIM}aud is not the issuer",
    ),
    ("id-token", {"aud": [CLIENT, "x"]}, {}, TokenFault.AUDIENCE, f"{CLAIM}aud has others too"),
    ("id-token", {"azp": "x"}, {}, TokenFault.AUDIENCE, f"{CLAIM}azp is another client"),
    ("okta", {"uid": ...}, {}, TokenFault.SUBJECT, "its subject is not acceptable: it has no uid"),
    ("standard", {"sub": " "}, {}, TokenFault.SUBJECT, "its subject is not acceptable"),
    ("standard", {}, {"typ": "logout+jwt"}, TokenFault.TYPE, "it is not an access token"),
    ("id-token", {}, {"typ": "at+jwt"}, TokenFault.TYPE, "it is not an access token"),
    ("standard", {"exp": ...}, {}, TokenFault.TIMES, "it has no times, or one that is none"),
    ("standard", {"exp": 1 << 53}, {}, TokenFault.TIMES, "it has no times, or one that is none"),
    ("standard", {"nbf": -1}, {}, TokenFault.TIMES, "it has no times, or one that is none"),
    ("standard", {"exp": NOW + 86_401}, {}, TokenFault.LIFETIME, "it lives too long"),
    ("standard", {"exp": NOW}, {}, TokenFault.LIFETIME, "it lives too long"),
    ("standard", {"jti": 1}, {}, TokenFault.MALFORMED, f"{CLAIM}Claim 'jti' must be a string"),
]


@pytest.mark.parametrize(("preset", "claims", "header", "fault", "reason"), REFUSALS)
async def test_a_refusal_names_the_rule(
    preset: str, claims: Claims, header: dict[str, Any], fault: TokenFault, reason: str
) -> None:
    shape = of(preset)
    with pytest.raises(InvalidToken) as refusal:
        await authenticator(shape).authenticate(signed(shape, {**shape.access, **claims}, **header))
    assert (refusal.value.fault, str(refusal.value)) == (fault, reason)


@pytest.mark.parametrize(
    ("header", "fault", "reason"),
    [
        ({"alg": "HS256"}, TokenFault.ALGORITHM, "its algorithm is not accepted"),
        ({"kid": 1}, TokenFault.HEADER, "its key id is not a string"),
        ({"zip": "DEF"}, TokenFault.HEADER, "a header parameter is not accepted"),
    ],
)
async def test_a_header_is_looked_at_before_the_signature(
    header: dict[str, Any], fault: TokenFault, reason: str
) -> None:
    shape = of("standard")
    unsigned = compact({"alg": "RS256", **header}, shape.access, lambda _: b"none")
    with pytest.raises(InvalidToken) as refusal:
        await authenticator(shape).authenticate(unsigned)
    assert (refusal.value.fault, str(refusal.value)) == (fault, reason)


async def test_times_begin_with_the_epoch() -> None:
    """NumericDate counts from there (RFC 7519 section 2)."""
    shape = of("standard")
    checked = authenticator(shape, lifetime_max=1 << 53)
    await checked.authenticate(signed(shape, {**shape.access, "iat": 0}))


@pytest.mark.parametrize(
    ("issuer", "end"),
    [
        ("https://api.workos.com/user_management/client_01", "client_01"),
        ("https://api.descope.com/P2X/", "P2X"),
        ("/X", "X"),
        ("a-name", "a-name"),
    ],
)
def test_the_end_of_an_issuer_is_its_last_part(issuer: str, end: str) -> None:
    assert end_of(issuer) == end


def test_an_operator_is_told_of_keys_without_tls() -> None:
    (line,) = notes(STANDARD, None, "http://keycloak:8080/certs")
    assert "http://keycloak:8080/certs without TLS" in line
    assert not list(notes(STANDARD, None, "https://login.example/certs"))
