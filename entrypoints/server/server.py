import asyncio
import signal
from collections.abc import Callable, Iterator
from contextlib import contextmanager

import uvicorn
from starlette.types import ASGIApp

from entrypoints.server.connection import Connection
from entrypoints.server.crowd import Crowd
from entrypoints.server.patience import Patience

STOP_SECONDS = 7.0
"""From SIGTERM to the last request's end, the drain included; then the storage closes."""

LAST_SECONDS = 0.3
"""For requests in flight when the drain alone takes as long."""

CHECK_TICKS = 5
"""How often to look for clients that are past their deadline, in tenths of a second."""

INTERRUPT_SECONDS = 0.2
"""For requests in flight when a person presses Ctrl-C."""


class Server(uvicorn.Server):
    """Ends on a signal and returns: SIGTERM drains first, SIGINT does not wait."""

    def __init__(
        self,
        app: ASGIApp,
        patience: Patience,
        drain_seconds: float,
        on_drain: Callable[[], None],
    ) -> None:
        super().__init__(
            uvicorn.Config(
                app,
                http=Connection,
                ws="none",
                log_config=None,
                access_log=False,
                proxy_headers=False,
                server_header=False,
            )
        )
        self.server_state = self._crowd = Crowd(patience)
        self._drain_seconds = drain_seconds
        self._on_drain = on_drain

    def heed_signals(self) -> None:
        """From now on in the running loop; one that comes before `serve` makes it end at once."""
        loop = asyncio.get_running_loop()
        loop.add_signal_handler(signal.SIGTERM, self._terminate)
        loop.add_signal_handler(signal.SIGINT, self._stop, INTERRUPT_SECONDS)

    @contextmanager
    def capture_signals(self) -> Iterator[None]:
        """Leave the signals as `heed_signals` has them."""
        yield

    async def on_tick(self, counter: int) -> bool:
        if counter % CHECK_TICKS == 0:
            self._crowd.check(asyncio.get_running_loop().time())
        return await super().on_tick(counter)

    def _terminate(self) -> None:
        self._on_drain()
        asyncio.get_running_loop().call_later(
            self._drain_seconds,
            self._stop,
            max(LAST_SECONDS, STOP_SECONDS - self._drain_seconds),
        )

    def _stop(self, seconds: float) -> None:
        self.config.timeout_graceful_shutdown = seconds  # type: ignore[assignment]  # waits take fractions
        self.should_exit = True
