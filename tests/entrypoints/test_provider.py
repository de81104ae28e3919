"""The service as a process, with the tokens of an identity provider that others wrote."""

from pathlib import Path

import pytest

from tests.identity_provider import provider
from tests.serving import serving


@pytest.mark.parametrize("algorithm", ["RS256", "PS256", "ES256", "Ed25519", "EdDSA"])
def test_a_person_who_signs_in_has_sessions(tmp_path: Path, algorithm: str) -> None:
    with serving(tmp_path, **provider().settings) as served:
        token = provider().token("alice", algorithm=algorithm)
        with served.client(token=token) as client:
            created = client.post("/sessions", json={})
    assert (created.status_code, created.json()["user_id"]) == (201, "alice")
