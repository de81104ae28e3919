"""One who follows a session over HTTP, and comes again whenever the stream ends."""

import asyncio
import json
import random
import time
from contextlib import suppress
from dataclasses import dataclass, field
from urllib.parse import urlsplit

Heard = dict[int, float]


@dataclass
class Follower:
    """It goes on where it was, at the next of the `urls`, after what `retry` says. `heard` is when
    each message came, `twice` those that came again or out of order."""

    urls: list[str]
    path: str
    authorization: str
    turn: int = 0
    last: str | None = None
    heard: Heard = field(default_factory=dict)
    twice: list[int] = field(default_factory=list)
    streams: int = 0
    is_listening: bool = False
    _retry: float = 0.2

    async def follow(self) -> None:
        while True:
            with suppress(OSError, asyncio.IncompleteReadError, ValueError):
                await self._stream(self.urls[self.turn % len(self.urls)])
            self.is_listening = False
            self.turn += 1
            await asyncio.sleep(self._retry * random.uniform(0.5, 1))  # noqa: S311 - not a secret

    async def _stream(self, url: str) -> None:
        address = urlsplit(url)
        reader, writer = await asyncio.open_connection(address.hostname, address.port)
        try:
            resumed = "" if self.last is None else f"Last-Event-ID: {self.last}\r\n"
            writer.write(
                f"GET {self.path}/events HTTP/1.1\r\nHost: {address.netloc}\r\n{resumed}"
                f"Authorization: {self.authorization}\r\n\r\n".encode()
            )
            head = await reader.readuntil(b"\r\n\r\n")
            if b" 200 " not in head[:20]:
                return
            self.streams += 1
            while size := int(await reader.readline(), 16):
                piece = await reader.readexactly(size + 2)
                for block in piece.decode().strip().split("\n\n"):
                    self._hear(block)
        finally:
            writer.close()

    def _hear(self, block: str) -> None:
        fields = dict(line.partition(": ")[::2] for line in block.splitlines())
        if "retry" in fields:
            self.is_listening = True
            self._retry = int(fields["retry"]) / 1000
        self.last = fields.get("id", self.last)
        if fields.get("event") == "message":
            order = json.loads(fields["data"])["message_order"]
            if self.heard and order <= max(self.heard):
                self.twice.append(order)
            self.heard[order] = time.monotonic()
