"""Whom this process asks, and a server that nobody may ask: it would give away the keys that make
forgeries hold."""

import json
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from functools import cache
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from threading import Thread
from typing import Any


@dataclass
class Trap:
    url: str
    hits: list[str] = field(default_factory=list)
    keys: list[dict[str, Any]] = field(default_factory=list)


@contextmanager
def set_trap() -> Iterator[Trap]:
    """On loopback, counting every connection, whatever is asked over it."""

    class Handler(BaseHTTPRequestHandler):
        def setup(self) -> None:
            trap.hits.append(str(self.client_address))
            super().setup()

        def do_GET(self) -> None:
            body = json.dumps({"keys": trap.keys, "jwks_uri": f"{trap.url}/jwks"}).encode()
            self.send_response(200)
            self.send_header("Content-Length", str(len(body)))
            self.end_headers()
            self.wfile.write(body)

        def log_message(self, *_: object) -> None:
            """Say nothing."""

    with ThreadingHTTPServer(("127.0.0.1", 0), Handler) as server:
        trap = Trap(f"http://127.0.0.1:{server.server_port}")
        Thread(target=server.serve_forever, daemon=True).start()
        try:
            yield trap
        finally:
            server.shutdown()


@contextmanager
def outbound() -> Iterator[list[object]]:
    """The addresses that are connected to, sent to or looked up meanwhile, as the interpreter tells
    of them (the table of audit events in Python's manual)."""
    told: list[object] = []
    _listeners().append(told)
    try:
        yield told
    finally:
        _listeners().remove(told)


@cache
def _listeners() -> list[list[object]]:
    """A hook cannot be taken out again, so there is one."""
    listeners: list[list[object]] = []
    places = {"socket.connect": 1, "socket.sendto": 1, "socket.getaddrinfo": 0}

    def hear(event: str, given: tuple[Any, ...]) -> None:
        if listeners and event in places:
            for told in listeners:
                told.append(given[places[event]])

    sys.addaudithook(hear)
    return listeners
