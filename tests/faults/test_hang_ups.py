"""Clients that leave, and tasks that are cancelled, in the midst of a write."""

import asyncio
import json
from typing import Any
from urllib.parse import urlsplit

import httpx2

from tests.conftest import Sized
from tests.faults.crowd import Https, new_session, said, walked
from tests.faults.databases import Database
from tests.faults.ledger import is_whole
from tests.faults.service import moment
from tests.tally import Tally
from tests.waiting import WAIT_SECONDS


async def hang_up(
    http: httpx2.AsyncClient, path: str, texts: tuple[str, ...], *, rudely: bool
) -> None:
    """Send the whole request, and be gone within 20 ms."""
    url = urlsplit(str(http.base_url))
    body = json.dumps(said(*texts)).encode()
    head = (
        f"POST {path} HTTP/1.1\r\nHost: {url.netloc}\r\nContent-Type: application/json\r\n"
        f"Authorization: {http.headers['Authorization']}\r\nContent-Length: {len(body)}\r\n\r\n"
    )
    _, writer = await asyncio.open_connection(url.hostname, url.port)
    writer.write(head.encode() + body)
    await moment(0, 0.02)
    if rudely:
        writer.transport.abort()
    else:
        writer.close()


async def at_rest(http: httpx2.AsyncClient, path: str, database: Database) -> list[Any]:
    """What is stored once nothing is being written: those who left are served all the same."""
    before: list[Any] = []
    found = await walked(http, path + "?")
    async with asyncio.timeout(WAIT_SECONDS):
        while found != before or database.open_transactions():
            await asyncio.sleep(0.3)
            before, found = found, await walked(http, path + "?")
    return found


async def test_clients_that_hang_up_leave_whole_writes(
    https: Https, shared_database: Database, sized: Sized, tally: Tally
) -> None:
    """Or none; and the connections that served them are clean."""
    clients = sized(24, 360)
    http = https[0]
    path = f"/sessions/{await new_session(http)}/messages"
    batches = [tuple(f"{number}.{place}" for place in range(3)) for number in range(clients)]
    for number in range(0, clients, 24):
        async with asyncio.TaskGroup() as group:
            for turn, batch in enumerate(batches[number : number + 24]):
                group.create_task(hang_up(http, path, batch, rudely=turn % 2 == 0))
    for _ in range(8):
        answer = await http.post(path, json=said("afterwards"))
        assert answer.status_code == 201, answer.text
    seen = shared_database.seen("SELECT content FROM messages WHERE content = 'afterwards'")
    assert len(seen) == 8
    places: dict[str, list[tuple[str, int]]] = {}
    for item in await at_rest(http, path, shared_database):
        found = places.setdefault(item["content"], [])
        found.append((item["session_id"], item["message_order"]))
    torn = [one for one in batches if not is_whole([places.get(text, []) for text in one])]
    tally.none("P1", f"{shared_database.name}, clients hung up: batches torn", torn, of=clients)
