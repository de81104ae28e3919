"""Write lines without waiting for their reader."""

import os
import select
import sys
from threading import Lock, Thread

STDOUT = 1
BACKLOG_LIMIT = 1 << 20
"""The most bytes of lines that are kept for a slow reader."""


class NonBlockingWriter:
    """Writes whole lines to a descriptor, from any thread, and never waits for its reader.

    Lines that cannot be written at once are kept for a while; past BACKLOG_LIMIT bytes they are
    dropped, and so is everything once nobody reads any more.
    """

    def __init__(self, descriptor: int | None = None) -> None:
        """Write to the descriptor or, without one, to standard output."""
        target = _stdout() if descriptor is None else descriptor
        self.is_terminal = os.isatty(target)
        self._descriptor = _unwaiting(target) if self.is_terminal else target
        self._ready = _poll(self._descriptor)
        self._backlog = bytearray()
        self._lock = Lock()
        self._waiter: Thread | None = None

    def write(self, line: str) -> None:
        encoded = line.encode(errors="backslashreplace") + b"\n"
        with self._lock:
            if len(self._backlog) + len(encoded) <= BACKLOG_LIMIT:
                self._backlog += encoded
            self._write_what_fits()
            if self._backlog and self._waiter is None:
                self._waiter = Thread(target=self._wait, name="log-backlog", daemon=True)
                self._waiter.start()

    def finish(self, seconds: float) -> None:
        """Wait, at most so long, until a slow reader has taken the lines that are kept."""
        waiter = self._waiter
        if waiter is not None:
            waiter.join(seconds)

    def _write_what_fits(self) -> None:
        try:
            # A descriptor that is ready takes this much without a wait, but for a terminal.
            while self._backlog and self._ready.poll(0):
                written = os.write(self._descriptor, self._backlog[: select.PIPE_BUF])
                del self._backlog[:written]
        except BlockingIOError:
            pass
        except OSError:  # nobody reads it any more
            self._backlog.clear()

    def _wait(self) -> None:
        ready = _poll(self._descriptor)  # one serves one thread at a time
        while True:
            ready.poll()
            with self._lock:
                self._write_what_fits()
                if not self._backlog:
                    self._waiter = None
                    return


def _unwaiting(terminal: int) -> int:
    """Open the terminal again, non-blocking: the mode of the shared descriptor stays as it is."""
    try:
        return os.open(os.ttyname(terminal), os.O_WRONLY | os.O_NONBLOCK | os.O_NOCTTY)
    except OSError:
        return terminal


def _poll(descriptor: int) -> select.poll:
    """Make a poll object that tells when a piece can be written, or has no reader any more."""
    poll = select.poll()
    poll.register(descriptor, select.POLLOUT)
    return poll


def _stdout() -> int:
    """Find standard output. Without one, another file may have its number."""
    if sys.stdout is None:
        return os.open(os.devnull, os.O_WRONLY)
    try:
        return sys.stdout.fileno()
    except OSError:  # a test has put something else in its place
        return STDOUT
