"""Two identity providers that others wrote, trusted at once, and a back end that acts for the
people of one of them."""

import time
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from pathlib import Path
from threading import Event
from typing import Any

import pytest
from joserfc import jwt
from joserfc.jwk import ECKey

from tests.identity_provider import IdentityProvider, Key, provider
from tests.serving import Served, serving
from tests.waiting import wait_until

BACK_END = ECKey.generate_key("P-256")


@pytest.fixture(scope="module")
def other() -> IdentityProvider:
    return IdentityProvider()


@pytest.fixture(scope="module")
def served(other: IdentityProvider, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Served]:
    with trusting(other, tmp_path_factory.mktemp("served")) as served:
        yield served


@contextmanager
def trusting(other: IdentityProvider, folder: Path, **settings: str) -> Iterator[Served]:
    (folder / "back-end.pem").write_bytes(BACK_END.as_pem(private=False))
    issuers = [
        f'issuer = "{one.url}"\naudience = "{one.audience}"\n'
        "keys_max_age_seconds = 1\nrefresh_interval_seconds = 1\ntimeout_seconds = 20\n"
        for one in (provider(), other)
    ]
    issuers.append(
        f'issuer = "back-end"\naudience = "{other.audience}"\nacts_for = "{other.url}"\n'
        f'keys_url = "{(folder / "back-end.pem").as_uri()}"\n'
    )
    file = folder / "issuers.toml"
    file.write_text("".join(f"[[issuer]]\n{issuer}" for issuer in issuers))
    with serving(folder, CHAT_SESSIONS_OIDC_ISSUERS_FILE=str(file), **settings) as served:
        yield served


def status(served: Served, token: str, path: str = "/sessions") -> int:
    with served.client(token=token) as client:
        return client.get(path).status_code


def created(served: Served, token: str) -> tuple[str, dict[str, Any]]:
    """Where a new session is, and the line of the log about it."""
    with served.client(token=token) as client:
        answer = client.post("/sessions", json={})
    assert answer.status_code == 201, answer.text
    (line,) = served.log_of(answer.headers["x-request-id"])
    return answer.headers["location"], line


def signed(key: Key, issuer: str, subject: str = "alice", **header: str) -> str:
    now = int(time.time())
    claims = {"iss": issuer, "aud": provider().audience, "sub": subject}
    head = {"alg": "ES256", "typ": "at+jwt", **header}
    return jwt.encode(head, {**claims, "iat": now, "exp": now + 60}, key, ["ES256"])


def latest(of: IdentityProvider) -> tuple[str, Key]:
    return next(
        (kid, key) for kid, key in of.keys.items() if getattr(key, "curve_name", "") == "P-256"
    )


def test_people_of_the_two_never_mix(served: Served, other: IdentityProvider) -> None:
    """Though they have one name, and each provider's tokens say `at+jwt` or `JWT`."""
    tokens = {}
    for one in (provider(), other):
        for client in ("web", "plain"):
            answer = one.sign_in("alice", "chat:read", client=client)
            tokens[one.url, client] = answer["access_token"]
            assert status(served, answer["id_token"]) == 401
    places = {at: created(served, token)[0] for at, token in tokens.items()}
    for (owner, _), place in places.items():
        for (asking, _), token in tokens.items():
            assert status(served, token, place) == (200 if asking == owner else 403)


def test_a_key_of_one_signs_nothing_for_the_other(served: Served, other: IdentityProvider) -> None:
    """Under its own id, the other's, or none."""
    (kid, key), (others_kid, others_key) = latest(provider()), latest(other)
    assert status(served, signed(key, provider().url, kid=kid)) == 200
    for header in ({"kid": kid}, {"kid": others_kid}, {}):
        assert status(served, signed(key, other.url, **header)) == 401
        assert status(served, signed(others_key, provider().url, **header)) == 401
        assert status(served, signed(BACK_END, other.url, **header)) == 401
        assert status(served, signed(key, "back-end", **header)) == 401


def test_the_keys_of_one_are_changed_while_both_are_used(
    served: Served, other: IdentityProvider
) -> None:
    """No token that holds is refused meanwhile, of either; a retired key's is, once the keys have
    reached their age, and only those."""
    first, before = provider().token("alice"), other.token("alice")
    old, _ = latest(other)
    done = Event()

    def use(token: str) -> list[int]:
        found = []
        while not done.is_set():
            found.append(status(served, token))
        return found

    with ThreadPoolExecutor(2) as pool:
        used = [pool.submit(use, token) for token in (first, before)]
        try:
            other.rotate()
            after = other.token("alice")
            wait_until(lambda: status(served, after) == 200)
        finally:
            done.set()
        for one in used:
            assert set(one.result()) == {200}
    other.retire(old)
    wait_until(lambda: status(served, before) == 401)
    assert [status(served, token) for token in (first, after, other.token("bob"))] == [200] * 3


def test_a_back_end_acts_for_the_people_of_its_one(served: Served, other: IdentityProvider) -> None:
    acting = signed(BACK_END, "back-end")
    theirs, line = created(served, other.token("alice"))
    assert "actor" not in line
    assert status(served, acting, theirs) == 200
    for_them, line = created(served, acting)
    assert (line["event"], line["user_id"], line["actor"]) == (
        "session.created",
        "alice",
        "back-end",
    )
    assert status(served, other.token("alice"), for_them) == 200
    assert status(served, provider().token("alice"), for_them) == 403
    assert status(served, acting, created(served, provider().token("alice"))[0]) == 403


def test_what_a_back_end_asks_counts_for_the_person(
    other: IdentityProvider, tmp_path: Path
) -> None:
    """And for nobody else: not for a person of that name at the other provider."""
    limits = {
        "CHAT_SESSIONS_RATE_LIMITS": "on",
        "CHAT_SESSIONS_RATE_LIMIT_READ": "2/hour",
    }
    with trusting(other, tmp_path, **limits) as served:
        acting, own = signed(BACK_END, "back-end"), other.token("alice")
        assert [status(served, token) for token in (acting, own, acting, own)] == [
            *(200, 200),
            *(429, 429),
        ]
        assert status(served, signed(BACK_END, "back-end", "bob")) == 200
        assert status(served, provider().token("alice")) == 200
