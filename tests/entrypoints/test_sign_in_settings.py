"""Whose tokens are taken, as it is set."""

import json
import re
from pathlib import Path
from typing import Any

import pytest
from joserfc import jwt
from joserfc.jwk import ECKey
from structlog.testing import capture_logs

from adapters.memory import MemoryStorage
from entrypoints.asgi import application
from entrypoints.container import Container
from entrypoints.serve import _welcome
from entrypoints.settings import Settings, SettingsError
from tests.entrypoints.conftest import opened
from tests.security.mint import NOW
from tests.waiting import await_until

PROVIDER = {"oidc_issuer": "https://login.example", "oidc_audience": "https://chat.example"}
FILE = "file:///etc/keys.json"


def settings(**given: str) -> Settings:
    return Settings.from_environment(
        {f"CHAT_SESSIONS_{name.upper()}": value for name, value in given.items()}
    )


def test_audiences_and_algorithms_are_lists() -> None:
    read = settings(
        oidc_issuer="https://a.example",
        oidc_audience="client, https://chat.example",
        oidc_algorithms="EdDSA, ES384, Ed25519",
        oidc_scope_read="read",
    )
    assert read.oidc_audience == ("client", "https://chat.example")
    assert read.oidc_algorithms == ("Ed25519", "ES384")
    assert (read.oidc_scope_read, read.oidc_scope_write) == ("read", "chat:write")


@pytest.mark.parametrize(
    "url",
    [
        "https://keys.example/jwks?tenant=a",
        "https://192.0.2.1:8443/",
        "http://localhost:8080/jwks",
        "http://127.0.0.1/jwks",
        "http://[::1]/jwks",
        "http://keycloak:8080/realms/chat/protocol/openid-connect/certs",
        "file:///etc/keys.json",
        "file:/etc/keys.json",
        "file:keys.pem",
    ],
)
@pytest.mark.parametrize("issuer", ["the-back-end", "http://localhost:8080/realms/chat", "P2abc"])
def test_with_an_address_of_keys_the_issuer_may_be_a_name(issuer: str, url: str) -> None:
    read = settings(oidc_issuer=issuer, oidc_audience="chat", oidc_keys_url=url)
    assert (read.oidc_issuer, read.oidc_keys_url) == (issuer, url)


@pytest.mark.parametrize(
    ("given", "named"),
    [
        *(
            ({**PROVIDER, "oidc_keys_url": url}, "OIDC_KEYS_URL")
            for url in (
                "http://keys.example/jwks",
                "http://192.0.2.1/",
                "http://3221225985/",
                "http://0xc0000201/",
                "http://[2001:db8::1]/",
                "http://user@keycloak/",
                "ftp://keycloak/",
                "keys.json",
                "/etc/keys.json",
                "file:",
                "file://host/keys.json",
                "file:///keys.json?x",
                "file:///keys.json#x",
                "https://",
            )
        ),
        ({"oidc_keys_url": FILE, "oidc_audience": "chat"}, "OIDC_ISSUER"),
        ({**PROVIDER, "oidc_issuer": "a b", "oidc_keys_url": FILE}, "OIDC_ISSUER"),
        ({**PROVIDER, "oidc_issuer": "P2abc"}, "OIDC_ISSUER"),
        ({**PROVIDER, "oidc_issuer": "http://keycloak:8080/realms/chat"}, "OIDC_ISSUER"),
        ({**PROVIDER, "oidc_provider": "Keycloak"}, "OIDC_PROVIDER"),
        ({**PROVIDER, "oidc_provider": "acme"}, "OIDC_PROVIDER"),
        ({**PROVIDER, "oidc_subject_claim": "email"}, "OIDC_SUBJECT_CLAIM"),
        ({**PROVIDER, "oidc_scope_read": "a b"}, "OIDC_SCOPE_READ"),
        ({**PROVIDER, "oidc_scope_write": 'a"'}, "OIDC_SCOPE_WRITE"),
        ({**PROVIDER, "oidc_audience": "a,"}, "OIDC_AUDIENCE"),
        ({**PROVIDER, "oidc_algorithms": "ES256K"}, "OIDC_ALGORITHMS"),
        ({"oidc_provider": "okta"}, "OIDC_ISSUER"),
    ],
)
def test_what_cannot_be_is_one_line_that_names_it(given: dict[str, str], named: str) -> None:
    with pytest.raises(SettingsError) as refusal:
        settings(**given)
    assert str(refusal.value).startswith(f"CHAT_SESSIONS_{named}: ")
    assert str(refusal.value).isprintable()


def test_an_issuer_that_is_no_url_is_told_what_to_do() -> None:
    with pytest.raises(SettingsError, match=r"login\.example is no URL: write it with https://"):
        settings(**PROVIDER | {"oidc_issuer": "login.example"})


ODD_URLS = (
    *("[bad", "http://[bad", "https://[::1", "https://::1]", "https://[1:2:3]/x", "https://a@[b"),
    *("https://a:99999", "https://a:0", "https://[::1]:99999/", "file://[bad/x", "x://[1:2:3]"),
    *("redis://[1:2:3]:6379/0", "redis://a:99999/0", "postgresql://[1:2:3]/x", "postgresql://[b/x"),
)


@pytest.mark.parametrize(
    "name",
    [
        *("public_url", "otlp_endpoint", "oidc_issuer", "oidc_keys_url", "cors_origins"),
        *("database_url", "database_read_url", "rate_limit_storage_url"),
    ],
)
@pytest.mark.parametrize("url", ODD_URLS)
def test_a_url_that_no_server_can_have_is_one_line(name: str, url: str) -> None:
    with pytest.raises(SettingsError, match=f"^CHAT_SESSIONS_{name.upper()}: ") as refusal:
        settings(**PROVIDER | {name: url})
    assert not re.search("IPv6|range|appear", str(refusal.value))


@pytest.mark.parametrize("issuer", ODD_URLS)
def test_an_issuer_that_is_a_name_may_look_like_any_url(issuer: str) -> None:
    """Where its keys have an address of their own."""
    read = settings(
        database_url="memory://", **PROVIDER | {"oidc_issuer": issuer, "oidc_keys_url": FILE}
    )
    container = Container(settings=read)
    assert issuer in _welcome(read, container)
    assert callable(application(read, container))


WELCOMES: list[tuple[dict[str, str], list[str]]] = [
    ({}, ["read as standard, by its issuer"]),
    ({"oidc_issuer": "https://o.okta.com"}, ["read as okta, by its issuer"]),
    ({"oidc_provider": "keycloak"}, ["read as keycloak, as it is set"]),
    ({"oidc_provider": "clerk"}, ["An audience of clerk is a client"]),
    ({"oidc_provider": "id-token"}, ["ID tokens are taken"]),
    ({"oidc_subject_claim": "oid"}, ["claim oid", "new owner"]),
    ({"oidc_keys_url": "http://keycloak/x"}, ["from http://keycloak/x without TLS"]),
    ({"oidc_audience": "a,b"}, ["https://login.example for a or b."]),
]


@pytest.mark.parametrize(("given", "told"), WELCOMES)
def test_the_start_says_what_is_taken(given: dict[str, str], told: list[str]) -> None:
    read = settings(database_url="memory://", **PROVIDER | given)
    welcome = _welcome(read, Container(settings=read))
    for line in told:
        assert line in welcome
    assert ("An audience of" in welcome) == ("clerk" in str(given))


async def test_a_back_end_signs_for_people_with_a_key_in_a_file(tmp_path: Path) -> None:
    """Under an issuer that is only a name, with scopes of its own."""
    key = ECKey.generate_key("P-384")
    file = tmp_path / "keys.json"
    file.write_text(json.dumps({"keys": [key.as_dict(private=False)]}))
    options: dict[str, Any] = {
        "oidc_issuer": "the-back-end",
        "oidc_audience": "chat, other",
        "oidc_keys_url": file.as_uri(),
        "oidc_require_scopes": True,
        "oidc_scope_read": "sessions.read",
        "oidc_scope_write": "sessions.write",
    }
    with capture_logs() as logs:
        async with opened(MemoryStorage(), tmp_path, options) as api:
            claims = {
                "iss": "the-back-end",
                "aud": "other",
                "sub": "alice",
                "client_id": "agent",
                "scp": ["sessions.write"],
                "iat": NOW,
                "exp": NOW + 60,
            }
            token = jwt.encode({"alg": "ES384"}, claims, key, ["ES384"])
            headers = {"Authorization": f"Bearer {token}"}
            made = await api.client.post("/sessions", json={}, headers=headers)
            assert (made.status_code, made.json()["user_id"]) == (201, "alice")
            refusal = await api.client.get("/sessions", headers=headers)
            assert refusal.status_code == 403
            assert 'scope="sessions.read"' in refusal.headers["www-authenticate"]
            metadata = await api.client.get("/.well-known/oauth-protected-resource")
            assert "authorization_servers" not in metadata.json()
            await await_until(lambda: any(line["event"] == "keys.loaded" for line in logs))
