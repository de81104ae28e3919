"""What a token's scopes allow, where they count."""

from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import httpx2
import pytest
from joserfc import jwt

from adapters.memory import MemoryStorage
from adapters.system import SystemClock
from entrypoints.http.body import JSON
from tests.entrypoints.conftest import Api, opened, problem
from tests.identity_provider import provider
from tests.routes import ROUTES

BAD_JSON = {"content": "{", "headers": {"Content-Type": JSON}}


@pytest.fixture
async def api(tmp_path: Path) -> AsyncIterator[Api]:
    options = {
        "oidc_issuer": provider().url,
        "oidc_audience": provider().audience,
        "oidc_require_scopes": True,
    }
    async with opened(MemoryStorage(), tmp_path, options, clock=SystemClock()) as api:
        yield api


async def ask(api: Api, token: str, method: str, path: str, **request: Any) -> httpx2.Response:
    headers = {"Authorization": f"Bearer {token}", **request.pop("headers", {})}
    return await api.ask(method, path, None, headers=headers, **request)


def refused(response: httpx2.Response, scope: str) -> None:
    """As RFC 6750 section 3.1 has it, with what would be enough."""
    problem(response, 403)
    challenge = response.headers["www-authenticate"]
    assert challenge.startswith('Bearer realm="chat-sessions", resource_metadata="http')
    assert 'error="insufficient_scope"' in challenge
    assert challenge.endswith(f'scope="{scope}"')


async def test_reads_need_one_scope_and_writes_the_other(api: Api) -> None:
    reader = provider().token("alice", "chat:read")
    writer = provider().token("alice", "chat:write")
    session = (await ask(api, writer, "POST", "/sessions", json={})).json()
    tokens = {"chat:read": reader, "chat:write": writer}
    for route in ROUTES:
        target = route.target(session["id"])
        (other,) = tokens.keys() - {route.scope}
        refused(await ask(api, tokens[other], route.method, target, json=route.body), route.scope)
        if "HEAD" in route.methods:
            assert (await ask(api, tokens[other], "HEAD", target)).status_code == 403
    assert (await ask(api, reader, "GET", f"/sessions/{session['id']}")).json() == session
    for route in ROUTES:
        for method in route.methods:
            target = route.target(session["id"])
            answer = await ask(api, tokens[route.scope], method, target, json=route.body)
            assert answer.status_code == route.status, answer.text


async def test_a_token_with_both_does_both(api: Api) -> None:
    token = provider().token("alice")
    assert (await ask(api, token, "POST", "/sessions", json={})).status_code == 201
    assert (await ask(api, token, "GET", "/sessions")).status_code == 200


NONE = [
    None, "", "openid", "chat:readwrite", "CHAT:READ", "xchat:read", "chat:read,chat:write",
    "chat:read\tchat:write", "chat", ["chat:read chat:write"], {"chat:read": True}, 1,
]  # fmt: skip


@pytest.mark.parametrize("scope", NONE)
async def test_a_scope_is_a_word_of_a_text_or_an_item_of_a_list(api: Api, scope: Any) -> None:
    """RFC 6749 section 3.3, in these very letters."""
    now = int(SystemClock().now().timestamp())
    claims = {
        "iss": provider().url,
        "aud": provider().audience,
        "sub": "alice",
        "iat": now,
        "exp": now + 60,
        "scope": scope,
    }
    kid, key = next((kid, key) for kid, key in provider().keys.items() if key.key_type == "EC")
    header = {"alg": "ES256", "typ": "at+jwt", "kid": kid}
    refused(await ask(api, jwt.encode(header, claims, key), "GET", "/sessions"), "chat:read")
    claims["scope"] = "openid chat:read  x"
    token = jwt.encode(header, claims, key)
    assert (await ask(api, token, "GET", "/sessions")).status_code == 200


@pytest.mark.parametrize(
    ("status", "method", "path", "request_"),
    [
        (404, "POST", "/nothing?x=1", BAD_JSON),
        (405, "PUT", "/sessions/x?x=1", BAD_JSON),
        (204, "OPTIONS", "/sessions/x?x=1", BAD_JSON),
        (403, "POST", "/sessions/x/messages?x=1", {"content": b"x" * (5 << 20) + b"x"}),
        (403, "POST", "/sessions/x/messages?x=1", {"content": "{"}),
        (403, "POST", "/sessions/x/messages?x=1", BAD_JSON),
        (403, "DELETE", "/sessions/x", {}),
        (403, "PATCH", "/sessions/x", {"json": {"unknown": 1}}),
    ],
)
async def test_a_scope_is_looked_at_before_the_body_and_the_id(
    api: Api, status: int, method: str, path: str, request_: dict[str, Any]
) -> None:
    reader = provider().token("alice", "chat:read")
    assert (await ask(api, reader, method, path, **request_)).status_code == status
    if status == 403:
        assert (await api.ask(method, path, None, **request_)).status_code == 401


async def test_clients_are_told_which_scopes_there_are(api: Api) -> None:
    described = (await api.ask("GET", "/.well-known/oauth-protected-resource", None)).json()
    assert described == {
        "resource": "http://127.0.0.1:8000",
        "resource_name": "chat-sessions",
        "resource_documentation": "http://127.0.0.1:8000/docs",
        "bearer_methods_supported": ["header"],
        "authorization_servers": [provider().url],
        "scopes_supported": ["chat:read", "chat:write"],
    }


async def test_without_the_setting_no_scope_is_needed(tmp_path: Path) -> None:
    options = {"oidc_issuer": provider().url, "oidc_audience": provider().audience}
    async with opened(MemoryStorage(), tmp_path, options, clock=SystemClock()) as api:
        reader = provider().token("alice", "chat:read")
        assert (await ask(api, reader, "POST", "/sessions", json={})).status_code == 201


async def test_with_a_provider_any_address_is_answered(tmp_path: Path) -> None:
    """A socket in the file system too, which has none."""
    options = {"oidc_issuer": provider().url, "oidc_audience": provider().audience}
    async with opened(MemoryStorage(), tmp_path, options, clock=SystemClock()) as api:
        for server in (("192.0.2.1", 80), ("/run/service.sock", None), None):
            transport = httpx2.ASGITransport(_at(api, server))
            async with httpx2.AsyncClient(transport=transport, base_url="http://localhost") as one:
                assert (await one.get("/readyz")).status_code in {200, 503}
                assert (await one.get("/livez")).status_code == 200


def _at(api: Api, server: object) -> Any:
    async def application(scope: dict[str, Any], receive: Any, send: Any) -> None:
        await api.app({**scope, "server": server}, receive, send)

    return application
