"""A proxy that loses answers: the request is carried out, and its client hears nothing of it."""

import socket
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress


class LosingProxy:
    """It passes everything on, but for what it is told to lose."""

    def __init__(self, host: str, port: int) -> None:
        self.target = host, port
        self.lost: list[str] = []
        """The request lines whose answers were lost."""
        self._losing: list[str] = []
        self._meanwhile: Callable[[], object] = int
        self._instead = b""
        self._open: set[socket.socket] = set()
        self._server = socket.create_server(("127.0.0.1", 0))
        self.url = f"http://127.0.0.1:{self._server.getsockname()[1]}"
        threading.Thread(target=self._accept, daemon=True).start()

    def lose(
        self, *methods: str, meanwhile: Callable[[], object] = int, instead: bytes = b""
    ) -> None:
        """Lose the next answer to a request of each of these methods; `meanwhile` is what happens
        before anybody knows of it, and `instead` what is answered then."""
        self._losing = list(methods)
        self._meanwhile = meanwhile
        self._instead = instead
        self.lost = []

    def cut(self) -> None:
        """End every connection."""
        for one in list(self._open):
            _end(one)

    def close(self) -> None:
        _end(self._server)
        self.cut()

    def _accept(self) -> None:
        with suppress(OSError):
            while True:
                client, _ = self._server.accept()
                threading.Thread(target=self._join, args=[client], daemon=True).start()

    def _join(self, client: socket.socket) -> None:
        lines: list[str] = []
        with suppress(OSError), client, socket.create_connection(self.target) as target:
            self._open |= {client, target}
            back = threading.Thread(target=self._answer, args=[target, client, lines], daemon=True)
            back.start()
            with suppress(OSError):
                while piece := client.recv(65536):
                    line = piece.split(b"\r\n", 1)[0].decode("latin-1")
                    if line.endswith(" HTTP/1.1"):
                        lines.append(line)
                    target.sendall(piece)
            _end(target)
            back.join()
        self._open -= {client, target}

    def _answer(self, target: socket.socket, client: socket.socket, lines: list[str]) -> None:
        with suppress(OSError):
            while piece := target.recv(65536):
                method = lines[-1].split()[0]
                if method in self._losing and piece.startswith(b"HTTP/1.1"):
                    self._losing.remove(method)
                    self.lost.append(lines[-1])
                    self._meanwhile()
                    client.sendall(self._instead)
                    break
                client.sendall(piece)
        _end(client)


@contextmanager
def losing(host: str, port: int) -> Iterator[LosingProxy]:
    proxy = LosingProxy(host, port)
    try:
        yield proxy
    finally:
        proxy.close()


def _end(one: socket.socket) -> None:
    with suppress(OSError):
        one.shutdown(socket.SHUT_RDWR)
    one.close()
