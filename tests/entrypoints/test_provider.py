"""The service as a process, with the tokens of an identity provider that others wrote."""

import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import httpx2
import pytest
from joserfc import jwt
from joserfc.jwk import ECKey

from tests.identity_provider import IdentityProvider, provider
from tests.serving import Served, serving
from tests.waiting import wait_until

SOON = {"CHAT_SESSIONS_OIDC_KEYS_MAX_AGE_SECONDS": "1"}
AT_ONCE = {
    "CHAT_SESSIONS_OIDC_REFRESH_INTERVAL_SECONDS": "1",
    "CHAT_SESSIONS_OIDC_TIMEOUT_SECONDS": "20",
}


@pytest.fixture(scope="module")
def served(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Served]:
    with serving(tmp_path_factory.mktemp("served"), **provider().settings, **AT_ONCE) as served:
        yield served


@pytest.fixture
def own() -> Iterator[IdentityProvider]:
    """The shared provider, for a test that changes its keys or stops it."""
    keys = provider().keys
    yield provider()
    if not provider().is_running:
        provider().start()
    provider().keys = keys
    provider().rotate()


def asked(served: Served, token: str, path: str = "/sessions") -> httpx2.Response:
    with served.client(token=token) as client:
        return client.get(path)


def signed(key: ECKey, kid: str, **changes: Any) -> str:
    """A token as the provider makes them."""
    now = int(time.time())
    claims = {
        "iss": provider().url,
        "aud": provider().audience,
        "sub": "alice",
        "iat": now,
        "exp": now + 600,
        **changes,
    }
    return jwt.encode({"alg": "ES256", "typ": "at+jwt", "kid": kid}, claims, key, ["ES256"])


@pytest.mark.parametrize("algorithm", ["RS256", "PS256", "ES256", "Ed25519", "EdDSA"])
def test_a_person_who_signs_in_has_sessions(served: Served, algorithm: str) -> None:
    with served.client(token=provider().token("alice", algorithm=algorithm)) as client:
        created = client.post("/sessions", json={})
        assert (created.status_code, created.json()["user_id"]) == (201, "alice")
        path = created.headers["location"]
        assert client.get(path).json() == created.json()
    assert asked(served, provider().token("alice"), path).status_code == 200
    assert asked(served, provider().token("bob"), path).status_code == 403


def test_a_program_has_sessions_of_its_own(served: Served) -> None:
    with served.client(token=provider().robot_token()) as client:
        assert client.post("/sessions", json={}).json()["user_id"] == "robot-ES256"


def test_a_token_for_something_else_is_refused(served: Served) -> None:
    """Though the same provider gave it to the same person."""
    answer = provider().sign_in("alice", resource=None)
    elsewhere = provider().sign_in("alice", "chat:read", resource="https://other.example")
    others = {
        "an ID token": answer["id_token"],
        "an opaque token": answer["access_token"],
        "another audience": elsewhere["access_token"],
    }
    for name, token in others.items():
        refusal = asked(served, token)
        assert refusal.status_code == 401, name
        assert 'error="invalid_token"' in refusal.headers["www-authenticate"]


def test_a_client_finds_the_provider(served: Served) -> None:
    """From the refusal of a request without a token, as RFC 9728 section 5 has it."""
    with httpx2.Client(base_url=served.url) as client:
        challenge = client.get("/sessions").headers["www-authenticate"]
        assert "error" not in challenge
        described = client.get(challenge.split('resource_metadata="')[1].split('"')[0]).json()
    assert described["resource"] == served.url
    assert described["authorization_servers"] == [provider().url]
    assert described["bearer_methods_supported"] == ["header"]
    assert "scopes_supported" not in described


def test_there_is_no_development_key(served: Served) -> None:
    assert not list(served.folder.glob("*.pem"))
    with served.client() as client:
        assert client.get("/sessions").status_code == 401
    assert "TOKEN" not in served.welcome
    assert provider().url in served.welcome


def test_a_retired_key_holds_no_more(tmp_path: Path, own: IdentityProvider) -> None:
    """Though its token was in use, once the keys have reached their age."""
    kid = own.rotate()
    with serving(tmp_path, **own.settings, **SOON, **AT_ONCE) as served:
        token = own.token("alice")
        assert asked(served, token).status_code == 200
        own.retire(kid)
        _becomes(served, token, 401)
        assert asked(served, own.token("alice")).status_code == 200


def test_while_the_provider_is_away_known_keys_hold(tmp_path: Path, own: IdentityProvider) -> None:
    with serving(tmp_path, **own.settings, **SOON, **AT_ONCE) as served:
        token, later = own.token("alice"), own.token("bob")
        assert asked(served, token).status_code == 200
        own.stop()
        unknown = signed(ECKey.generate_key("P-256"), "unknown")
        refusal = _becomes(served, unknown, 503)
        assert refusal.headers["retry-after"]
        for known in (token, later):
            assert asked(served, known).status_code == 200
        assert asked(served, token, "/readyz").status_code == 200
        own.rotate()
        own.start()
        _becomes(served, own.token("carol"), 200)
        _becomes(served, unknown, 401)


def test_it_starts_while_the_provider_is_away_and_heals(
    tmp_path: Path, own: IdentityProvider
) -> None:
    token = own.token("alice")
    own.stop()
    with serving(tmp_path, **own.settings) as served:
        for path in ("/sessions", "/readyz"):
            refusal = asked(served, token, path)
            assert (refusal.status_code, refusal.headers["retry-after"]) == (503, "1")
        assert "keys" in refusal.json()["detail"]
        assert httpx2.get(f"{served.url}/sessions").status_code == 401
        assert asked(served, token, "/livez").status_code == 200
        own.start()
        begun = time.monotonic()
        _becomes(served, token, 200, "/readyz")
        print(f"healed after {time.monotonic() - begun:.1f} s")
        assert asked(served, token).status_code == 200
    assert '"keys.unavailable"' in (tmp_path / "stdout").read_text()


def _becomes(served: Served, token: str, status: int, path: str = "/sessions") -> httpx2.Response:
    def found() -> httpx2.Response | None:
        answer = asked(served, token, path)
        return answer if answer.status_code == status else None

    return wait_until(found)
