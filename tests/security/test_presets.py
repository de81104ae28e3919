"""No forged token gets in, whatever kind of provider is set."""

from collections.abc import AsyncIterator, Mapping
from dataclasses import replace
from functools import cache
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

import pytest

from adapters.auth.presets import PRESETS
from tests.adapters.token_shapes import SHAPES, Shape
from tests.conftest import Sized
from tests.entrypoints.conftest import opened
from tests.routes import requests as all_requests
from tests.security.attempts import bearer, refused
from tests.security.forgeries import forgeries
from tests.security.forgeries.kinds import ShapedMint, kinds
from tests.security.issuers import new_keys
from tests.security.kept import memory
from tests.security.mint import Key
from tests.security.trap import outbound
from tests.tally import Tally
from tests.web import Web, ok, web

LEAST = 400


@cache
def keys() -> tuple[Mapping[str, Key], Mapping[str, Key]]:
    """The providers', and a stranger's."""
    return new_keys(), new_keys()


@pytest.fixture
async def site() -> AsyncIterator[Web]:
    async with web() as site:
        yield site


def at(site: Web, shape: Shape) -> Shape:
    """The same provider on loopback, with its keys where its preset looks for them."""
    issuer = f"{site.url}{urlsplit(shape.issuer).path}"
    own = {issuer if shape.issuer == shape.audience else shape.audience}
    moved = replace(
        shape,
        issuer=issuer,
        audience=own.pop(),
        access={
            name: issuer if value == shape.issuer else value for name, value in shape.access.items()
        },
    )
    site.describe(issuer=issuer, path=urlsplit(issuer).path)
    address = PRESETS[shape.preset].keys_url(issuer) or f"{site.url}/jwks"
    ours = {key.thumbprint(): key for key in keys()[0].values()}
    jwks = [key.as_dict(private=False, kid=kid) for kid, key in ours.items()]
    site.answers[urlsplit(address).path] = ok({"keys": jwks})
    return moved


def no_lies(shape: Shape) -> set[str]:
    """What is a lie of other providers, and the truth of this."""
    truths = {"type: none", "type: an ID token's"}
    if shape.typ is None:
        truths.add("a type twice")
    if "aud" not in shape.access:
        truths.add("audience: none")
    return truths


def lies(mint: ShapedMint, one_in: int, first: int) -> dict[str, str]:
    """Those of its kind, and of those that are a lie at every provider one in so many."""
    every = {name: lie for name, lie in forgeries(mint).items() if name not in no_lies(mint.shape)}
    of_its_kind = kinds(mint)
    assert len(every) + len(of_its_kind) >= LEAST
    return of_its_kind | dict(list(every.items())[first % one_in :: one_in])


@pytest.mark.parametrize("number", range(len(SHAPES)), ids=[shape.provider for shape in SHAPES])
async def test_no_forged_token_gets_in_on_any_route(
    number: int, site: Web, tmp_path: Path, sized: Sized, tally: Tally
) -> None:
    """Each is right in all but one thing. None has anybody asked but the provider that is set. In a
    small run each is tried on one route, and every provider's are others."""
    shape = at(site, SHAPES[number])
    mint = ShapedMint(shape.issuer, shape.audience, 10, *keys(), "http://127.0.0.1:9", shape)
    tokens = lies(mint, sized(8, 1), number)
    attempts = {name: {"headers": bearer(token)} for name, token in tokens.items()}
    options: dict[str, Any] = {
        "oidc_issuer": shape.issuer,
        "oidc_audience": (shape.audience,),
        "oidc_provider": shape.preset,
    }
    async with memory(tmp_path) as kept, opened(kept.storage, tmp_path, options) as api:
        with outbound() as asked:
            made = await api.client.post("/sessions", json={}, headers=bearer(mint.honest()))
            assert made.status_code == 201, made.text
            before = await kept.contents()
            routes = sized(1, len(all_requests("")))
            wrong, _ = await refused(api, attempts, made.json()["id"], 401, routes, first=number)
        of = len(attempts) * routes
        tally.none("P6", f"{shape.provider}: forged tokens that passed a route", wrong, of=of)
        assert set(asked) == {("127.0.0.1", urlsplit(site.url).port)}
        assert await kept.contents() == before
        for algorithm in keys()[0]:
            honest = bearer(mint.honest(algorithm))
            assert (await api.client.get("/sessions", headers=honest)).status_code == 200
