"""A TCP proxy that is slow, cuts, goes silent or swallows, as it is told."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager, suppress
from typing import TypeVar


class Proxy:
    """What it is told holds for the connections that are open, too."""

    def __init__(self, host: str, port: int) -> None:
        self.port = 0
        self.latency = 0.0
        """Seconds that each piece is held up, either way."""
        self.refusing = False
        """New connections are ended at once."""
        self.passing = asyncio.Event()
        """Unset it is a black hole: connections are accepted, and nothing goes either way."""
        self.answering = asyncio.Event()
        """Unset it is half open: what the target says is not passed on."""
        self._target = host, port
        self._connections: set[asyncio.Task[None]] = set()
        self.heal()

    def heal(self) -> None:
        self.latency = 0.0
        self.refusing = False
        self.passing.set()
        self.answering.set()

    def cut(self) -> None:
        """End every connection."""
        for connection in self._connections:
            connection.cancel()

    async def serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        connection = asyncio.current_task()
        assert connection
        self._connections.add(connection)
        try:
            with suppress(OSError, asyncio.CancelledError):
                if not self.refusing:
                    await self.passing.wait()
                    await self._join(reader, writer)
        finally:
            writer.transport.abort()
            self._connections.discard(connection)

    async def _join(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        there, back = await asyncio.open_connection(*self._target)
        ways = [
            asyncio.create_task(self._pass(reader, back, self.passing)),
            asyncio.create_task(self._pass(there, writer, self.passing, self.answering)),
        ]
        try:
            await asyncio.wait(ways, return_when=asyncio.FIRST_COMPLETED)
        finally:
            back.transport.abort()
            for way in ways:
                way.cancel()

    async def _pass(
        self, source: asyncio.StreamReader, to: asyncio.StreamWriter, *open_: asyncio.Event
    ) -> None:
        with suppress(OSError):
            while piece := await source.read(65536):
                await asyncio.sleep(self.latency)
                for gate in open_:
                    await gate.wait()
                to.write(piece)
                await to.drain()


P = TypeVar("P", bound=Proxy)


@asynccontextmanager
async def listening(proxy: P) -> AsyncIterator[P]:
    server = await asyncio.start_server(proxy.serve, "127.0.0.1", 0)
    proxy.port = server.sockets[0].getsockname()[1]
    try:
        yield proxy
    finally:
        server.close()
        proxy.cut()
