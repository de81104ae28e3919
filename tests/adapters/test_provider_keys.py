"""When an identity provider is asked for its keys, and what holds while it is away."""

import asyncio
import time
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

import pytest
from joserfc.jwk import ECKey
from structlog.testing import capture_logs

from adapters.auth.discovery import Discovery
from adapters.auth.provider import RETRY_SECONDS, ProviderKeys
from application.errors import Unavailable
from entrypoints.jobs import running
from tests.waiting import WAIT_SECONDS, await_until
from tests.web import Web, answered, ok, web

FIRST, SECOND = ECKey.generate_key("P-256"), ECKey.generate_key("P-256")
ONE, TWO = FIRST.thumbprint(), SECOND.thumbprint()

AGES = 3600.0
"""Longer than any test."""


@pytest.fixture
async def site() -> AsyncIterator[Web]:
    async with web() as site:
        site.describe(FIRST)
        yield site


@asynccontextmanager
async def keys_of(
    site: Web,
    max_age: float = AGES,
    interval: float = AGES,
    seconds: float = WAIT_SECONDS,
    *,
    keep: bool = False,
) -> AsyncIterator[ProviderKeys]:
    keys = ProviderKeys(site.url, Discovery(site.url, ("ES256",), seconds), max_age, interval)
    async with running({"keys": keys.keep_current} if keep else {}):
        try:
            yield keys
        finally:
            await keys.close()


async def test_keys_are_asked_for_at_the_start_without_waiting(site: Web) -> None:
    async with keys_of(site, keep=True) as keys:
        assert site.asked["/jwks"] == 0
        await await_until(lambda: keys.version == 1)
        await keys.check()
        assert await keys.find(ONE, "ES256")
        assert site.asked["/jwks"] == 1


async def test_the_first_token_has_them_asked_for_if_nobody_has(site: Web) -> None:
    async with keys_of(site) as keys:
        with pytest.raises(Unavailable, match=f"{site.url} was not asked for keys yet"):
            await keys.check()
        assert await keys.find(ONE, "ES256")
        await keys.check()


async def test_fifty_at_once_wait_for_one_answer(site: Web) -> None:
    async with keys_of(site) as keys:
        found = await asyncio.gather(*[keys.find(ONE, "ES256") for _ in range(50)])
        assert all(found)
        assert site.asked["/jwks"] == 1


async def test_a_client_that_hangs_up_leaves_the_others_their_answer(site: Web) -> None:
    async with keys_of(site) as keys:
        first = asyncio.create_task(keys.find(ONE, "ES256"))
        second = asyncio.create_task(keys.find(ONE, "ES256"))
        await asyncio.sleep(0)
        first.cancel()
        assert await second
        assert site.asked["/jwks"] == 1


async def test_an_unknown_key_has_them_asked_for_once_an_interval(site: Web) -> None:
    """However many there are: a hundred made-up ones cost the provider nothing."""
    async with keys_of(site) as keys:
        assert await keys.find(ONE, "ES256")
        for number in range(100):
            assert await keys.find(f"made up {number}", "ES256") is None
        assert site.asked["/jwks"] == 1


async def test_a_new_key_is_known_at_its_first_use(site: Web) -> None:
    async with keys_of(site, interval=0) as keys:
        assert await keys.find(TWO, "ES256") is None
        site.describe(FIRST, SECOND)
        before = keys.version
        assert await keys.find(TWO, "ES256")
        assert await keys.find(ONE, "ES256")
        assert keys.version == before + 1
        asked = site.asked["/jwks"]
        await keys.find(TWO, "ES256")
        assert site.asked["/jwks"] == asked


@pytest.mark.parametrize("algorithm", ["RS256", "Ed25519"])
async def test_a_known_key_under_another_algorithm_is_not_worth_asking(
    site: Web, algorithm: str
) -> None:
    async with keys_of(site, interval=0) as keys:
        assert await keys.find(ONE, "ES256")
        assert await keys.find(ONE, algorithm) is None
        assert await keys.find(None, algorithm) is None
        assert await keys.find(None, "ES256")
        assert site.asked["/jwks"] == 1


async def test_a_retired_key_is_gone_once_the_keys_reach_their_age(site: Web) -> None:
    async with keys_of(site, max_age=0.05, keep=True) as keys:
        await await_until(lambda: keys.version == 1)
        site.describe(SECOND)
        await await_until(lambda: keys.version == 2)
        assert await keys.find(ONE, "ES256") is None
        assert await keys.find(TWO, "ES256")


async def test_until_the_keys_have_their_age_they_are_not_asked_for_again(
    site: Web, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The short pause is for those that could not be had."""
    monkeypatch.setattr("adapters.auth.provider.RETRY_SECONDS", 0.0)
    async with keys_of(site, keep=True) as keys:
        await await_until(lambda: keys.version == 1)
        await asyncio.sleep(0.2)
        assert site.asked["/jwks"] == 1


async def test_the_same_keys_again_are_no_other_version(site: Web) -> None:
    async with keys_of(site, max_age=0.02, keep=True) as keys:
        await await_until(lambda: site.asked["/jwks"] > 3)
        assert keys.version == 1


async def test_a_key_that_changed_under_its_id_is_another_version(site: Web) -> None:
    async with keys_of(site, interval=0) as keys:
        site.show(FIRST.as_dict(private=False, kid="a"))
        assert await keys.find("a", "ES256")
        site.show(SECOND.as_dict(private=False, kid="a"))
        assert await keys.find("b", "ES256") is None
        assert keys.version == 2


async def test_a_key_without_an_id_has_its_successor_found_once_it_fails(site: Web) -> None:
    site.show(FIRST.as_dict(private=False))
    async with keys_of(site, interval=0) as keys:
        first = await keys.find(None, "ES256")
        assert first
        assert await keys.successor(first, "ES256") is None
        assert keys.version == 1
        site.show(SECOND.as_dict(private=False))
        assert await keys.find(None, "ES256") == first
        second = await keys.successor(first, "ES256")
        assert second
        assert second.thumbprint() == TWO
        assert keys.version == 2


async def test_signatures_that_fail_have_the_keys_asked_for_once_an_interval(site: Web) -> None:
    site.show(FIRST.as_dict(private=False))
    async with keys_of(site) as keys:
        first = await keys.find(None, "ES256")
        site.show(SECOND.as_dict(private=False))
        for _ in range(100):
            assert await keys.successor(first, "ES256") is None
        assert site.asked["/jwks"] == 1


async def test_while_the_provider_is_away_a_key_has_no_successor(site: Web) -> None:
    async with keys_of(site, interval=0) as keys:
        first = await keys.find(None, "ES256")
        site.answers["/jwks"] = answered(500)
        assert await keys.successor(first, "ES256") is None
        assert await keys.find(None, "ES256") == first


async def test_while_the_provider_is_away_known_keys_stay_and_others_cannot_be_told(
    site: Web,
) -> None:
    async with keys_of(site, max_age=0.02, interval=0, keep=True) as keys:
        await await_until(lambda: keys.version == 1)
        site.answers["/jwks"] = answered(500)
        asked = site.asked["/jwks"]
        await await_until(lambda: site.asked["/jwks"] > asked + 2)
        assert await keys.find(ONE, "ES256")
        await keys.check()
        with pytest.raises(Unavailable, match="not known, and the identity provider"):
            await keys.find(TWO, "ES256")
        site.describe(FIRST, SECOND)
        await await_until(lambda: keys.version == 2)
        assert await keys.find(TWO, "ES256")


async def test_while_it_is_away_it_is_not_asked_by_every_token(site: Web) -> None:
    site.answers["/jwks"] = answered(500)
    async with keys_of(site) as keys:
        begun = time.monotonic()
        for _ in range(100):
            with pytest.raises(Unavailable, match="answers 500"):
                await keys.find(ONE, "ES256")
        most = 1 + (time.monotonic() - begun) / RETRY_SECONDS
        assert 1 <= site.asked["/jwks"] <= most


async def test_it_heals_by_itself(site: Web) -> None:
    """Long before an interval is over."""
    site.answers["/jwks"] = answered(500)
    async with keys_of(site, keep=True) as keys:
        await await_until(lambda: site.asked["/jwks"] == 1)
        with pytest.raises(Unavailable):
            await keys.check()
        site.describe(FIRST)
        await await_until(lambda: keys.version == 1)
        await keys.check()
        assert await keys.find(ONE, "ES256")


@pytest.mark.parametrize("jwks", [[], [FIRST.as_dict(private=True, kid=ONE)]])
async def test_a_provider_without_a_fit_key_takes_them_all_away(site: Web, jwks: list[str]) -> None:
    """Its word counts: nothing holds any more, and that is not the token's fault."""
    async with keys_of(site, interval=0) as keys:
        assert await keys.find(ONE, "ES256")
        site.show(*jwks)
        for kid in (TWO, ONE):
            with pytest.raises(Unavailable, match="no key that is fit"):
                await keys.find(kid, "ES256")
        with pytest.raises(Unavailable, match="no key that is fit"):
            await keys.check()


async def test_it_is_told_once_that_the_keys_cannot_be_had_and_once_that_they_can(
    site: Web,
) -> None:
    site.answers["/jwks"] = ok("nonsense")
    async with keys_of(site, max_age=0.02, interval=0, keep=True) as keys:
        with capture_logs() as lines:
            await await_until(lambda: site.asked["/jwks"] > 3)
            site.describe(FIRST)
            await await_until(lambda: keys.version == 1)
            asked = site.asked["/jwks"]
            await await_until(lambda: site.asked["/jwks"] > asked + 2)
    assert lines == [
        {
            "event": "keys.unavailable",
            "log_level": "warning",
            "issuer": site.url,
            "reason": f"the identity provider {site.url} cannot be used: "
            f"{site.url}/jwks: it is no JSON Web Key Set",
            "known": 0,
        },
        {"event": "keys.loaded", "log_level": "info", "issuer": site.url, "known": 1, "unfit": 0},
    ]


async def test_it_is_told_which_keys_cannot_be_used_and_why(site: Web) -> None:
    site.show(FIRST.as_dict(private=False, kid="a"), SECOND.as_dict(private=False, use="SIG"))
    async with keys_of(site) as keys:
        with capture_logs() as lines:
            assert await keys.find("a", "ES256")
    assert lines[0]["others"] == ["EC P-256 SIG (its use is not sig)"]


async def test_a_fault_does_not_end_what_keeps_the_keys_current(
    site: Web, monkeypatch: pytest.MonkeyPatch
) -> None:
    """It is logged, and healed by the next answer."""
    with monkeypatch.context() as broken, capture_logs() as lines:
        broken.setattr(Discovery, "keys", _fail)
        async with keys_of(site, max_age=0.02, interval=0, keep=True) as keys:
            await await_until(lambda: bool(lines))
            with pytest.raises(Unavailable, match=f"{site.url} cannot be used, by a fault"):
                await keys.check()
            broken.undo()
            await await_until(lambda: keys.version == 1)
            await keys.check()
    assert (lines[0]["event"], lines[0]["issuer"]) == ("keys.failed", site.url)


async def _fail(_: Discovery) -> None:
    raise RuntimeError


async def test_closing_ends_what_it_waits_for(site: Web) -> None:
    async def silent(_: asyncio.StreamWriter) -> None:
        await asyncio.sleep(WAIT_SECONDS)

    site.answers["/jwks"] = silent
    async with keys_of(site, keep=True) as keys:
        waiting = asyncio.create_task(keys.find(ONE, "ES256"))
        await await_until(lambda: site.asked["/jwks"] == 1)
        begun = time.monotonic()
        await keys.close()
        assert time.monotonic() - begun < WAIT_SECONDS / 2
        with pytest.raises(asyncio.CancelledError):
            await waiting
        await keys.close()
