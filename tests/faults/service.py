"""The service as a process to strike at, and how its clients reach it."""

import asyncio
import random
from collections.abc import AsyncIterator
from contextlib import ExitStack, asynccontextmanager
from pathlib import Path

import httpx2

from adapters.auth import DevelopmentKey
from adapters.system import SystemClock
from tests.certificates import NO_AUTHORITY
from tests.serving import Served, serving
from tests.waiting import WAIT_SECONDS

CHANCE = random.Random()  # noqa: S311 - what is struck, and when
KEY_FILE = "CHAT_SESSIONS_DEVELOPMENT_KEY_FILE"


class Service:
    """It can be killed and started again; its clients keep their token, not its address."""

    def __init__(self, folder: Path, key: Path, **settings: str) -> None:
        self.folder = folder
        self.settings = {KEY_FILE: str(key)} | settings
        self.http = httpx2.AsyncClient(verify=NO_AUTHORITY)
        self._former: list[httpx2.AsyncClient] = []
        self._key = DevelopmentKey(key)
        self.sign_in("alice")
        self._stack = ExitStack()
        self._served: Served | None = None

    @property
    def served(self) -> Served:
        assert self._served
        return self._served

    def sign_in(self, who: str) -> None:
        """From now on its clients are someone else."""
        self.authorization = self.authorization_of(who)
        self.http.headers["Authorization"] = self.authorization

    def authorization_of(self, who: str) -> str:
        return f"Bearer {self._key.token(who, SystemClock())}"

    async def start(self) -> None:
        starting = serving(self.folder, **self.settings)
        self._served = await asyncio.to_thread(self._stack.enter_context, starting)
        self._former.append(self.http)  # requests of whoever writes may be under way
        self.http = httpx2.AsyncClient(
            base_url=self._served.url,
            headers={"Authorization": self.authorization},
            limits=httpx2.Limits(max_connections=None, max_keepalive_connections=None),
            timeout=WAIT_SECONDS,
            verify=NO_AUTHORITY,
        )

    async def refusal(self) -> str | None:
        """The one line with which it refuses to start; None where it starts."""
        try:
            await self.start()
        except AssertionError as refused:
            (line,) = str(refused).splitlines()
            return line
        return None

    async def kill(self) -> None:
        """SIGKILL; what it had in hand is lost."""
        await asyncio.to_thread(self._stack.close)

    async def restart(self) -> None:
        await self.kill()
        await self.start()

    async def stop(self) -> None:
        await self.kill()
        for client in (*self._former, self.http):
            await client.aclose()


@asynccontextmanager
async def running(folder: Path, key: Path, **settings: str) -> AsyncIterator[Service]:
    service = Service(folder, key, **settings)
    await service.start()
    try:
        yield service
    finally:
        await service.stop()


async def moment(least: float, most: float) -> None:
    await asyncio.sleep(CHANCE.uniform(least, most))
