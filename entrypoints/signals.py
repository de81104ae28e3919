"""SIGTERM and SIGINT, from the first moment of a command to its last.

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
"""For a command that was told to stop to undo what it has begun."""

_LEAVE = signal.SIGUSR1
"""Ends the thread. It is sent to that thread alone, and elsewhere means what it always did."""

Handler = Callable[[signal.Signals], float | None]
"""Called in the thread. It returns the seconds after which the process ends in any case, if any."""

T = TypeVar("T")


class Stopped(Exception):
    """A signal has ended the command before it was done."""


class StopSignals:
    """Takes SIGTERM and SIGINT while it is entered, which is for the main thread to do.

    A signal is handed to `handler`, once; without one the process ends at once, and so it does with
    the second signal, unless the handler has set another. A service that was told to stop has done
    as it was told, and exits with 0. Any other command was not done and ends as the signal ends a
    program (in a shell 143 or 130), so that what comes after it in a script does not run.
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
        """End the process as the signal that was taken ends it."""
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
    """The next of the signals, or None when the time is over."""
    if seconds is None:
        return signal.Signals(signal.sigwait(signals))
    found = signal.sigtimedwait(signals, seconds)
    return signal.Signals(found.si_signo) if found else None
