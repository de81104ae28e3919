"""The service as a process, with a real provider's access tokens that say `JWT`."""

import json
from base64 import urlsafe_b64decode
from collections.abc import Iterator
from urllib.parse import urlsplit

import httpx2
import pytest

from tests.identity_provider import provider
from tests.serving import Served, serving

ALGORITHMS = ["RS256", "PS256", "ES256", "ES384", "Ed25519", "EdDSA"]


@pytest.fixture(scope="module", params=["description", "keys"])
def served(
    request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[Served]:
    """As its description has them, and as in a compose file, where the service reaches the
    provider at another host than browsers do."""
    settings = dict(provider().settings)
    if request.param == "keys":
        keys = f"http://localhost:{urlsplit(provider().url).port}/jwks"
        settings["CHAT_SESSIONS_OIDC_KEYS_URL"] = keys
    with serving(tmp_path_factory.mktemp("served"), **settings) as served:
        yield served


@pytest.mark.parametrize("algorithm", ALGORITHMS)
@pytest.mark.parametrize("client", ["web", "plain"])
def test_an_access_token_holds_and_the_id_token_beside_it_does_not(
    served: Served, client: str, algorithm: str
) -> None:
    answer = provider().sign_in("alice", "chat:read", algorithm=algorithm, client=client)
    head = answer["access_token"].split(".")[0]
    typ = json.loads(urlsafe_b64decode(head + "=="))["typ"]
    assert typ == ("JWT" if client == "plain" else "at+jwt")
    assert asked(served, answer["access_token"]).status_code == 200
    assert asked(served, answer["id_token"]).status_code == 401


def asked(served: Served, token: str) -> httpx2.Response:
    with served.client(token=token) as client:
        return client.get("/sessions")
