"""Standard output as a place for lines that nobody need read."""

import os
import select
import sys
from threading import Lock, Thread

STDOUT = 1
BACKLOG_LIMIT = 1 << 20
"""NonBlockingWriter that are kept while whoever reads them is slow."""


class NonBlockingWriter:
    """Writes whole lines to a descriptor, from any thread, and never waits for its reader.

    Lines that cannot be written at once are kept for a while; past BACKLOG_LIMIT bytes they are
    dropped, and so is everything once nobody reads any more.
    """

    def __init__(self, descriptor: int | None = None) -> None:
        """Standard output, unless another is named."""
        given = _stdout() if descriptor is None else descriptor
        self.is_terminal = os.isatty(given)
        self._descriptor = _unwaiting(given) if self.is_terminal else given
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
        """Give a slow reader so long to take what was kept for it."""
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
    """The same terminal, opened anew: whether to wait for it is then our affair alone."""
    try:
        return os.open(os.ttyname(terminal), os.O_WRONLY | os.O_NONBLOCK | os.O_NOCTTY)
    except OSError:
        return terminal


def _poll(descriptor: int) -> select.poll:
    """Tells whether a piece can be written at once, or that nobody reads it any more."""
    poll = select.poll()
    poll.register(descriptor, select.POLLOUT)
    return poll


def _stdout() -> int:
    """Its number may be another file's where the process was started without one."""
    if sys.stdout is None:
        return os.open(os.devnull, os.O_WRONLY)
    try:
        return sys.stdout.fileno()
    except OSError:  # a test has put something else in its place
        return STDOUT
