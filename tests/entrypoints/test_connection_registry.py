"""Who goes when the connections of a server hold too much."""

import asyncio
import socket
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import replace

from starlette.types import ASGIApp, Receive, Scope, Send

from entrypoints.drain import Drain
from entrypoints.http_server import ProblemResponder, client_timeouts, connection_limits
from entrypoints.server.registry import ConnectionRegistry
from entrypoints.server.server import Server
from entrypoints.settings import Settings
from tests.waiting import await_until


def registry(buffered_bytes: int) -> ConnectionRegistry:
    settings = Settings(database_url="memory://")
    limits = replace(connection_limits(settings), buffered_bytes=buffered_bytes)
    return ConnectionRegistry(client_timeouts(settings), limits)


class Waiting:
    deadline = 0.0
    buffered = 0

    def __init__(self, registry: ConnectionRegistry, buffered: int) -> None:
        self.aborted = False
        registry.add_waiting(self)
        registry.set_buffered(self, buffered)

    def check_timeout(self, now: float) -> None: ...

    def abort(self) -> None:
        self.aborted = True


def test_of_those_that_hold_much_the_one_that_waits_longest_goes() -> None:
    """A small request, however early it came, does not go for large ones."""
    connections = registry(buffered_bytes=1000)
    small, *large = [Waiting(connections, buffered) for buffered in (10, 400, 500, 450, 30)]
    assert [one.aborted for one in (small, *large)] == [False, True, False, False, False]
    connections.set_buffered(small, 20)
    assert not large[1].aborted
    connections.set_buffered(small, 500)
    assert [one.aborted for one in (small, *large)] == [False, True, True, False, False]


async def test_a_request_that_has_been_answered_is_not_held() -> None:
    """Though the next has always come by then: nobody else has to go for it."""
    asked, turn = asyncio.Semaphore(0), asyncio.Semaphore(0)

    async def app(scope: Scope, _: Receive, send: Send) -> None:
        assert scope["type"] == "http"
        asked.release()
        await turn.acquire()
        await send({"type": "http.response.start", "status": 204, "headers": []})
        await send({"type": "http.response.body", "body": b""})

    head = b"GET / HTTP/1.1\r\nHost: chat.example\r\n"
    async with served(app, registry(buffered_bytes=10_000)) as port:
        reader, begun = await asyncio.open_connection("127.0.0.1", port)
        begun.write(head)
        _, busy = await asyncio.open_connection("127.0.0.1", port)
        request = head + b"A: %b\r\n\r\n" % (b"a" * 1000)
        busy.write(request * 3)
        for _ in range(30):
            await asked.acquire()
            busy.write(request)
            turn.release()
        begun.write(b"\r\n")
        for _ in range(4):
            turn.release()
        assert (await reader.readline()).startswith(b"HTTP/1.1 204 ")
        begun.close()
        busy.close()


async def test_a_refused_connection_is_forgotten_once_it_is_closed() -> None:
    async def app(scope: Scope, _: Receive, send: Send) -> None:
        assert scope["type"] == "http"
        await send({"type": "http.response.start", "status": 400, "headers": []})
        await send({"type": "http.response.body", "body": b""})

    connections = registry(buffered_bytes=1000)
    async with served(app, connections) as port:
        reader, writer = await asyncio.open_connection("127.0.0.1", port)
        writer.write(b"\x16\x03\x01")
        assert (await reader.read()).startswith(b"HTTP/1.1 400 ")
        assert connections.connections
        writer.close()
        await await_until(lambda: not connections.connections)


@asynccontextmanager
async def served(app: ASGIApp, connections: ConnectionRegistry) -> AsyncIterator[int]:
    """The port that it is served at."""
    server = Server(app, connections, ProblemResponder(), 0.1, Drain())
    listener = socket.create_server(("127.0.0.1", 0))
    serving = asyncio.create_task(server.serve(sockets=[listener]))
    try:
        yield listener.getsockname()[1]
    finally:
        server.should_exit = True
        await serving
