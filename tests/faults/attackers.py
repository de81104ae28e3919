"""Clients that keep a service waiting, each in one way of its own."""

import asyncio
import os
import socket
import time
from collections.abc import AsyncIterator
from contextlib import AsyncExitStack, asynccontextmanager, suppress
from dataclasses import dataclass
from pathlib import Path

import httpx2

from tests.faults.crowd import new_session, said
from tests.faults.service import CHANCE, Service
from tests.waiting import WAIT_SECONDS

TRICKLE_SECONDS = 1
AWAY_SECONDS = (20, 60)
"""Until one that was closed comes again: it is slow, and no flood."""

SETTLED_SECONDS = 0.1
SETTLED_ANSWERS = 5
"""So many, each with half of the time left to the service, and of that time at least, show that it
is through with what all send at first."""

PAGE_MESSAGES = 200


@dataclass(frozen=True)
class Attack:
    """What is sent at first, and then again and again, by a client that never reads."""

    begin: bytes
    piece: bytes = b""


async def attacks(service: Service) -> dict[str, Attack]:
    token = f"Authorization: {service.authorization}\r\n".encode()
    host = b"Host: 127.0.0.1\r\n"
    post = b"POST /sessions HTTP/1.1\r\nContent-Type: application/json\r\n" + host + token
    live = b"GET /livez HTTP/1.1\r\n" + host + b"\r\n"
    page = f"GET {await large_page(service.http)} HTTP/1.1\r\n".encode() + host + token + b"\r\n"
    chunked = b"Transfer-Encoding: chunked\r\n\r\n"
    large = post + b"Content-Length: 1000000\r\n\r\n"
    return {
        "nothing sent": Attack(b""),
        "heads that trickle": Attack(b"GET /livez HTTP/1.1\r\nX: ", b"x"),
        "large heads that do not end": Attack(live[:-2] + b"X: " + b"x" * 250_000),
        "bodies that trickle": Attack(large, b" "),
        "large bodies that do not end": Attack(large + b" " * 999_000),
        "bodies without a token": Attack(large.replace(token, b"") + b" " * 100_000, b" "),
        "chunks that do not begin": Attack(post + chunked + b"1;", b"x"),
        "chunks of a byte": Attack(post + chunked + b"1\r\n \r\n" * 50_000, b"1\r\n \r\n"),
        "connections that idle": Attack(live),
        "many requests at once": Attack(live * 20),
        "large answers not read": Attack(page * 2),
    }


async def large_page(http: httpx2.AsyncClient) -> str:
    path = f"/sessions/{await new_session(http)}/messages"
    for _ in range(PAGE_MESSAGES // 100):
        answer = await http.post(path, json=said(*["x" * 1_500] * 100))
        assert answer.status_code == 201, answer.text
    return f"{path}?limit={PAGE_MESSAGES}"


@asynccontextmanager
async def attacked(service: Service, attack: Attack, clients: int) -> AsyncIterator[None]:
    """By so many clients while the body runs, which begins once the service is through with their
    coming. Whoever is closed comes again."""
    async with AsyncExitStack() as stack:
        group = await stack.enter_async_context(asyncio.TaskGroup())
        for _ in range(clients):
            one = group.create_task(_attack(service.served.address, attack))
            stack.callback(one.cancel)
        await asyncio.sleep(TRICKLE_SECONDS)
        await settled(service)
        yield


async def _attack(address: tuple[str, int], attack: Attack) -> None:
    loop = asyncio.get_running_loop()
    while True:
        with socket.socket() as client, suppress(OSError):
            client.settimeout(0)
            client.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 8192)
            await loop.sock_connect(client, address)
            await asyncio.sleep(CHANCE.uniform(0, TRICKLE_SECONDS))
            await loop.sock_sendall(client, attack.begin)
            while not _is_closed(client):
                await asyncio.sleep(TRICKLE_SECONDS)
                await loop.sock_sendall(client, attack.piece)
        await asyncio.sleep(CHANCE.uniform(*AWAY_SECONDS))


async def settled(service: Service) -> None:
    """Wait until the service answers again and again with little else to do."""
    quick = 0
    async with asyncio.timeout(WAIT_SECONDS):
        while quick < SETTLED_ANSWERS:
            worked, begun = _processor_seconds(service), time.monotonic()
            await service.http.get("/livez")
            await asyncio.sleep(SETTLED_SECONDS)
            worked = _processor_seconds(service) - worked
            quick = quick + 1 if worked < (time.monotonic() - begun) / 2 else 0


def _processor_seconds(service: Service) -> float:
    text = Path(f"/proc/{service.served.process.pid}/stat").read_text()
    user, system = text.rpartition(")")[2].split()[11:13]
    return (int(user) + int(system)) / os.sysconf("SC_CLK_TCK")


def _is_closed(client: socket.socket) -> bool:
    """Without taking anything that has come."""
    try:
        return client.recv(1, socket.MSG_PEEK) == b""
    except BlockingIOError:
        return False


def resident(service: Service) -> int:
    """In bytes."""
    pages = Path(f"/proc/{service.served.process.pid}/statm").read_text().split()[1]
    return int(pages) * os.sysconf("SC_PAGE_SIZE")
