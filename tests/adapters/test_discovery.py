"""What is asked of an identity provider, and what its answers can do."""

import asyncio
import gzip
import time
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import pytest
from joserfc.jwk import ECKey

from adapters.auth.discovery import Discovery, well_known_urls
from adapters.auth.key_set import DOCUMENT_MAX
from application.errors import Unavailable
from tests.certificates import certified
from tests.waiting import WAIT_SECONDS
from tests.web import Answer, Web, answered, ok, web

KEY = ECKey.generate_key("P-256")
KID = KEY.thumbprint()
WELL_KNOWN = "/.well-known/openid-configuration"
OAUTH = "/.well-known/oauth-authorization-server"


@pytest.fixture
async def site() -> AsyncIterator[Web]:
    async with web() as site:
        yield site


async def kids(issuer: str, seconds: float = 10) -> list[str | None]:
    discovery = Discovery(issuer, ("ES256",), seconds)
    try:
        return [key.kid for key in (await discovery.keys()).keys]
    finally:
        await discovery.close()


@pytest.mark.parametrize("path", ["", "/", "/tenant/v2.0", "/realms/chat/", "/a%20b;c=d"])
async def test_the_keys_are_where_the_issuers_description_says(site: Web, path: str) -> None:
    """Which is found below the issuer's path, with one slash between."""
    issuer = site.describe(KEY, path=path)
    assert await kids(issuer) == [KID]
    assert site.asked == {path.rstrip("/") + WELL_KNOWN: 1, "/jwks": 1}


async def test_nothing_of_the_service_goes_along(site: Web) -> None:
    """Neither a cookie nor a secret, and no encoding is asked for that could be a bomb."""
    site.answers[WELL_KNOWN] = answered(302, headers=["Location: /jwks", "Set-Cookie: a=b"])
    issuer = site.describe(KEY)
    await kids(issuer)
    for head in site.heads:
        names = {line.split(b":")[0].lower() for line in head.split(b"\r\n")[1:] if line}
        assert names == {b"host", b"accept", b"accept-encoding", b"connection", b"user-agent"}
        assert b"accept-encoding: identity" in head.lower()


@pytest.mark.parametrize(
    ("issuer", "places"),
    [
        ("https://a.example", [WELL_KNOWN, OAUTH]),
        ("https://a.example/", [WELL_KNOWN, OAUTH]),
        ("https://a.example/b/c", [f"/b/c{WELL_KNOWN}", f"{OAUTH}/b/c", f"{WELL_KNOWN}/b/c"]),
        ("https://a.example/b/", [f"/b{WELL_KNOWN}", f"{OAUTH}/b", f"{WELL_KNOWN}/b"]),
    ],
)
def test_a_description_has_up_to_three_places(issuer: str, places: list[str]) -> None:
    assert well_known_urls(issuer) == [f"https://a.example{place}" for place in places]


NO_DESCRIPTION = {
    **{str(status): answered(status) for status in (400, 401, 403, 404, 405, 410, 500, 501, 503)},
    "the start page of an application": answered(200, b"<!doctype html><title>Sign in</title>"),
    "nothing": answered(200),
    "a list": ok([]),
    "another object": ok({"error": "not_found"}),
    "an object that names no issuer": ok({"issuer": None, "jwks_uri": "https://a.example"}),
    "a page elsewhere": answered(302, headers=["Location: /sign-in"]),
    "too much": answered(200, b" " * (DOCUMENT_MAX + 1)),
}
"""What servers answer for a document that they do not have."""


@pytest.mark.parametrize("place", [f"{OAUTH}/b", f"{WELL_KNOWN}/b"])
@pytest.mark.parametrize("answer", NO_DESCRIPTION.values(), ids=NO_DESCRIPTION.keys())
async def test_the_next_place_is_tried_where_there_is_no_description(
    site: Web, place: str, answer: bytes
) -> None:
    issuer = site.describe(KEY, path="/b")
    described = site.answers.pop(f"/b{WELL_KNOWN}")
    site.answers[f"/b{WELL_KNOWN}"] = answer
    with pytest.raises(Unavailable, match=r"it has no description: http.*; http") as refusal:
        await kids(issuer)
    assert f"{site.url}{place}: it answers 404" in str(refusal.value)
    site.answers[place] = described
    assert await kids(issuer) == [KID]


async def test_a_server_that_does_not_answer_is_not_asked_again(site: Web) -> None:
    """For another place on it."""
    for answer in (b"", b"hello\r\n\r\n"):
        site.answers[WELL_KNOWN] = answer
        site.asked.clear()
        with pytest.raises(Unavailable):
            await kids(site.url)
        assert site.asked == {WELL_KNOWN: 1}


async def test_keys_that_are_named_need_no_description(site: Web) -> None:
    """So the issuer may be at an address that only browsers reach, or a name."""
    site.describe(KEY)
    for issuer in ("http://localhost:8080/realms/chat", "the-back-end"):
        discovery = Discovery(issuer, ("ES256",), 10, f"{site.url}/jwks")
        assert [key.kid for key in (await discovery.keys()).keys] == [KID]
        await discovery.close()
    assert site.asked == {"/jwks": 2}


async def test_who_reads_the_log_is_told_both_issuers(site: Web) -> None:
    site.describe(KEY, issuer=f"{site.url}/\n" + "x" * 1000)
    with pytest.raises(Unavailable) as refusal:
        await kids(site.url)
    told = str(refusal.value)
    assert f"another issuer: {site.url}/?xxx" in told
    assert f"is set is {site.url};" in told
    assert len(told) < 500


ISSUERS = ["{}/", "{}/x", "{}?", " {}", "", "http://localhost:{port}", "HTTP://127.0.0.1:{port}"]


@pytest.mark.parametrize("named", ISSUERS)
async def test_the_issuer_must_be_named_to_the_letter(site: Web, named: str) -> None:
    """OpenID Connect Discovery 1.0 section 4.3: or one could pass for another."""
    port = site.url.rpartition(":")[2]
    site.describe(KEY, issuer=named.format(site.url, port=port) or "x")
    with pytest.raises(Unavailable, match="names another issuer"):
        await kids(site.url)
    assert site.asked == {WELL_KNOWN: 1}


@pytest.mark.parametrize(
    "address",
    [
        None,
        1,
        "",
        "/jwks",
        "http://192.0.2.1/jwks",
        "http://localhost/jwks",
        "ftp://127.0.0.1/jwks",
        "file:///etc/passwd",
        "data:application/json,{}",
        "http://127.0.0.1@192.0.2.1/jwks",
    ],
)
async def test_the_keys_are_at_https_or_beside_an_issuer_that_is_not(
    site: Web, address: Any
) -> None:
    site.answers[WELL_KNOWN] = ok({"issuer": site.url, "jwks_uri": address})
    with pytest.raises(Unavailable, match=r"its keys are not at|names no keys"):
        await kids(site.url)


async def endless(writer: asyncio.StreamWriter) -> None:
    writer.write(b"HTTP/1.1 200 x\r\n\r\n")
    while True:
        writer.write(b"[" * 65536)
        await writer.drain()


async def dripping(writer: asyncio.StreamWriter) -> None:
    """Each byte comes soon after the last."""
    writer.write(b"HTTP/1.1 200 x\r\n\r\n")
    while True:
        writer.write(b" ")
        await writer.drain()
        await asyncio.sleep(0.05)


async def silent(writer: asyncio.StreamWriter) -> None:
    await asyncio.sleep(WAIT_SECONDS)
    writer.close()


async def endless_head(writer: asyncio.StreamWriter) -> None:
    writer.write(b"HTTP/1.1 200 x\r\n")
    while True:
        writer.write(b"X-Padding: " + b"x" * 10_000 + b"\r\n")
        await writer.drain()


BOMB = gzip.compress(b" " * (50 << 20))

USELESS: dict[str, Answer] = {
    "nothing": b"",
    "no HTTP": b"hello\r\n\r\n",
    "no JSON": answered(200, b"hello"),
    "JSON twice": answered(200, b"{}{}"),
    "JSON of another kind": ok([]),
    "an empty object": ok({}),
    "nested deeply": answered(200, b"[" * 100_000),
    "NaN": answered(200, b'{"keys": [NaN]}'),
    "not UTF-8": answered(200, b'"\xff"'),
    "too long": answered(200, b" " * (DOCUMENT_MAX + 1)),
    "endless": endless,
    "an endless head": endless_head,
    "cut short": b"HTTP/1.1 200 x\r\nContent-Length: 100\r\n\r\n{}",
    "a bomb": answered(200, BOMB, ["Content-Encoding: gzip"]),
    "an encoding of its own": answered(200, b"{}", ["Content-Encoding: x"]),
    "no content": answered(204),
    "moved": answered(302, headers=["Location: /elsewhere"]),
    "moved for good": answered(308, headers=["Location: http://192.0.2.1/"]),
    "unauthorized": answered(401),
    "not found": answered(404),
    "broken": answered(500, b"{}"),
    "away": answered(503),
}


@pytest.mark.parametrize("path", [WELL_KNOWN, "/jwks"])
@pytest.mark.parametrize("answer", USELESS.values(), ids=USELESS.keys())
async def test_an_answer_that_is_of_no_use_is_none(site: Web, answer: Answer, path: str) -> None:
    """And no address but the well-known ones and the keys' is ever asked for."""
    site.describe(KEY)
    site.answers["/elsewhere"] = site.answers[path]
    site.answers[path] = answer
    with pytest.raises(Unavailable) as refusal:
        await kids(site.url)
    assert "\n" not in str(refusal.value)
    assert site.asked.keys() <= {WELL_KNOWN, OAUTH, "/jwks"}
    assert site.url in str(refusal.value)


@pytest.mark.parametrize("path", [WELL_KNOWN, "/jwks"])
@pytest.mark.parametrize("answer", [silent, dripping])
async def test_both_answers_together_have_one_time(site: Web, answer: Answer, path: str) -> None:
    site.describe(KEY)
    site.answers[path] = answer
    begun = time.monotonic()
    with pytest.raises(Unavailable, match=f"{site.url} does not answer in time"):
        await kids(site.url, 0.3)
    assert time.monotonic() - begun < WAIT_SECONDS / 2


async def test_a_document_has_a_greatest_size(site: Web) -> None:
    site.describe(KEY)
    shown = site.answers["/jwks"]
    assert isinstance(shown, bytes)
    body = shown.partition(b"\r\n\r\n")[2]
    site.answers["/jwks"] = answered(200, body + b" " * (DOCUMENT_MAX - len(body)))
    assert await kids(site.url) == [KID]
    site.answers["/jwks"] = answered(200, body + b" " * (DOCUMENT_MAX + 1 - len(body)))
    with pytest.raises(Unavailable, match="answers with more than"):
        await kids(site.url)


async def test_an_answer_is_not_unpacked(site: Web) -> None:
    """Though it is what it should be, under a name that says otherwise."""
    site.describe(KEY)
    shown = site.answers["/jwks"]
    assert isinstance(shown, bytes)
    body = shown.partition(b"\r\n\r\n")[2]
    for packed in (body, gzip.compress(body)):
        site.answers["/jwks"] = answered(200, packed, ["Content-Encoding: gzip"])
        with pytest.raises(Unavailable, match="an encoding that was not asked for"):
            await kids(site.url)


async def test_a_provider_that_refuses_the_connection_is_away() -> None:
    async with web() as site:
        issuer = site.describe(KEY)
    with pytest.raises(Unavailable, match="cannot be used"):
        await kids(issuer)


@pytest.mark.parametrize(
    "issuer", ["https://no-such-name.invalid", "https://[::1]:1/", "https://a..b"]
)
async def test_a_provider_that_is_nowhere_is_away(issuer: str) -> None:
    with pytest.raises(Unavailable, match="cannot be used"):
        await kids(issuer)


async def test_a_certificate_must_be_vouched_for(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """By the system, or by SSL_CERT_FILE."""
    context, certificate = certified(tmp_path)
    async with web(context) as site:
        issuer = site.describe(KEY)
        with pytest.raises(Unavailable, match="CERTIFICATE_VERIFY_FAILED"):
            await kids(issuer)
        monkeypatch.setenv("SSL_CERT_FILE", str(certificate))
        assert await kids(issuer) == [KID]
        with pytest.raises(Unavailable, match="not valid for"):
            await kids(site.describe(KEY, issuer=issuer.replace("127.0.0.1", "localhost")))


async def test_an_issuer_with_https_has_its_keys_there(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    context, certificate = certified(tmp_path)
    monkeypatch.setenv("SSL_CERT_FILE", str(certificate))
    async with web(context) as site, web() as other:
        issuer = site.describe(KEY)
        other.describe(KEY)
        described = {"issuer": issuer, "jwks_uri": f"{other.url}/jwks"}
        site.answers[WELL_KNOWN] = ok(described)
        with pytest.raises(Unavailable, match="not at a https"):
            await kids(issuer)
        assert not other.asked


async def test_no_proxy_is_used_that_the_environment_names(
    site: Web, monkeypatch: pytest.MonkeyPatch
) -> None:
    for name in ("HTTP_PROXY", "HTTPS_PROXY", "ALL_PROXY"):
        monkeypatch.setenv(name, "http://127.0.0.1:1")
        monkeypatch.setenv(name.lower(), "http://127.0.0.1:1")
    assert await kids(site.describe(KEY)) == [KID]
