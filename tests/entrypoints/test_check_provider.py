"""chat-sessions check-config, where an identity provider is set."""

import asyncio
from collections.abc import AsyncIterator
from pathlib import Path

import pytest
from joserfc.jwk import ECKey, RSAKey

from tests.serving import run
from tests.web import Web, ok, web

KEY = ECKey.generate_key("P-256")


@pytest.fixture
async def site() -> AsyncIterator[Web]:
    async with web() as site:
        site.describe(KEY)
        yield site


async def checked(folder: Path, issuer: str, **settings: str) -> tuple[int, str, str]:
    given = {"issuer": issuer, "audience": "chat", **settings}
    variables = {f"CHAT_SESSIONS_OIDC_{name.upper()}": value for name, value in given.items()}
    done = await asyncio.to_thread(run, "check-config", folder=folder, **variables)
    return done.returncode, done.stdout, done.stderr


async def test_it_says_which_issuer_the_description_names(site: Web, tmp_path: Path) -> None:
    oaep = RSAKey.generate_key().as_dict(private=False) | {"use": "enc", "alg": "RSA-OAEP"}
    site.show(KEY.as_dict(private=False), oaep)
    code, out, _ = await checked(tmp_path, site.url)
    told = f"provider: it calls itself {site.url}, as is set; 1 of its keys can be used, 1 not"
    assert code == 0
    assert f"{told}: RSA RSA-OAEP enc (its use is not sig)\n" in out


async def test_another_issuer_is_refused_with_both_names(site: Web, tmp_path: Path) -> None:
    code, _, err = await checked(tmp_path, f"{site.url}/")
    assert code == 1
    assert f"another issuer: {site.url}, and the one that is set is {site.url}/;" in err


async def test_one_that_is_away_is_told_and_no_more(site: Web, tmp_path: Path) -> None:
    """Settings are checked where the provider cannot be reached, too."""
    site.answers.clear()
    code, out, err = await checked(tmp_path, site.url)
    assert code == 0
    assert f"the identity provider {site.url} cannot be used: it has no description: " in err
    assert "provider:" not in out


async def test_what_cannot_be_read_is_told_with_its_address(site: Web, tmp_path: Path) -> None:
    site.answers["/jwks"] = ok("no key set")[:-1]
    assert f": {site.url}/jwks: " in (await checked(tmp_path, site.url))[2]
    del site.answers["/jwks"]
    assert f": {site.url}/jwks: it answers 404" in (await checked(tmp_path, site.url))[2]


async def test_keys_that_cannot_be_used_are_refused_with_what_they_are(
    site: Web, tmp_path: Path
) -> None:
    site.show({"kty": "oct", "k": "AAAA", "alg": "HS256"})
    code, out, err = await checked(tmp_path, "the-back-end", keys_url=f"{site.url}/jwks")
    assert code == 1
    told = f"the keys of the-back-end are at {site.url}/jwks, as is set; 0 of its keys can be used"
    assert told in out
    assert "oct HS256 (a secret" in out
    assert "the identity provider the-back-end has no key that can be used" in err


@pytest.mark.parametrize(
    ("content", "why"), [(None, "cannot be read: No such file"), ("x", "cannot be used: it is nei")]
)
async def test_a_key_file_that_cannot_be_used_is_refused(
    tmp_path: Path, content: str | None, why: str
) -> None:
    """Unlike a provider, a file is where the settings are."""
    file = tmp_path / "keys.pem"
    if content:
        file.write_text(content)
    code, _, err = await checked(tmp_path, "the-back-end", keys_url=file.as_uri())
    assert code == 1
    (line,) = err.splitlines()
    assert line.startswith(f"chat-sessions: the-back-end: the key file {file} {why}")
