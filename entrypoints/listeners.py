"""Open the sockets that the service listens on."""

import errno
import socket
from collections.abc import Iterator, Sequence
from contextlib import ExitStack, contextmanager

from application.errors import StartRefused
from entrypoints.settings import PREFIX

BACKLOG = 2048
"""The most connections that wait to be accepted, which is uvicorn's own number."""

_NOT_HERE = {errno.EADDRNOTAVAIL, errno.EAFNOSUPPORT}
"""The errors that mean this machine has no such address, or no IPv6 at all."""

_CURES = {
    errno.EADDRINUSE: f"set {PREFIX}PORT to one that is free",
    errno.EACCES: f"set {PREFIX}PORT to 1024 or more",
}


@contextmanager
def bound(host: str, port: int) -> Iterator[list[socket.socket]]:
    """Bind a socket to each address of the host that this machine has, all with one port.

    They hold the port, but nothing listens before `listen`: until then a client is refused, as
    where nothing runs, and does not wait for an answer. Raises StartRefused.
    """
    with ExitStack() as sockets:
        with _refusing(host, port):
            found = _bind(host, port, sockets)
        yield found


def listen(sockets: Sequence[socket.socket]) -> None:
    """Listen on the sockets. Raises StartRefused if another program already does."""
    for one in sockets:
        host, port = one.getsockname()[:2]
        with _refusing(host, port):
            one.listen(BACKLOG)


def _bind(host: str, port: int, sockets: ExitStack) -> list[socket.socket]:
    found: list[socket.socket] = []
    absent: OSError | None = None
    for family, kind, protocol, _, address in socket.getaddrinfo(
        host, port, type=socket.SOCK_STREAM, flags=socket.AI_PASSIVE
    ):
        same = found[0].getsockname()[1] if found else port
        try:
            one = sockets.enter_context(socket.socket(family, kind, protocol))
            one.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
            one.bind((address[0], same, *address[2:]))
        except OSError as error:
            if error.errno not in _NOT_HERE:
                raise
            absent = error
        else:
            found.append(one)
    if absent and not found:
        raise absent
    return found


@contextmanager
def _refusing(host: str, port: int) -> Iterator[None]:
    try:
        yield
    except OSError as error:
        cure = _CURES.get(error.errno or 0, f"set {PREFIX}HOST to an address of this machine")
        raise StartRefused(
            f"cannot listen on {host} port {port}: {error.strerror}: {cure}"
        ) from error
    except UnicodeError as error:  # from Python's codec for names that are not ASCII
        raise StartRefused(f"cannot listen on {host}: {PREFIX}HOST is no host's name") from error
