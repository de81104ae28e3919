"""The client that asks: some connections that are kept open, each with one request at a time."""

import asyncio
import time
from collections import Counter
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from functools import partial
from itertools import cycle, islice

CONNECTIONS = 8
TURN_SECONDS = 60
"""For all requests of one turn together."""

_END = b"\r\n\r\n"
_LENGTH = b"content-length:"


@dataclass
class Answers:
    seconds: list[float] = field(default_factory=list)
    """From a request's first byte sent to its answer's last byte read, each."""
    statuses: Counter[int] = field(default_factory=Counter)

    def add(self, began: float, status: int) -> None:
        self.seconds.append(time.perf_counter() - began)
        self.statuses[status] += 1

    def check(self, status: int) -> None:
        """What answered otherwise was not measured."""
        if set(self.statuses) != {status}:
            raise RuntimeError(f"answered {dict(self.statuses)}, not {status}")


class Connection(asyncio.Protocol):
    """Sends the next request once the last is answered, until there are none."""

    def __init__(self, requests: Iterator[bytes], answers: Answers) -> None:
        self.done = asyncio.get_running_loop().create_future()
        self._requests = requests
        self._answers = answers
        self._answer = bytearray()
        self._whole = 0
        self._began = 0.0

    def connection_made(self, transport: asyncio.Transport) -> None:  # type: ignore[override]
        self._transport = transport
        self._ask()

    def data_received(self, data: bytes) -> None:
        self._answer += data
        if not self._whole and (head := self._answer.find(_END) + len(_END)) >= len(_END):
            self._whole = head + length(bytes(self._answer[:head]))
        if self._whole and len(self._answer) >= self._whole:
            self._answers.add(self._began, int(self._answer[9:12]))
            self._ask()

    def connection_lost(self, exc: Exception | None) -> None:
        if not self.done.done():
            self.done.set_exception(exc or ConnectionResetError("closed before the answer's end"))

    def _ask(self) -> None:
        self._answer.clear()
        self._whole = 0
        request = next(self._requests, None)
        if request is None:
            self.done.set_result(None)
            self._transport.close()
            return
        self._began = time.perf_counter()
        self._transport.write(request)


def length(head: bytes) -> int:
    """Of the body that follows."""
    at = head.lower().find(_LENGTH)
    if at < 0:
        return 0
    return int(head[at + len(_LENGTH) : head.index(b"\r\n", at)])


async def ask(
    port: int, requests: Sequence[bytes], count: int, connections: int = CONNECTIONS
) -> Answers:
    """`count` requests over so many connections. Each has its share of those given and sends it
    again and again, so that what one request asks for is never asked for twice at once."""
    answers, loop = Answers(), asyncio.get_running_loop()
    shares = [
        islice(cycle(requests[number::connections]), count // connections)
        for number in range(connections)
    ]
    made = [
        await loop.create_connection(partial(Connection, share, answers), "127.0.0.1", port)
        for share in shares
    ]
    async with asyncio.timeout(TURN_SECONDS):
        await asyncio.gather(*(connection.done for _, connection in made))
    return answers
