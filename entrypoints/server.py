import asyncio
import signal
import socket
from collections.abc import Callable, Iterator
from contextlib import contextmanager

import uvicorn
import uvloop
from starlette.types import ASGIApp

STOP_SECONDS = 9
"""From SIGTERM to the end, the drain included."""

INTERRUPT_SECONDS = 0.5
"""For requests in flight when a person presses Ctrl-C."""


class Server(uvicorn.Server):
    """Ends with exit code 0 on a signal: SIGTERM drains first, SIGINT does not wait."""

    def __init__(self, app: ASGIApp, drain_seconds: float, on_drain: Callable[[], None]) -> None:
        super().__init__(
            uvicorn.Config(
                app,
                http="httptools",
                ws="none",
                log_config=None,
                access_log=False,
                proxy_headers=False,
                server_header=False,
            )
        )
        self._drain_seconds = drain_seconds
        self._on_drain = on_drain

    @contextmanager
    def capture_signals(self) -> Iterator[None]:
        loop = asyncio.get_running_loop()
        loop.add_signal_handler(signal.SIGTERM, self._terminate)
        loop.add_signal_handler(signal.SIGINT, self._stop, INTERRUPT_SECONDS)
        yield

    def _terminate(self) -> None:
        self._on_drain()
        asyncio.get_running_loop().call_later(
            self._drain_seconds, self._stop, STOP_SECONDS - self._drain_seconds
        )

    def _stop(self, seconds: float) -> None:
        self.config.timeout_graceful_shutdown = seconds  # type: ignore[assignment]  # waits take fractions
        self.should_exit = True


def listen(host: str, port: int) -> socket.socket:
    """A listening socket. Raises OSError."""
    family, kind, protocol, _, address = socket.getaddrinfo(
        host, port, type=socket.SOCK_STREAM, flags=socket.AI_PASSIVE
    )[0]
    listener = socket.socket(family, kind, protocol)
    try:
        listener.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        listener.bind(address)
        listener.listen(2048)
    except OSError:
        listener.close()
        raise
    return listener


def event_loop() -> asyncio.AbstractEventLoop:
    return uvloop.new_event_loop()
