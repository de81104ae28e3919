"""Many clients at once, through every process that the database takes."""

import asyncio
from collections.abc import Awaitable, Callable
from typing import Any

import httpx2

CLIENTS = 16

Https = tuple[httpx2.AsyncClient, httpx2.AsyncClient]
"""A client of each of two service processes, or both of the only one."""


def said(*texts: str) -> dict[str, Any]:
    return {"messages": [{"role": "user", "content": text} for text in texts]}


async def new_session(http: httpx2.AsyncClient) -> str:
    answer = await http.post("/sessions", json={})
    assert answer.status_code == 201, answer.text
    return str(answer.json()["id"])


async def by_clients(rounds: int, act: Callable[[int], Awaitable[None]]) -> None:
    """Every round once, in the hands of a few clients at a time."""
    numbers = iter(range(rounds))

    async def client() -> None:
        for number in numbers:
            await act(number)

    async with asyncio.TaskGroup() as group:
        for _ in range(CLIENTS):
            group.create_task(client())


async def everything(http: httpx2.AsyncClient) -> dict[str, tuple[Any, list[Any]]]:
    """Each session of the caller's by its id, with its messages."""
    sessions = await walked(http, "/sessions?sort_by=created_at&sort_order=asc")
    return {
        one["id"]: (one, await walked(http, f"/sessions/{one['id']}/messages?")) for one in sessions
    }


async def walked(http: httpx2.AsyncClient, path: str) -> list[Any]:
    items: list[Any] = []
    offset: int | None = 0
    while offset is not None:
        answer = await http.get(f"{path}&limit=200&offset={offset}")
        assert answer.status_code == 200, answer.text
        items += answer.json()["items"]
        offset = answer.json()["pagination"]["next_offset"]
    return items
