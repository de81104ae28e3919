"""Who asks, and with which token."""

from dataclasses import dataclass
from secrets import token_hex
from typing import Any

import httpx2
from dependency_injector import providers

from adapters.auth import JwtAuthenticator
from adapters.auth.development import ALGORITHM, AUDIENCE
from adapters.auth.policy import TokenPolicy
from entrypoints.asgi import application
from entrypoints.container import Container
from tests.entrypoints.conftest import HERE, Api
from tests.routes import sendable
from tests.security.issuers import development
from tests.security.mint import NOW

ELSEWHERE = "https://elsewhere.example"
"""An issuer that only a second service before the same storage trusts."""


@dataclass(frozen=True)
class Person:
    """Someone with a token that holds, or not; what is theirs bears the canary."""

    client: httpx2.AsyncClient
    authorization: str | None
    holds: bool
    canary: str

    async def ask(self, method: str, path: str, **request: Any) -> httpx2.Response:
        headers = {"Authorization": self.authorization} if self.authorization else {}
        request = sendable(request)
        headers |= request.pop("headers", {})
        return await self.client.request(method, path, headers=headers, **request)

    async def new_session(self) -> str:
        """The id of one with the canary in everything that a client can put there."""
        said = {"role": "user", "content": self.canary, "metadata": {"said": self.canary}}
        body = {"title": self.canary, "metadata": {"about": self.canary}, "messages": [said]}
        created = await self.ask("POST", "/sessions", json=body)
        assert created.status_code == 201, created.text
        session_id: str = created.json()["id"]
        return session_id


def people(api: Api) -> dict[str, Person]:
    """Eight kinds of caller, and a ninth who has the owner's `sub` at a second, trusted issuer."""
    mint, _ = development(api.container.settings().key_file.parent, trap="")
    here, elsewhere = api.client, _second_service(api)

    made: dict[str, tuple[httpx2.AsyncClient, str | None, bool]] = {
        "owner": (here, mint.honest(), True),
        "other": (here, mint.honest(sub="bob"), True),
        "sub in other letters": (here, mint.honest(sub="Alice"), True),
        "same sub, trusted elsewhere": (elsewhere, mint.honest(iss=ELSEWHERE), True),
        "same sub, another issuer": (here, mint.honest(iss=ELSEWHERE), False),
        "expired": (here, mint.honest(iat=NOW - 60, exp=NOW), False),
        "forged": (here, mint.foreign(), False),
        "wrong audience": (here, mint.honest(aud="another-service"), False),
        "none": (here, None, False),
    }
    return {
        name: Person(client, f"Bearer {bearer}" if bearer else None, holds, token_hex(8))
        for name, (client, bearer, holds) in made.items()
    }


def _second_service(api: Api) -> httpx2.AsyncClient:
    """One before the same storage that trusts another issuer."""
    first = api.container
    container = Container(
        settings=first.settings(),
        storage=providers.Object(first.storage()),
        clock=providers.Object(api.clock),
        authenticator=providers.Object(
            JwtAuthenticator(
                TokenPolicy(issuer=ELSEWHERE, audiences=(AUDIENCE,), algorithms=(ALGORITHM,)),
                first.development_key(),
                api.clock,
            )
        ),
    )
    transport = httpx2.ASGITransport(application(first.settings(), container))
    return httpx2.AsyncClient(transport=transport, base_url=HERE)
