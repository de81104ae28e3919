"""No forged token gets in, wherever it is shown."""

from collections.abc import AsyncIterator, Iterator
from pathlib import Path
from typing import Any

import pytest

from tests.conftest import Sized
from tests.entrypoints.conftest import Api, opened
from tests.identity_provider import provider
from tests.routes import requests as all_requests
from tests.security.attempts import SECONDS, Request, bearer, refused
from tests.security.forgeries import forgeries
from tests.security.forgeries.signatures import P256_ORDER
from tests.security.issuers import ISSUERS
from tests.security.kept import Kept, sqlite
from tests.security.mint import Mint, compact, encoded
from tests.security.trap import Trap, set_trap
from tests.tally import Tally

LEAST = 120


@pytest.fixture
def trap() -> Iterator[Trap]:
    with set_trap() as made:
        yield made


@pytest.fixture
async def kept(tmp_path: Path) -> AsyncIterator[Kept]:
    async with sqlite(tmp_path) as made:
        yield made


@pytest.fixture(params=ISSUERS)
def issued(
    request: pytest.FixtureRequest, tmp_path: Path, trap: Trap
) -> tuple[Mint, dict[str, Any]]:
    made, options = ISSUERS[request.param](tmp_path, trap.url)
    trap.keys = [{**key.as_dict(private=False)} for key in made.strangers.values()]
    return made, options


@pytest.fixture
def mint(issued: tuple[Mint, dict[str, Any]]) -> Mint:
    return issued[0]


@pytest.fixture
async def api(
    kept: Kept, issued: tuple[Mint, dict[str, Any]], tmp_path: Path
) -> AsyncIterator[Api]:
    async with opened(kept.storage, tmp_path, issued[1]) as api:
        yield api


async def test_no_forged_token_gets_in_on_any_route(
    api: Api,
    kept: Kept,
    mint: Mint,
    trap: Trap,
    sized: Sized,
    tally: Tally,
    request: pytest.FixtureRequest,
) -> None:
    """Each is refused alike, asks nobody, leaves nothing, and costs little; honest tokens hold
    before and after."""
    issuer = request.node.callspec.params["issued"]
    honest = ["ES256"] if issuer == "development" else ["ES256", "RS256", "PS256", "Ed25519"]
    made = await api.client.post("/sessions", json={}, headers=bearer(mint.honest()))
    assert made.status_code == 201, made.text
    session_id = made.json()["id"]
    asked_before = provider().requests if issuer == "provider" else {}
    before = await kept.contents()
    attempts = {name: {"headers": bearer(token)} for name, token in forgeries(mint).items()}
    assert len(attempts) >= LEAST

    routes = sized(3, len(all_requests(session_id)))
    wrong, took = await refused(api, attempts, session_id, 401, routes)

    requests = len(attempts) * routes
    most = max(took.values()) * 1000
    tally.none("P6", f"{issuer}: forged tokens that passed a route", wrong, of=requests)
    slow = [name for name, seconds in took.items() if seconds > SECONDS]
    tally.none("P6", f"{issuer}: forgeries over 20 ms (most {most:.1f})", slow, of=len(attempts))
    tally.none("P6", f"{issuer}: connections to the trap", trap.hits, of=requests)
    assert await kept.contents() == before
    if issuer == "provider":
        assert provider().requests.get("/jwks", 0) <= asked_before.get("/jwks", 0) + 1
    for algorithm in honest:
        answer = await api.client.get("/sessions", headers=bearer(mint.honest(algorithm)))
        assert answer.status_code == 200, algorithm


async def test_a_token_counts_in_its_one_place_alone(
    api: Api, kept: Kept, mint: Mint, tally: Tally
) -> None:
    """One that holds, but is shown otherwise than as the one Authorization header's bearer."""
    token = mint.honest()
    made = await api.client.post("/sessions", json={}, headers=bearer(token))
    session_id = made.json()["id"]
    before = await kept.contents()
    shown: dict[str, Request] = {
        "in the query": {"params": {"access_token": token}},
        "in the query, as a header": {"params": {"Authorization": f"Bearer {token}"}},
        "in a form": {"data": {"access_token": token}, "json": None},
        "in a body": {"json": {"access_token": token}},
        "in a cookie": {"headers": {"Cookie": f"access_token={token}; Authorization={token}"}},
        "to a proxy": {"headers": {"Proxy-Authorization": f"Bearer {token}"}},
        "in a header of its own": {"headers": {"X-Authorization": f"Bearer {token}"}},
        "as an original header": {"headers": {"X-Original-Authorization": f"Bearer {token}"}},
        "as an API key": {"headers": {"X-API-Key": token}},
        "as another scheme": {"headers": {"Authorization": f"Token {token}"}},
        "as a proof's": {"headers": {"Authorization": f"DPoP {token}"}},
        "without a scheme": {"headers": {"Authorization": token}},
        "as a password": {
            "headers": {"Authorization": f"Basic {encoded(f'alice:{token}'.encode())}"}
        },
        "behind a colon": {"headers": {"Authorization": f"Bearer: {token}"}},
        "behind a tab": {"headers": {"Authorization": f"Bearer\t{token}"}},
        "twice in one header": {"headers": {"Authorization": f"Bearer {token}, Bearer {token}"}},
        "as a parameter": {"headers": {"Authorization": f'Bearer token="{token}"'}},
    }
    wrong, _ = await refused(api, shown, session_id, 401)
    asked = len(shown) * len(all_requests(session_id))
    tally.none("P6", "tokens taken from a wrong place", wrong, of=asked)
    assert await kept.contents() == before


async def test_more_than_one_token_is_refused(api: Api, kept: Kept, mint: Mint) -> None:
    """Whichever of them holds: 400, as contradictory as it is."""
    ours, theirs = (f"Bearer {mint.honest(sub=who)}" for who in ("alice", "bob"))
    made = await api.client.post("/sessions", json={}, headers={"Authorization": ours})
    before = await kept.contents()
    for pair in ((ours, ours), (ours, theirs), ("Bearer x", ours), (ours, ""), ("", ours)):
        headers = [("Authorization", value) for value in pair]
        requests: dict[str, Request] = {"two": {"headers": headers}}
        wrong, _ = await refused(api, requests, made.json()["id"], 400)
        assert not wrong
    assert await kept.contents() == before


async def test_a_head_too_large_for_a_token_is_refused_before_it_is_looked_at(
    api: Api, mint: Mint
) -> None:
    made = await api.client.post("/sessions", json={}, headers=bearer(mint.honest()))
    huge = {
        "a megabyte": {"headers": bearer("a" * (1 << 20))},
        "a megabyte of points": {"headers": bearer("." * (1 << 20))},
        "a key id of a megabyte": {"headers": bearer(mint.headed(kid="k" * (1 << 20)))},
        "a subject of a megabyte": {"headers": bearer(mint.saying(sub="a" * (1 << 20)))},
    }
    wrong, took = await refused(api, huge, made.json()["id"], 431)
    assert not wrong
    assert max(took.values()) < SECONDS


async def test_the_other_signature_of_the_same_key_is_worth_the_same(api: Api, mint: Mint) -> None:
    """ECDSA has two for each: (r, s) and (r, order - s). Providers make either (RFC 7518 section
    3.4 asks for neither), so both hold, for the same person and until the same time."""

    def twin(data: bytes) -> bytes:
        made = mint.sign(data)
        other = P256_ORDER - int.from_bytes(made[32:], "big")
        return made[:32] + other.to_bytes(32, "big")

    token = compact(mint.header(), mint.claims(), twin)
    answer = await api.client.post("/sessions", json={}, headers=bearer(token))
    assert answer.json()["user_id"] == "alice"
    api.clock.move(60 + mint.skew)
    assert (await api.client.get("/sessions", headers=bearer(token))).status_code == 401
