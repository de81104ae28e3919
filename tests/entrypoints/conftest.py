from collections.abc import AsyncIterator, Mapping
from contextlib import AsyncExitStack, asynccontextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import httpx2
import pytest
from dependency_injector import providers
from starlette.types import ASGIApp

from adapters.rate_limits import MemoryCounters
from application.ports.storage import Storage
from entrypoints.asgi import application
from entrypoints.container import Container
from entrypoints.settings import Settings
from tests.clock import ManualClock
from tests.contract.backends import BACKENDS
from tests.entrypoints.workers import BESIDE, ByTurns
from tests.routes import sendable

HERE = "http://127.0.0.1:8000"

before_storage = pytest.mark.parametrize("backend", ["memory"])
"""For what is decided before the storage is asked: on each backend it would be the same test."""

BEHIND_HTTP = [name for name in BACKENDS if name != "postgresql-partitioned"]
"""HTTP sees no difference in how tables are divided, which the contract's tests look at."""


@dataclass
class Api:
    """The whole application, asked as a client asks it."""

    container: Container
    app: ASGIApp
    client: httpx2.AsyncClient
    clock: ManualClock

    def bearer(self, who: str) -> dict[str, str]:
        token = self.container.development_key().token(who, self.clock)
        return {"Authorization": f"Bearer {token}"}

    async def ask(
        self, method: str, path: str, who: str | None = "alice", **request: Any
    ) -> httpx2.Response:
        headers = self.bearer(who) if who else {}
        request = sendable(request)
        headers |= request.pop("headers", {})
        return await self.client.request(method, path, headers=headers, **request)

    async def send(self, path: str, body: str | bytes, method: str = "POST") -> httpx2.Response:
        """A body as it stands, said to be JSON."""
        return await self.ask(
            method, path, content=body, headers={"Content-Type": "application/json"}
        )

    async def create(self, who: str = "alice", **body: Any) -> dict[str, Any]:
        response = await self.ask("POST", "/sessions", who, json=body)
        assert response.status_code == 201, response.text
        session: dict[str, Any] = response.json()
        return session


@pytest.fixture
def options() -> dict[str, Any]:
    """Settings that a test changes."""
    return {}


@pytest.fixture(params=BEHIND_HTTP)
def backend(request: pytest.FixtureRequest) -> str:
    name: str = request.param
    return name


@pytest.fixture
def storage(backend: str, tmp_path: Path) -> Storage:
    return BACKENDS[backend](tmp_path)


@pytest.fixture
async def api(storage: Storage, tmp_path: Path, options: dict[str, Any]) -> AsyncIterator[Api]:
    async with opened(storage, tmp_path, options) as api:
        yield api


@asynccontextmanager
async def opened(
    storage: Storage, folder: Path, options: Mapping[str, Any], **parts: Any
) -> AsyncIterator[Api]:
    """`parts` take the place of the container's own."""
    made = {"database_url": "memory://", "rate_limits": "off", "events_seconds": 0.05, **options}
    if "oidc_issuer" not in options:
        made.setdefault("development_key_file", folder / "key.pem")
    clock = ManualClock()
    storages = [storage, *(beside() for beside in BESIDE)]
    containers = [_container(Settings(**made), one, clock, parts) for one in storages]
    apps = [application(container.settings(), container) for container in containers]
    async with AsyncExitStack() as stack:
        for one, container in zip(storages, containers, strict=True):
            await one.open()
            stack.push_async_callback(one.close)
            stack.push_async_callback(container.authenticator().close)
        client = httpx2.AsyncClient(transport=ByTurns(apps), base_url=HERE)
        yield Api(containers[0], apps[0], await stack.enter_async_context(client), clock)


def _container(
    settings: Settings, storage: Storage, clock: ManualClock, parts: Mapping[str, Any]
) -> Container:
    counters = MemoryCounters(now=clock.seconds)
    fixed = {"storage": storage, "clock": clock, "rate_limit_storage": counters, **parts}
    return Container(
        settings=settings, **{name: providers.Object(part) for name, part in fixed.items()}
    )


def problem(response: httpx2.Response, status: int) -> dict[str, Any]:
    """The problem that every refusal is (RFC 9457), its members checked."""
    assert response.status_code == status, response.text
    assert response.headers["content-type"] == "application/problem+json"
    body: dict[str, Any] = response.json()
    assert body.keys() - {"errors", "session_id", "message_order"} == {
        "type",
        "title",
        "status",
        "detail",
        "instance",
        "request_id",
    }
    assert body["status"] == status
    assert body["request_id"] == response.headers["x-request-id"]
    return body


def pointers(response: httpx2.Response) -> set[str]:
    """Where a body broke the rules."""
    return {error["pointer"] for error in problem(response, 422)["errors"]}
