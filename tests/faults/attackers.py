"""Clients that keep a service waiting, each in one way of its own."""

import asyncio
import os
import socket
from collections.abc import AsyncIterator
from contextlib import AsyncExitStack, asynccontextmanager, suppress
from dataclasses import dataclass
from pathlib import Path

import httpx2

from tests.faults.crowd import new_session, said
from tests.faults.service import Service

TRICKLE_SECONDS = 1
AWAY_SECONDS = 10
"""Until one that was closed comes again: it is slow, and no flood."""

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
    large = post + b"Content-Length: 1000000\r\n\r\n"
    return {
        "nothing sent": Attack(b""),
        "heads that trickle": Attack(b"GET /livez HTTP/1.1\r\nX: ", b"x"),
        "large heads that do not end": Attack(live[:-2] + b"X: " + b"x" * 250_000),
        "bodies that trickle": Attack(large, b" "),
        "large bodies that do not end": Attack(large + b" " * 999_000),
        "bodies without a token": Attack(large.replace(token, b"") + b" " * 100_000, b" "),
        "chunks that do not begin": Attack(post + b"Transfer-Encoding: chunked\r\n\r\n1;", b"x"),
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
async def attacked(address: tuple[str, int], attack: Attack, clients: int) -> AsyncIterator[None]:
    """By so many clients while the body runs. Whoever is closed comes again."""
    async with AsyncExitStack() as stack:
        group = await stack.enter_async_context(asyncio.TaskGroup())
        attacking = [group.create_task(_attack(address, attack)) for _ in range(clients)]
        for one in attacking:
            stack.callback(one.cancel)
        await asyncio.sleep(1)
        yield


async def _attack(address: tuple[str, int], attack: Attack) -> None:
    loop = asyncio.get_running_loop()
    while True:
        with socket.socket() as client, suppress(OSError):
            client.settimeout(0)
            client.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 8192)
            await loop.sock_connect(client, address)
            await loop.sock_sendall(client, attack.begin)
            while not _is_closed(client):
                await asyncio.sleep(TRICKLE_SECONDS)
                await loop.sock_sendall(client, attack.piece)
        await asyncio.sleep(AWAY_SECONDS)


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
