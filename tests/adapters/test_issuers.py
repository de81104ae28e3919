"""Tokens of several issuers."""

import asyncio
from collections.abc import Mapping
from typing import Any

import pytest
from joserfc import jwt
from joserfc.jwk import ECKey
from structlog.testing import capture_logs

from adapters.auth import JwtAuthenticator
from adapters.auth.explain import explain
from adapters.auth.issuers import IssuersAuthenticator
from adapters.auth.keys import Keys, PublicKey
from adapters.auth.policy import TokenPolicy
from application.errors import InvalidToken, TokenFault, Unavailable
from application.ports.authenticator import Actor, Scope
from domain.owner import Owner
from tests.clock import ManualClock
from tests.security.mint import NOW
from tests.waiting import await_until

KEYS = {name: ECKey.generate_key("P-256") for name in ("people", "agents")}


class OneKey(Keys):
    version = 0
    ids = ()

    def __init__(self, key: ECKey) -> None:
        self._key = key
        self.is_known = True
        self.name = "it"
        self.failure: Exception | None = None
        self.is_kept: asyncio.Event | None = None
        self.searches = 0
        self.calls: list[str] = []

    async def find(self, kid: str | None, algorithm: str) -> PublicKey | None:  # noqa: ARG002 - it is the one
        self.searches += 1
        return self._key

    async def successor(self, key: PublicKey | None, algorithm: str) -> PublicKey | None:  # noqa: ARG002 - it stays the same
        return None

    async def check(self) -> None:
        if not self.is_known:
            raise Unavailable(f"{self.name} is away")

    async def keep_current(self) -> None:
        self.calls.append("kept")
        if self.failure:
            raise self.failure
        if self.is_kept:
            await self.is_kept.wait()

    async def close(self) -> None:
        self.calls.append("closed")


@pytest.fixture
def clock() -> ManualClock:
    return ManualClock()


@pytest.fixture
def keys() -> Mapping[str, OneKey]:
    return {name: OneKey(key) for name, key in KEYS.items()}


@pytest.fixture
def issuers(keys: Mapping[str, OneKey], clock: ManualClock) -> IssuersAuthenticator:
    policy: dict[str, Any] = {"audiences": ("chat",), "algorithms": ("ES256",)}
    acting = {"agents": "people"}
    return IssuersAuthenticator(
        {
            name: JwtAuthenticator(
                TokenPolicy(issuer=name, acts_for=acting.get(name), **policy), keys[name], clock
            )
            for name in keys
        }
    )


def made(issuer: Any, key: str, **claims: Any) -> str:
    said = {"iss": issuer, "aud": "chat", "sub": "alice", "iat": NOW, "exp": NOW + 60, **claims}
    return jwt.encode({"alg": "ES256", "typ": "at+jwt"}, said, KEYS[key], ["ES256"])


async def test_each_token_is_checked_by_its_issuer_once(
    issuers: IssuersAuthenticator, keys: Mapping[str, OneKey], clock: ManualClock
) -> None:
    for name, actor in (("people", None), ("agents", Actor("agents", "agents"))):
        token = made(name, name)
        for _ in range(3):
            principal = await issuers.authenticate(token)
            assert (principal.owner, principal.actor) == (Owner("people", "alice"), actor)
        assert keys[name].searches == 1
    clock.move(60)
    with pytest.raises(InvalidToken, match="it has expired"):
        await issuers.authenticate(token)


@pytest.mark.parametrize(
    ("token", "fault"),
    [
        (made("people", "agents"), TokenFault.SIGNATURE),
        (made("agents", "people"), TokenFault.SIGNATURE),
        (made("nobody", "people"), TokenFault.ISSUER),
        (made(["people"], "people"), TokenFault.ISSUER),
        (made(None, "people"), TokenFault.ISSUER),
        ("x", TokenFault.MALFORMED),
        ("é", TokenFault.MALFORMED),
        ("a" * 20_000, TokenFault.MALFORMED),
    ],
)
async def test_a_key_of_one_signs_nothing_for_another(
    issuers: IssuersAuthenticator, token: str, fault: TokenFault
) -> None:
    with pytest.raises(InvalidToken) as refusal:
        await issuers.authenticate(token)
    assert refusal.value.fault is fault


ACTORS: list[tuple[Any, str]] = [
    ({"sub": "agent"}, "agent"),
    ({"sub": "a"}, "a"),
    ({"sub": "a" * 255, "act": {"sub": "before"}}, "a" * 255),
    ({"sub": "a" * 256}, "agents"),
    ({"sub": ""}, "agents"),
    ({"sub": 1}, "agents"),
    ({"sub": "a\nb"}, "agents"),
    ({}, "agents"),
    ("agent", "agents"),
    (None, "agents"),
]


@pytest.mark.parametrize(("act", "actor"), ACTORS)
async def test_who_acts_is_whom_the_token_names_or_its_issuer(
    issuers: IssuersAuthenticator, act: Any, actor: str
) -> None:
    principal = await issuers.authenticate(made("agents", "agents", act=act))
    assert principal.actor == Actor(actor, "agents")
    assert principal.owner == Owner("people", "alice")


async def test_it_is_ready_once_the_keys_of_one_are_known(
    issuers: IssuersAuthenticator, keys: Mapping[str, OneKey]
) -> None:
    keys["people"].is_known = False
    await issuers.check()
    keys["agents"].is_known = False
    with pytest.raises(Unavailable):
        await issuers.check()
    await issuers.keep_current()
    await issuers.close()
    assert [key.calls for key in keys.values()] == [["kept", "closed"]] * 2


async def test_while_no_keys_are_known_it_says_so_of_each(
    issuers: IssuersAuthenticator, keys: Mapping[str, OneKey]
) -> None:
    for name, key in keys.items():
        key.is_known, key.name = False, name
    with pytest.raises(Unavailable, match=r"^people is away; agents is away$"):
        await issuers.check()


async def test_a_failure_of_one_leaves_the_others_current(
    issuers: IssuersAuthenticator, keys: Mapping[str, OneKey]
) -> None:
    """And is logged with its name."""
    keys["people"].failure = RuntimeError("broken")
    others = keys["agents"]
    others.is_kept = asyncio.Event()
    with capture_logs() as lines:
        keeping = asyncio.create_task(issuers.keep_current())
        await await_until(lambda: bool(others.calls and lines))
        assert not keeping.done()
        others.is_kept.set()
        await keeping
    assert [(line["event"], line["issuer"]) for line in lines] == [("keys.failed", "people")]


async def test_a_refusal_says_as_whose_token_it_was_checked(issuers: IssuersAuthenticator) -> None:
    with pytest.raises(InvalidToken, match=r"hold \(as a token of people\)$") as refusal:
        await issuers.authenticate(made("people", "agents"))
    assert refusal.value.fault is TokenFault.SIGNATURE


async def test_scopes_have_the_names_of_the_tokens_issuer(clock: ManualClock) -> None:
    """On a refusal the client is told these, whatever other issuers call them."""
    names = {name: {Scope.READ: f"{name}.read", Scope.WRITE: f"{name}.write"} for name in KEYS}
    issuers = IssuersAuthenticator(
        {
            name: JwtAuthenticator(
                TokenPolicy(
                    issuer=name,
                    audiences=("chat",),
                    algorithms=("ES256",),
                    require_scopes=True,
                    scope_names=names[name],
                ),
                OneKey(key),
                clock,
            )
            for name, key in KEYS.items()
        }
    )
    for name in KEYS:
        given = made(name, name, scope="agents.read people.write")
        principal = await issuers.authenticate(given)
        assert principal.scope_names == names[name]
        assert principal.scopes == {Scope.READ if name == "agents" else Scope.WRITE}


@pytest.mark.parametrize(
    ("issuer", "wanted"), [("agents", "agents"), ("agents/", "agents"), ("nobody", "people")]
)
async def test_a_token_is_explained_by_the_issuer_that_it_names(
    issuers: IssuersAuthenticator, issuer: str, wanted: str
) -> None:
    """Or is like, or by the first."""
    token = made(issuer, "agents", aud="x")
    findings = {found.rule: found async for found in explain(issuers, token, str.upper)}
    assert findings["issuer"].holds is (issuer == wanted)
    assert findings["audience"].holds is False
    assert findings["issuer"].wanted == ("" if issuer == wanted else "people or agents")
    assert findings["form"].found.endswith(f"checked as one of {wanted}")
    assert "ISSUER as the token has it" in findings["issuer"].cure or issuer == wanted
    assert ("slash" in findings["issuer"].cure) is issuer.endswith("/")
