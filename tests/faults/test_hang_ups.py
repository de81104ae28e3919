"""Clients that leave, and tasks that are cancelled, in the midst of a write."""

import asyncio
import json
from pathlib import Path
from urllib.parse import urlsplit

from tests.faults.conftest import Sized
from tests.faults.crowd import new_session, said, walked
from tests.faults.databases import Database
from tests.faults.ledger import is_whole
from tests.faults.service import Service, moment, running
from tests.faults.tally import Tally


async def hang_up(service: Service, path: str, texts: tuple[str, ...], *, rudely: bool) -> None:
    """Send the whole request, and be gone within 20 ms."""
    url = urlsplit(service.served.url)
    body = json.dumps(said(*texts)).encode()
    head = (
        f"POST {path} HTTP/1.1\r\nHost: {url.netloc}\r\nContent-Type: application/json\r\n"
        f"Authorization: {service.authorization}\r\nContent-Length: {len(body)}\r\n\r\n"
    )
    _, writer = await asyncio.open_connection(url.hostname, url.port)
    writer.write(head.encode() + body)
    await moment(0, 0.02)
    if rudely:
        writer.transport.abort()
    else:
        writer.close()


async def test_clients_that_hang_up_leave_whole_writes(
    tmp_path: Path, key: Path, database: Database, sized: Sized, tally: Tally
) -> None:
    """Or none; and the connections that served them are clean."""
    clients = sized(24, 360)
    async with running(tmp_path, key, CHAT_SESSIONS_DATABASE_URL=database.url) as service:
        path = f"/sessions/{await new_session(service.http)}/messages"
        batches = [tuple(f"{number}.{place}" for place in range(3)) for number in range(clients)]
        for number in range(0, clients, 24):
            async with asyncio.TaskGroup() as group:
                for turn, batch in enumerate(batches[number : number + 24]):
                    group.create_task(hang_up(service, path, batch, rudely=turn % 2 == 0))
        for _ in range(8):
            answer = await service.http.post(path, json=said("afterwards"))
            assert answer.status_code == 201, answer.text
        seen = database.seen("SELECT content FROM messages WHERE content = 'afterwards'")
        assert len(seen) == 8
        places: dict[str, list[tuple[str, int]]] = {}
        for item in await walked(service.http, path + "?"):
            found = places.setdefault(item["content"], [])
            found.append((item["session_id"], item["message_order"]))
        torn = [one for one in batches if not is_whole([places.get(text, []) for text in one])]
        tally.none("P1", f"{database.name}, clients hung up: batches torn", torn, of=clients)
        assert database.open_transactions() == 0
