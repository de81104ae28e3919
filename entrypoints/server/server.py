import asyncio
import socket
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from functools import partial
from math import ceil
from typing import Protocol

import uvicorn
from starlette.types import ASGIApp

from entrypoints.server.errors import ErrorResponder
from entrypoints.server.protocol import HttpProtocol
from entrypoints.server.registry import ConnectionRegistry

STOP_TIMEOUT = 7.0
"""Seconds from SIGTERM to the last request's end, with the drain. Then the storage closes."""

LAST_REQUESTS_TIMEOUT = 0.3
"""Seconds that running requests have if the drain alone takes as long."""

TICK = 0.1
"""Seconds. The drain is counted in these, of which a process that the machine does not run has
none: what came in meanwhile is served, and a proxy is told that it stops."""

DRAIN_EXTENSION = 2.0
"""Seconds that the drain may take longer for that."""

CHECK_TICKS = 5
"""Tenths of a second between two checks of the clients' deadlines."""

INTERRUPT_TIMEOUT = 0.2
"""Seconds that running requests have after Ctrl-C."""


class Drain(Protocol):
    """It is told when the server stops."""

    def begin(self) -> None:
        """The server goes on for the drain's seconds."""

    def skip(self) -> None:
        """The server stops at once."""


class Server(uvicorn.Server):
    """The server returns when it is stopped: `terminate` drains first, `interrupt` does not."""

    def __init__(
        self,
        app: ASGIApp,
        registry: ConnectionRegistry,
        errors: ErrorResponder,
        drain_seconds: float,
        drain: Drain,
    ) -> None:
        super().__init__(
            uvicorn.Config(
                app,
                http=partial(HttpProtocol, errors=errors),  # type: ignore[arg-type]  # called alike
                ws="none",
                log_config=None,
                access_log=False,
                proxy_headers=False,
                server_header=False,
            )
        )
        self.server_state = self._registry = registry
        self._drain_seconds = drain_seconds
        self._drain = drain

    @contextmanager
    def capture_signals(self) -> Iterator[None]:
        """Leave the signals to the caller."""
        yield

    async def on_tick(self, counter: int) -> bool:
        if counter % CHECK_TICKS == 0:
            self._registry.check_timeouts(asyncio.get_running_loop().time())
        return await super().on_tick(counter)

    async def shutdown(self, sockets: list[socket.socket] | None = None) -> None:
        await super().shutdown(sockets)
        if self.force_exit:  # which would leave the application as it stands
            await self.lifespan.shutdown()

    def terminate(self) -> None:
        """Stop once the drain is over and the running requests are answered."""
        self._drain.begin()
        self._draining = asyncio.create_task(self._stop_after_drain())

    async def _stop_after_drain(self) -> None:
        loop = asyncio.get_running_loop()
        begun, least = loop.time(), self._drain_seconds
        most = max(least, min(least + DRAIN_EXTENSION, STOP_TIMEOUT))
        with suppress(TimeoutError):
            async with asyncio.timeout(most):
                for _ in range(ceil(least / TICK)):
                    await asyncio.sleep(TICK)
        self._stop(max(LAST_REQUESTS_TIMEOUT, STOP_TIMEOUT - (loop.time() - begun)))

    def interrupt(self) -> None:
        """Stop, and give running requests only INTERRUPT_TIMEOUT."""
        self._drain.skip()
        self._stop(INTERRUPT_TIMEOUT)

    def hurry(self) -> None:
        """Stop at once, even if a slower stop has begun."""
        self._stop(0)
        self.force_exit = True

    def _stop(self, seconds: float) -> None:
        self.config.timeout_graceful_shutdown = seconds  # type: ignore[assignment]  # waits take fractions
        self.should_exit = True
