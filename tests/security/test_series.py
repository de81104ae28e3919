"""The figures do not grow with what strangers send."""

import secrets
from pathlib import Path

import httpx2
from starlette.types import Receive, Scope, Send

from entrypoints.asgi import application
from entrypoints.container import Container
from entrypoints.settings import Settings
from tests.conftest import Sized
from tests.entrypoints.test_metrics_api import samples
from tests.tally import Tally

Series = set[tuple[str, frozenset[tuple[str, str]]]]


async def test_no_path_method_host_or_version_makes_a_series(
    tmp_path: Path, sized: Sized, tally: Tally
) -> None:
    # Without limits: past one, all that comes would be told apart by nothing but a 429.
    settings = Settings(
        database_url="memory://", development_key_file=tmp_path / "key.pem", rate_limits="off"
    )
    app = application(settings, Container(settings=settings))

    async def claimed(scope: Scope, receive: Receive, send: Send) -> None:
        """By a client that says which version of HTTP it speaks."""
        version = dict(scope["headers"]).get(b"x-version", b"1.1").decode()
        await app({**scope, "http_version": version}, receive, send)

    transport = httpx2.ASGITransport(claimed)
    async with httpx2.AsyncClient(transport=transport, base_url=settings.base_url) as client:

        async def send(method: str, path: str, host: str = "127.0.0.1", http: str = "1.1") -> None:
            await client.request(method, path, headers={"Host": host, "X-Version": http})

        async def series() -> Series:
            text = (await client.get("/metrics")).text
            return {(at.name, frozenset(at.labels.items())) for at in samples(text)}

        async def a_round(random: str) -> None:
            await send("GET", f"/{random}")
            await send("GET", f"/sessions/{random}/messages?{random}")
            await send(random.upper(), f"/{random}")
            await send("GET", "/sessions", f"{random}.example", f"{random[0]}.{random[1]}")

        await a_round("9" * 24)
        await series()
        before = await series()
        rounds = sized(100, 2500)
        for _ in range(rounds):
            await a_round(str(secrets.randbelow(10**24)).zfill(24))
        tally.none("P8", "random requests: new series", await series() - before, of=rounds * 4)
