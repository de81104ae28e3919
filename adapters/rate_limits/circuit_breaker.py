"""Call a service that may be down, so that its callers do not all wait for a timeout."""

import asyncio
import time
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from ssl import SSLCertVerificationError

from application.errors import Unavailable

CALLS_MAX = 8
"""The most calls at a time. The next one waits for its turn."""

RETRY_PAUSE = 1
"""Seconds from a failure to the next attempt."""

_TICK_SECONDS = 0.025
_TICKS = 10
"""The limit of a call: a quarter of a second, in steps. A step is at least one turn of the event
loop, so that a late loop does not make a quick answer late."""


class CircuitOpen(Unavailable):
    """The service does not answer, or did not a moment ago. The text names the kind of failure."""


class CircuitBreaker:
    """The breaker lets calls through while they succeed, and one a second after one has failed.

    `faults` are the errors that mean the service is down. `on_state_change` is called with the kind
    of failure each time it goes down, and with None each time it is back.
    """

    def __init__(
        self,
        faults: tuple[type[Exception], ...],
        on_state_change: Callable[[str | None], None],
        now: Callable[[], float] = time.monotonic,
    ) -> None:
        # A TimeoutError is an OSError.
        self._faults: tuple[type[Exception], ...] = (OSError, *faults)
        self._on_change = on_state_change
        self._now = now
        self._turns = asyncio.Semaphore(CALLS_MAX)
        self._away: str | None = None
        self._again = 0.0

    @asynccontextmanager
    async def call(self) -> AsyncIterator[None]:
        """Call the service inside `async with`. Raises CircuitOpen."""
        async with self._turns:
            if self._away:
                if self._now() < self._again:
                    raise CircuitOpen(self._away)
                self._again = self._now() + RETRY_PAUSE  # the others go on without
            try:
                async with _call_timeout():
                    yield
            except self._faults as error:
                self._again = self._now() + RETRY_PAUSE
                self._change(kind := _kind(error))
                raise CircuitOpen(kind) from None
            self._change(None)

    def _change(self, away: str | None) -> None:
        if bool(away) != bool(self._away):
            self._on_change(away)
        self._away = away


def _kind(error: Exception) -> str:
    """Name the error's kind and that of its cause, without their texts, which may be secret; but
    say what is wrong with a certificate."""
    name, cause = type(error).__name__, error.__cause__ or error.__context__
    kind = type(cause).__name__
    if cause is None or isinstance(cause, asyncio.CancelledError) or kind == name:
        return name
    wrong = f", {cause.verify_message}" if isinstance(cause, SSLCertVerificationError) else ""
    return f"{name}: {kind}{wrong}"


@asynccontextmanager
async def _call_timeout() -> AsyncIterator[None]:
    """Limit the time of a call. Raises TimeoutError."""
    async with asyncio.timeout(None) as limit:
        countdown = _Countdown(limit)
        try:
            yield
        finally:
            countdown.stop()


class _Countdown:
    def __init__(self, limit: asyncio.Timeout) -> None:
        self._limit = limit
        self._loop = asyncio.get_running_loop()
        self._next = self._after(_TICKS)

    def stop(self) -> None:
        self._next.cancel()

    def _after(self, ticks: int) -> asyncio.TimerHandle:
        return self._loop.call_later(_TICK_SECONDS, self._tick, ticks - 1)

    def _tick(self, ticks: int) -> None:
        if ticks:
            self._next = self._after(ticks)
        else:
            self._limit.reschedule(self._loop.time())
