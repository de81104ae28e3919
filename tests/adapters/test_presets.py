"""Which tokens of which identity provider are access tokens."""

from collections.abc import Iterator
from dataclasses import fields, replace
from typing import Any, get_args

import pytest

from adapters.auth.access_tokens import permissions
from adapters.auth.jwk import KINDS
from adapters.auth.notes import notes
from adapters.auth.presets import (
    CLIENTS,
    ID_TOKEN_MARKS,
    PERMISSIONS,
    PRESETS,
    SELF_DESCRIPTIONS,
    Preset,
    preset_for,
)
from application.errors import InvalidToken, TokenFault
from entrypoints.setting_types import Algorithm, Provider
from tests.adapters.preset_cells import expected
from tests.adapters.shape_tokens import authenticator, fault, of, signed
from tests.adapters.token_shapes import API, CLIENT, SHAPES, USER, Claims, Shape
from tests.security.mint import NOW

EACH = pytest.mark.parametrize("shape", SHAPES, ids=lambda shape: shape.provider)
OTHERS = [
    pytest.param(shape, claims, id=f"{shape.provider}: {name}")
    for shape in SHAPES
    for name, claims in shape.others.items()
]


@EACH
async def test_an_access_token_holds(shape: Shape) -> None:
    assert await fault(shape, signed(shape, shape.access)) == ""
    for typ in ("JWT", "jwt", None):
        if shape.typ != "at+jwt":
            assert await fault(shape, signed(shape, shape.access, typ=typ)) == ""


@pytest.mark.parametrize(("shape", "claims"), OTHERS)
async def test_no_other_token_of_the_provider_holds(shape: Shape, claims: Claims) -> None:
    """Whichever of the marks of an ID token it has, and under no preset but that for ID tokens."""
    for name in (*PRESETS, shape.preset):
        preset = PRESETS[name]
        if preset.takes_id_tokens and shape.preset != "id-token":
            continue
        for marks in ({}, {"nonce": "n"}, {"at_hash": "h"}, {"nonce": "n", "at_hash": "h"}):
            assert await fault(shape, signed(shape, {**claims, **marks}), preset), name


@EACH
async def test_what_no_provider_makes_does_not_hold(shape: Shape) -> None:
    access = dict(shape.access)
    for typ in ("", "logout+jwt", "application/jwt", "dpop+jwt", "JWT ", "refresh+jwt"):
        assert await fault(shape, signed(shape, access, typ=typ)) == "type"
    wrong: dict[str, Claims] = {
        "issuer": {"iss": shape.issuer + "x"},
        "subject": {"sub": ...},
        "audience": {"aud": "another"} if "aud" not in access else {"aud": [[shape.audience]]},
        "lifetime": {"exp": NOW + 86_401},
    }
    for rule, changes in wrong.items():
        assert await fault(shape, signed(shape, {**access, **changes})) == rule
    if shape.typ == "at+jwt":
        return
    for name, value in SELF_DESCRIPTIONS.items():
        wrong_kinds: tuple[Any, ...] = ("Refresh", [value], None, {})
        for kind in wrong_kinds:
            assert await fault(shape, signed(shape, {**access, name: kind})), name
    for mark in ID_TOKEN_MARKS if shape.preset not in {"authentik", "id-token"} else ():
        for value in ("x", None):
            assert await fault(shape, signed(shape, {**access, mark: value})), mark


STANDARD = Shape(
    provider="any",
    issuer="https://login.example",
    preset="standard",
    access={"aud": API, "client_id": CLIENT, "scope": "chat"},
    others={},
)
EMPTY: tuple[Any, ...] = ("", [], {}, None)
BY_THE_RULE: list[tuple[Claims, bool]] = [
    *(({"client_id": ..., name: CLIENT}, True) for name in CLIENTS),
    *(({"scope": ..., name: ["x"]}, True) for name in PERMISSIONS),
    *(({"scope": ..., name: empty}, False) for name in PERMISSIONS for empty in EMPTY),
    ({"client_id": ...}, False),
    ({"client_id": ""}, False),
    ({"client_id": None}, False),
    ({"client_id": [CLIENT]}, False),
    ({"scope": ...}, False),
    ({"aud": [API, CLIENT]}, False),
    *(({name: API}, False) for name in CLIENTS),
    *(({"aud": [API, "other"], name: "other"}, False) for name in CLIENTS),
    *(({"client_id": CLIENT, name: ""}, False) for name in CLIENTS[1:]),
]


@pytest.mark.parametrize(("changes", "holds"), BY_THE_RULE)
async def test_the_rule_is_about_clients_and_permissions(changes: Claims, *, holds: bool) -> None:
    token = signed(STANDARD, {**STANDARD.access, **changes})
    assert (await fault(STANDARD, token) == "") is holds


@pytest.mark.parametrize("name", [name for name in PRESETS if name != "id-token"])
async def test_at_jwt_stays_what_it_is(name: str) -> None:
    """For the audience in `aud`, but Clerk's, which have none."""
    at_jwt = replace(of(name), typ="at+jwt")
    claims: dict[str, Any] = {"aud": at_jwt.audience, "cid": USER}
    if name == "clerk":
        claims = {"client_id": at_jwt.audience}
    assert await fault(at_jwt, signed(at_jwt, claims)) == ""
    assert await fault(at_jwt, signed(at_jwt, {**claims, "aud": "other"})) == "audience"
    assert await fault(at_jwt, signed(at_jwt, {"client_id": "x", "azp": at_jwt.audience}))


async def test_where_id_tokens_are_taken_no_access_token_is() -> None:
    dex = of("id-token")
    assert await fault(dex, signed(dex, dex.access, typ="at+jwt")) == "type"


UNREAD = {"name", "keys", "hosts", "path", "is_for_clients"}
"""Cells that have nothing to do with a token."""


def _cell(preset: Preset, name: str, value: Any) -> Preset:
    changes: dict[str, Any] = {name: value}
    return replace(preset, **changes)


def _without(preset: Preset) -> Iterator[tuple[str, Preset]]:
    """The preset, each time without one of its cells."""
    plain = Preset(name=preset.name)
    for field in fields(Preset):
        name, value = field.name, getattr(preset, field.name)
        if name in {"required", "forbidden"}:
            for claim in value:
                left = tuple(other for other in value if other is not claim)
                yield f"{name} {claim.names}", _cell(preset, name, left)
                if claim.value is not None:
                    loose = replace(claim, value=None)
                    changed = tuple(loose if other is claim else other for other in value)
                    yield f"{name} {claim}", _cell(preset, name, changed)
                for one in claim.names if len(claim.names) > 1 else ():
                    narrow = replace(claim, names=tuple(n for n in claim.names if n != one))
                    changed = tuple(narrow if other is claim else other for other in value)
                    yield f"{name} {claim} {one}", _cell(preset, name, changed)
        elif name not in UNREAD and value != getattr(plain, name):
            yield name, _cell(preset, name, getattr(plain, name))


@pytest.mark.parametrize("name", PRESETS)
async def test_every_cell_of_a_preset_decides_about_some_token(name: str) -> None:
    """Of those whose verdict is known: to take one away is noticed."""
    tokens = [
        (shape, *known)
        for shape in (replace(shape, algorithm="ES256") for shape in SHAPES)
        if shape.preset == name
        for known in expected(shape)
    ]
    for shape, token, person in tokens:
        assert await _principal(shape, token, PRESETS[name]) == person
    for cell, changed in _without(PRESETS[name]):
        for shape, token, person in tokens:
            if await _principal(shape, token, changed) != person:
                break
        else:
            pytest.fail(f"{name}: {cell} decides about nothing")


async def _principal(shape: Shape, token: str, preset: Preset) -> str | None:
    try:
        principal = await authenticator(shape, preset).authenticate(token)
    except InvalidToken:
        return None
    return principal.owner.subject


@EACH
def test_a_preset_is_chosen_by_the_issuers_address(shape: Shape) -> None:
    assert preset_for(shape.issuer).name == (shape.preset if shape.chosen else "standard")
    assert preset_for(shape.issuer, shape.preset).name == shape.preset
    assert preset_for(shape.issuer, "standard").name == "standard"


@pytest.mark.parametrize(
    "issuer",
    [
        "https://okta.com",
        "https://org.okta.com.evil.example",
        "https://evilokta.com/",
        "https://login.example/org.okta.com",
        "https://api.workos.com.example",
        "login.microsoftonline.com",
        "okta",
    ],
)
def test_another_address_chooses_none(issuer: str) -> None:
    assert preset_for(issuer).name == "standard"


def test_some_have_their_keys_where_no_description_says() -> None:
    urls = {shape.preset: PRESETS[shape.preset].keys_url(shape.issuer) for shape in SHAPES}
    assert {name: url for name, url in urls.items() if url} == {
        "workos": "https://api.workos.com/sso/jwks/client_01",
        "descope": "https://api.descope.com/P2abc/.well-known/jwks.json",
        "better-auth": "https://app.example/api/auth/jwks",
        "cloudflare": "https://team.cloudflareaccess.com/cdn-cgi/access/certs",
    }


PEOPLE: list[tuple[str, str | None, Claims, str | None]] = [
    ("okta", None, {"uid": "00u1", "sub": "alice@example.com"}, "00u1"),
    ("okta", None, {"uid": ..., "sub": CLIENT}, CLIENT),
    ("okta", None, {"uid": ..., "sub": "alice@example.com"}, None),
    ("okta", None, {"uid": 1}, None),
    ("okta", "sub", {"uid": "00u1", "sub": "alice@example.com"}, "alice@example.com"),
    ("okta", "uid", {"uid": ..., "sub": CLIENT}, None),
    ("entra", None, {"oid": "o"}, USER),
    ("entra", "oid", {"oid": "o"}, "o"),
    ("entra", "oid", {"oid": ...}, None),
    ("entra", "oid", {"oid": " "}, None),
    ("entra", "oid", {"sub": ...}, None),
    ("entra", "oid", {"sub": "a\0b"}, None),
]


@pytest.mark.parametrize(("name", "chosen", "changes", "person"), PEOPLE)
async def test_a_person_is_who_the_claim_names(
    name: str, chosen: str | None, changes: Claims, person: str | None
) -> None:
    """A claim that is chosen and missing is a refusal, whatever `sub` says."""
    shape = of(name)
    checked = authenticator(shape, subject_claim=chosen)
    token = signed(shape, {**shape.access, **changes})
    if person is None:
        with pytest.raises(InvalidToken) as refusal:
            await checked.authenticate(token)
        assert refusal.value.fault is TokenFault.SUBJECT
    else:
        assert (await checked.authenticate(token)).owner.subject == person


async def test_one_of_several_audiences_is_enough() -> None:
    cognito = of("cognito")
    audiences = (CLIENT, API)
    for claims, held in (
        ({}, True),
        ({"aud": API}, True),
        ({"aud": [API, "x"]}, True),
        ({"aud": "x"}, False),
        ({"aud": None}, False),
        ({"aud": []}, False),
        ({"aud": API, "client_id": "x"}, False),
    ):
        token = signed(cognito, {**cognito.access, **claims})
        assert (await fault(cognito, token, audiences=audiences) == "") is held


def test_permissions_are_in_either_claim_as_text_or_list() -> None:
    assert permissions({"scope": "a b", "scp": ["c", 1]}) == {"a", "b", "c"}
    assert permissions({"scope": ["a b"], "scp": "c"}) == {"a b", "c"}
    assert permissions({"scope": 1, "scp": {"a": 1}}) == set()


def test_an_operator_is_told_what_a_preset_means() -> None:
    told = {name for name, preset in PRESETS.items() if list(notes(preset, None))}
    assert told == {"cognito", "clerk", "casdoor", "id-token"}
    (line,) = notes(PRESETS["entra"], "oid")
    assert "oid" in line
    assert "new owner" in line


def test_settings_name_every_preset_and_algorithm() -> None:
    assert get_args(Provider) == tuple(PRESETS)
    assert set(get_args(Algorithm)) == set(KINDS)
