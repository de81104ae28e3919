"""Handle SIGTERM and SIGINT from the first moment of a command to its last.

The kernel takes no default action for process 1 of a container, so a signal without a handler is
lost there (pid_namespaces(7)), and a handler in Python waits for as long as the main thread is in a
library. So both signals are blocked, and a thread of their own waits for them.
"""

import os
import signal
from collections.abc import Callable, Coroutine
from threading import Thread
from typing import Any, NoReturn, Self, TypeVar

STOP_SIGNALS = frozenset({signal.SIGTERM, signal.SIGINT})

GRACE_SECONDS = 3.0
"""How long a command may take to clean up after a signal."""

_LEAVE = signal.SIGUSR1
"""The signal that ends the thread. It is sent to that thread alone, and keeps its usual meaning
elsewhere."""

Handler = Callable[[signal.Signals], float | None]
"""A handler is called in the thread, and returns after how many seconds the process ends in any
case, if at all."""

T = TypeVar("T")


class Stopped(Exception):
    """A signal ended the command before it was done."""


class StopSignals:
    """The main thread handles SIGTERM and SIGINT by entering this context manager.

    A signal is passed to `handler`, once. Without a handler the process ends at once; so it does at
    the second signal, unless the first handler has set another. A service that is stopped exits
    with 0. Any other command was not finished, and ends as a program that the signal killed (143 or
    130 in a shell), so that the rest of a script does not run.
    """

    def __init__(self, *, is_service: bool) -> None:
        self.handler: Handler | None = None
        self._is_service = is_service
        self._taken: signal.Signals | None = None
        self._thread = Thread(target=self._wait, name="stop-signals", daemon=True)

    def __enter__(self) -> Self:
        self._on_interrupt = signal.signal(signal.SIGINT, signal.SIG_DFL)
        self._mask = signal.pthread_sigmask(signal.SIG_BLOCK, STOP_SIGNALS | {_LEAVE})
        self._thread.start()  # with this mask, and so has every later thread but for _LEAVE
        signal.pthread_sigmask(signal.SIG_SETMASK, self._mask | STOP_SIGNALS)
        return self

    def __exit__(self, *_: object) -> None:
        signal.pthread_kill(self._thread.ident or 0, _LEAVE)
        self._thread.join()
        signal.pthread_sigmask(signal.SIG_SETMASK, self._mask)
        signal.signal(signal.SIGINT, self._on_interrupt)

    def run(self, main: Coroutine[Any, Any, T], **runner: Any) -> T:  # noqa: ANN401 - as asyncio.Runner has them
        """Run the coroutine as `asyncio.run` does. A signal cancels it and raises Stopped."""
        import asyncio  # noqa: PLC0415 - a signal must not have to wait for it

        async def stoppable() -> T:
            cancel = asyncio.current_task().cancel  # type: ignore[union-attr]  # this is one
            loop = asyncio.get_running_loop()

            def handler(_: signal.Signals) -> float:
                loop.call_soon_threadsafe(cancel)
                return GRACE_SECONDS

            self.handler = handler
            try:
                return await main
            finally:
                self.handler = None

        try:
            with asyncio.Runner(**runner) as running:
                return running.run(stoppable())
        except asyncio.CancelledError as error:
            raise Stopped from error

    def end(self) -> NoReturn:
        """End the process as if the signal had ended it."""
        if self._is_service or self._taken is None:
            os._exit(0)
        signal.pthread_sigmask(signal.SIG_UNBLOCK, {self._taken})
        signal.raise_signal(self._taken)
        os._exit(128 + self._taken)  # as process 1, which goes on after that

    def _wait(self) -> None:
        signals, seconds = STOP_SIGNALS | {_LEAVE}, None
        while True:
            taken = _next(signals, seconds)
            if taken == _LEAVE:
                return
            handler, self.handler = self.handler, None
            self._taken = taken or self._taken
            if taken is None or handler is None:
                self.end()
            try:
                seconds = handler(taken)
            except RuntimeError:  # its event loop has been closed meanwhile
                self.end()


def _next(signals: frozenset[signal.Signals], seconds: float | None) -> signal.Signals | None:
    """Wait for the next of the signals, and return it, or None when the time is over."""
    if seconds is None:
        return signal.Signals(signal.sigwait(signals))
    found = signal.sigtimedwait(signals, seconds)
    return signal.Signals(found.si_signo) if found else None
