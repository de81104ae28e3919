"""Which tokens of an identity provider hold, whatever they are signed with, and for how long."""

import hmac
from collections.abc import AsyncIterator, Callable, Mapping
from datetime import UTC, datetime, timedelta
from functools import partial
from typing import Any

import pytest
from joserfc import jwt
from joserfc.jwk import ECKey, OKPKey, RSAKey

from adapters.auth import JwtAuthenticator
from adapters.auth.discovery import Discovery
from adapters.auth.jwk import KINDS
from adapters.auth.keys import PublicKey
from adapters.auth.policy import TokenPolicy
from adapters.auth.provider import ProviderKeys
from application.errors import InvalidToken, Unavailable
from application.ports.authenticator import EVERY_SCOPE, Principal, Scope
from domain.owner import Owner
from tests.clock import ManualClock
from tests.security.mint import NOW, compact, signing
from tests.web import Web, web

AUDIENCE = "https://chat.example"

PRIVATE: Mapping[str, ECKey | OKPKey | RSAKey] = {
    "rsa": RSAKey.generate_key(),
    "ec": ECKey.generate_key("P-256"),
    "ed": OKPKey.generate_key("Ed25519"),
}
SIGNERS = {"RS256": "rsa", "PS256": "rsa", "ES256": "ec", "Ed25519": "ed"}


class Counted(ProviderKeys):
    searches = 0

    async def find(self, kid: str | None, algorithm: str) -> PublicKey | None:
        self.searches += 1
        return await super().find(kid, algorithm)


class Issuer:
    """A provider, what the service knows of it, and the time."""

    def __init__(self, site: Web) -> None:
        self.site = site
        self.url = site.describe()
        self.clock = ManualClock()
        self.keys = Counted(
            self.url, Discovery(self.url, tuple(KINDS), 10), max_age=3600, interval=0
        )

    def show(self, *kids: str) -> None:
        self.site.show(*[{**PRIVATE[kid].as_dict(private=False), "kid": kid} for kid in kids])

    def authenticator(self, **policy: Any) -> JwtAuthenticator:
        made = {"issuer": self.url, "audiences": (AUDIENCE,), "algorithms": tuple(KINDS), **policy}
        return JwtAuthenticator(TokenPolicy(**made), self.keys, self.clock)

    def token(self, algorithm: str = "ES256", kid: str | None = None, **claims: Any) -> str:
        signer = SIGNERS[algorithm]
        header = {"alg": algorithm, "typ": "at+jwt", "kid": kid or signer}
        return jwt.encode(header, self.claims(**claims), PRIVATE[signer], [algorithm])

    def claims(self, **changes: Any) -> dict[str, Any]:
        made = {"iss": self.url, "aud": AUDIENCE, "sub": "alice", "iat": NOW, "exp": NOW + 60}
        return {**made, **changes}


@pytest.fixture
async def issuer() -> AsyncIterator[Issuer]:
    async with web() as site:
        issuer = Issuer(site)
        issuer.show(*PRIVATE)
        yield issuer
        await issuer.keys.close()


async def refuses(authenticator: JwtAuthenticator, token: str) -> None:
    with pytest.raises(InvalidToken):
        await authenticator.authenticate(token)


@pytest.mark.parametrize("algorithm", SIGNERS)
async def test_a_token_of_each_algorithm_holds(issuer: Issuer, algorithm: str) -> None:
    authenticator = issuer.authenticator()
    alice = Principal(Owner(issuer.url, "alice"), EVERY_SCOPE)
    assert await authenticator.authenticate(issuer.token(algorithm)) == alice


async def test_ed25519_goes_by_its_old_name_too(issuer: Issuer) -> None:
    """As "EdDSA", which most providers still call it, and without a warning."""
    header = {"alg": "EdDSA", "typ": "at+jwt", "kid": "ed"}
    token = compact(header, issuer.claims(), signing(PRIVATE["ed"], "Ed25519"))
    assert (await issuer.authenticator().authenticate(token)).owner.subject == "alice"
    await refuses(issuer.authenticator(algorithms=("RS256", "ES256")), token)


@pytest.mark.parametrize("algorithm", SIGNERS)
@pytest.mark.parametrize("allowed", SIGNERS)
async def test_an_algorithm_holds_only_if_it_is_allowed(
    issuer: Issuer, algorithm: str, allowed: str
) -> None:
    authenticator = issuer.authenticator(algorithms=(allowed,))
    token = issuer.token(algorithm)
    if algorithm == allowed:
        await authenticator.authenticate(token)
    else:
        await refuses(authenticator, token)


@pytest.mark.parametrize("algorithm", SIGNERS)
async def test_a_good_signature_under_the_id_of_another_key_does_not_hold(
    issuer: Issuer, algorithm: str
) -> None:
    for kid in PRIVATE.keys() - {SIGNERS[algorithm]}:
        await refuses(issuer.authenticator(), issuer.token(algorithm, kid=kid))


@pytest.mark.parametrize(("algorithm", "other"), [("RS256", "PS256"), ("PS256", "RS256")])
async def test_a_key_that_is_for_one_algorithm_checks_no_other(
    issuer: Issuer, algorithm: str, other: str
) -> None:
    issuer.site.show({**PRIVATE["rsa"].as_dict(private=False), "kid": "rsa", "alg": algorithm})
    await issuer.authenticator().authenticate(issuer.token(algorithm))
    await refuses(issuer.authenticator(), issuer.token(other))


async def test_a_shared_secret_made_of_a_public_key_signs_nothing(issuer: Issuer) -> None:
    """The classic confusion of RS256 with HS256."""
    for secret in (PRIVATE["rsa"].as_pem(private=False), PRIVATE["rsa"].as_der(private=False)):
        for kid in ("rsa", "other"):
            header = {"alg": "HS256", "typ": "at+jwt", "kid": kid}
            token = compact(header, issuer.claims(), partial(hmac.digest, secret, digest="sha256"))
            await refuses(issuer.authenticator(), token)


async def test_what_a_token_brings_along_to_be_checked_with_is_refused(issuer: Issuer) -> None:
    """And never looked at: the site sees no request for it."""
    stranger = ECKey.generate_key("P-256")
    address = f"{issuer.url}/trap"
    for brought in (
        {"jku": address},
        {"x5u": address},
        {"jwk": stranger.as_dict(private=False)},
        {"x5c": ["AAAA"]},
    ):
        for key in (stranger, PRIVATE["ec"]):
            header = {"alg": "ES256", "typ": "at+jwt", "kid": "ec", **brought}
            await refuses(issuer.authenticator(), jwt.encode(header, issuer.claims(), key))
    assert "/trap" not in issuer.site.asked


async def test_a_header_may_say_what_nobody_here_reads(issuer: Issuer) -> None:
    """RFC 7515 section 4: what is not understood is ignored."""
    header = {"alg": "ES256", "typ": "at+jwt", "kid": "ec", "x5t": "AAAA", "other": "x" * 1000}
    token = compact(header, issuer.claims(), signing(PRIVATE["ec"], "ES256"))
    assert (await issuer.authenticator().authenticate(token)).owner.subject == "alice"


SKEW = 10.0
AT_THE_EDGE: list[tuple[dict[str, Any], float, bool]] = [
    ({"exp": NOW + 60}, 60 + SKEW - 1, True),
    ({"exp": NOW + 60}, 60 + SKEW, False),
    ({"iat": NOW + SKEW}, 0, True),
    ({"iat": NOW + SKEW + 1}, 0, False),
    ({"nbf": NOW + SKEW}, 0, True),
    ({"nbf": NOW + SKEW + 1}, 0, False),
    ({"nbf": NOW + SKEW + 1}, 1, True),
    ({"exp": NOW + 300}, 0, True),
    ({"exp": NOW + 301}, 0, False),
]


@pytest.mark.parametrize(("claims", "later", "holds"), AT_THE_EDGE)
async def test_times_hold_to_the_second_and_the_skew(
    issuer: Issuer,
    claims: dict[str, Any],
    later: float,
    holds: bool,  # noqa: FBT001
) -> None:
    """300 s are the longest life."""
    authenticator = issuer.authenticator(clock_skew=SKEW, lifetime_max=300)
    issuer.clock.time = datetime.fromtimestamp(NOW + later, UTC)
    token = issuer.token(**claims)
    if holds:
        await authenticator.authenticate(token)
    else:
        await refuses(authenticator, token)


async def test_a_token_is_checked_once(issuer: Issuer) -> None:
    authenticator = issuer.authenticator()
    token = issuer.token()
    first = await authenticator.authenticate(token)
    for _ in range(5):
        assert await authenticator.authenticate(token) == first
    assert issuer.keys.searches == 1
    await authenticator.authenticate(issuer.token(sub="bob"))
    assert issuer.keys.searches == 2


async def test_a_token_in_use_ends_with_its_time(issuer: Issuer) -> None:
    authenticator = issuer.authenticator(clock_skew=SKEW)
    token = issuer.token()
    await authenticator.authenticate(token)
    last = datetime.fromtimestamp(NOW + 60 + SKEW, UTC)
    issuer.clock.time = last - timedelta(microseconds=1)
    await authenticator.authenticate(token)
    issuer.clock.time = last
    await refuses(authenticator, token)
    assert issuer.keys.searches == 1


async def test_a_token_in_use_does_not_hold_before_its_time(issuer: Issuer) -> None:
    """Also when the machine's clock goes back."""
    authenticator = issuer.authenticator(clock_skew=SKEW)
    token = issuer.token(iat=NOW - 60, nbf=NOW - 5)
    await authenticator.authenticate(token)
    first = datetime.fromtimestamp(NOW - 5 - SKEW, UTC)
    issuer.clock.time = first
    await authenticator.authenticate(token)
    issuer.clock.time = first - timedelta(microseconds=1)
    await refuses(authenticator, token)


async def test_a_token_in_use_ends_with_its_key(issuer: Issuer) -> None:
    authenticator = issuer.authenticator()
    tokens = {algorithm: issuer.token(algorithm) for algorithm in SIGNERS}
    for token in tokens.values():
        await authenticator.authenticate(token)
    issuer.show("ec", "ed")
    await refuses(authenticator, issuer.token(kid="unknown"))
    for algorithm, token in tokens.items():
        if SIGNERS[algorithm] == "rsa":
            await refuses(authenticator, token)
        else:
            await authenticator.authenticate(token)


async def test_a_refusal_is_not_kept(issuer: Issuer) -> None:
    authenticator = issuer.authenticator()
    issuer.show("rsa")
    token = issuer.token("ES256")
    await refuses(authenticator, token)
    issuer.show("ec")
    await authenticator.authenticate(token)


async def test_without_keys_it_cannot_be_told(issuer: Issuer) -> None:
    issuer.show()
    authenticator = issuer.authenticator()
    with pytest.raises(Unavailable):
        await authenticator.authenticate(issuer.token())
    with pytest.raises(Unavailable):
        await authenticator.check()
    await refuses(authenticator, "a.b.c")


async def test_a_key_without_an_id_checks_tokens_that_name_none(issuer: Issuer) -> None:
    """As a small provider with one key has it."""
    issuer.site.show(PRIVATE["ec"].as_dict(private=False), PRIVATE["rsa"].as_dict(private=False))
    for algorithm, signer in (("ES256", "ec"), ("RS256", "rsa")):
        header = {"alg": algorithm, "typ": "at+jwt"}
        token = jwt.encode(header, issuer.claims(), PRIVATE[signer], [algorithm])
        await issuer.authenticator().authenticate(token)
    await refuses(issuer.authenticator(), issuer.token())


@pytest.mark.parametrize(
    ("scope", "scopes"),
    [
        ("chat:read", {Scope.READ}),
        ("chat:write chat:read", {Scope.READ, Scope.WRITE}),
        ("openid", set()),
        ("chat:read\tchat:write", set()),
        (["chat:read", 1], {Scope.READ}),
        ({"chat:read": 1}, set()),
        (None, set()),
    ],
)
async def test_scopes_count_where_they_are_required(
    issuer: Issuer, scope: Any, scopes: set[Scope]
) -> None:
    token = issuer.token(scope=scope)
    required = issuer.authenticator(require_scopes=True)
    assert (await required.authenticate(token)).scopes == scopes
    assert (await issuer.authenticator().authenticate(token)).scopes == EVERY_SCOPE


@pytest.mark.parametrize(
    "odd", [lambda token: token + "é", lambda _: "\ud800", lambda token: token + "\0"]
)
async def test_a_text_that_is_no_token_is_refused(
    issuer: Issuer, odd: Callable[[str], str]
) -> None:
    await refuses(issuer.authenticator(), odd(issuer.token()))
    assert not issuer.site.asked


async def test_a_key_without_an_id_is_followed_by_the_first_token_of_the_next(
    issuer: Issuer,
) -> None:
    new = ECKey.generate_key("P-256")
    header = {"alg": "ES256", "typ": "at+jwt"}
    old_token = jwt.encode(header, issuer.claims(), PRIVATE["ec"], ["ES256"])
    new_token = jwt.encode(header, issuer.claims(), new, ["ES256"])
    authenticator = issuer.authenticator()
    issuer.site.show(PRIVATE["ec"].as_dict(private=False))
    await authenticator.authenticate(old_token)
    await refuses(authenticator, new_token)
    issuer.site.show(new.as_dict(private=False))
    await authenticator.authenticate(old_token)
    await authenticator.authenticate(new_token)
    await refuses(authenticator, old_token)


async def test_a_token_that_names_its_key_has_no_other_looked_for(issuer: Issuer) -> None:
    authenticator = issuer.authenticator()
    await authenticator.authenticate(issuer.token())
    issuer.keys.searches = 0
    asked = issuer.site.asked["/jwks"]
    await refuses(authenticator, issuer.token("ES256")[:-8] + "AAAAAAAA")
    assert (issuer.keys.searches, issuer.site.asked["/jwks"]) == (1, asked)


@pytest.mark.parametrize(
    ("claim", "value"), [("aud", "https://other.example"), ("iss", "https://login.example")]
)
async def test_whoever_reads_the_log_is_told_which_claim_does_not_hold(
    issuer: Issuer, claim: str, value: str
) -> None:
    with pytest.raises(InvalidToken, match=f"a claim does not hold: .*{claim}") as refusal:
        await issuer.authenticator().authenticate(issuer.token(**{claim: value}))
    assert value not in str(refusal.value)
