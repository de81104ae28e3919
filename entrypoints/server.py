import asyncio
import signal
from collections.abc import Callable, Iterator
from contextlib import contextmanager

import uvicorn
from starlette.types import ASGIApp

HEAD_BYTES = 256 * 1024
"""What the parser takes of a head; one over the contract's limits is then refused as 431."""

STOP_SECONDS = 8.3
"""From SIGTERM to the last request's end, the drain included; then the storage closes."""

INTERRUPT_SECONDS = 0.2
"""For requests in flight when a person presses Ctrl-C."""


class Server(uvicorn.Server):
    """Ends on a signal and returns: SIGTERM drains first, SIGINT does not wait."""

    def __init__(self, app: ASGIApp, drain_seconds: float, on_drain: Callable[[], None]) -> None:
        super().__init__(
            uvicorn.Config(
                app,
                http="h11",
                h11_max_incomplete_event_size=HEAD_BYTES,
                ws="none",
                log_config=None,
                access_log=False,
                proxy_headers=False,
                server_header=False,
            )
        )
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

    def _terminate(self) -> None:
        self._on_drain()
        asyncio.get_running_loop().call_later(
            self._drain_seconds, self._stop, STOP_SECONDS - self._drain_seconds
        )

    def _stop(self, seconds: float) -> None:
        self.config.timeout_graceful_shutdown = seconds  # type: ignore[assignment]  # waits take fractions
        self.should_exit = True
