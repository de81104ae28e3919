"""What the Agents SDK's own tests do not ask of a session that others can write, too."""

import asyncio
import gc
import math
from collections.abc import Awaitable, Callable
from typing import Any
from uuid import uuid4

import pytest
from agents import SQLiteSession
from agents.exceptions import AgentsException, UserError
from chat_sessions_client import AsyncClient, Retries, external
from chat_sessions_client.openai_agents import ChatSession

from tests.clients.frameworks.service import Service


@pytest.fixture
def client(service: Service) -> AsyncClient:
    return AsyncClient(service.url, service.token("agents"))


@pytest.fixture
def session(client: AsyncClient) -> ChatSession:
    return ChatSession(str(uuid4()), client)


WRITES: list[Callable[[ChatSession], Awaitable[object]]] = [
    lambda session: session.add_items([user("x")]),
    lambda session: session.pop_item(),
    lambda session: session.clear_session(),
]


class Silent:
    """A server that takes requests, and closes them without an answer once it may."""

    def __init__(self) -> None:
        self.asked, self.may_close = asyncio.Event(), asyncio.Event()

    async def serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        self.asked.set()
        closed = [asyncio.ensure_future(one) for one in (reader.read(-1), self.may_close.wait())]
        await asyncio.wait(closed, return_when=asyncio.FIRST_COMPLETED)
        closed[1].cancel()
        self.asked.clear()
        writer.close()


def user(text: str) -> Any:
    return {"role": "user", "content": text}


async def test_who_is_cancelled_is_answered_while_the_write_goes_on() -> None:
    """And what then goes wrong in the background is nobody's unread exception."""
    told: list[object] = []
    asyncio.get_running_loop().set_exception_handler(lambda _, context: told.append(context))
    silent = Silent()
    server = await asyncio.start_server(silent.serve, "127.0.0.1", 0)
    url = f"http://127.0.0.1:{server.sockets[0].getsockname()[1]}"
    once = AsyncClient(url, "token", timeout=10, retries=Retries(attempts=1))
    async with server:
        for act in WRITES:
            session = ChatSession("x", once)
            writing = asyncio.ensure_future(act(session))
            await silent.asked.wait()
            writing.cancel()
            with pytest.raises(asyncio.CancelledError):
                await writing
            assert silent.asked.is_set()
            silent.may_close.set()
            with pytest.raises(AgentsException):
                await session.get_items()
            silent.may_close.clear()
    gc.collect()
    assert not told


async def test_writes_that_were_left_behind_keep_their_order(session: ChatSession) -> None:
    for number in range(20):
        adding = asyncio.ensure_future(session.add_items([user(str(number))]))
        for _ in range(number * 5):
            await asyncio.sleep(0)
        adding.cancel()
        await asyncio.wait([adding])
    await session.add_items([user("20")])
    stored: list[Any] = await session.get_items()
    numbers = [int(one["content"]) for one in stored]
    assert numbers == sorted(set(numbers))
    assert numbers[-1] == 20


async def test_messages_of_other_clients_are_text(
    client: AsyncClient, session: ChatSession
) -> None:
    record = {"role": "system", "content": "", "format": "x.record/1", "body": {"a": 1}}
    others: list[Any] = [
        {"role": "user", "content": "from a phone", "name": "Ann"},
        {"role": "tool", "content": "18 degrees"},
        {"role": "assistant", "content": "well", "format": "x.message/1", "body": {"parts": []}},
        record,
    ]
    await client.append(external(session.session_id), others, create=True)
    await session.add_items([user("\ud800\0")])
    await client.append(external(session.session_id), [record])  # type: ignore[list-item]
    well = {"role": "assistant", "content": "well"}
    assert await session.get_items() == [user("from a phone"), well, user("\ud800\0")]
    assert await session.get_items(2) == [well, user("\ud800\0")]
    popped = [await session.pop_item() for _ in range(4)]
    assert popped == [user("\ud800\0"), well, user("from a phone"), None]


async def test_each_is_popped_once(session: ChatSession) -> None:
    await session.add_items([user(str(number)) for number in range(10)])
    popped: list[Any] = await asyncio.gather(*(session.pop_item() for _ in range(15)))
    taken = [one["content"] for one in popped if one]
    assert sorted(taken) == [str(number) for number in range(10)]


@pytest.mark.parametrize("wrong", ["", " x ", "x" * 300, "a\nb"])
async def test_what_is_no_id_is_told(client: AsyncClient, wrong: str) -> None:
    with pytest.raises(UserError, match="external_id"):
        await ChatSession(wrong, client).add_items([user("hi")])


async def test_what_json_cannot_hold_is_text(session: ChatSession) -> None:
    odd: Any = {**user("hi"), "score": math.nan, "of": {(1, 2): {3}, "what": object}}
    await session.add_items([odd])
    plain = {"score": "NaN", "of": {"(1, 2)": [3], "what": "<class 'object'>"}}
    assert await session.get_items() == [{**user("hi"), **plain}]


@pytest.mark.parametrize("limit", [None, 0, 1, 2, 5, -1])
async def test_limits_are_those_of_their_own_session(session: ChatSession, limit: int) -> None:
    theirs = SQLiteSession("x")
    found = []
    for one in (session, theirs):
        await one.add_items([user("a"), user("b"), user("c")])
        found.append(await one.get_items(limit))
    assert found[0] == found[1]


@pytest.mark.parametrize("item", [user("x" * 300_000), 5, None, [user("x")]])
async def test_what_cannot_be_stored_is_the_users_error(session: ChatSession, item: Any) -> None:
    with pytest.raises(UserError):
        await session.add_items([item])


async def test_refusals_are_the_users_errors_and_failures_are_not(service: Service) -> None:
    with pytest.raises(UserError):
        await ChatSession("x", AsyncClient(service.url, "no")).get_items()
    away = AsyncClient("http://127.0.0.1:9", "no", retries=Retries(attempts=1))
    with pytest.raises(AgentsException) as failure:
        await ChatSession("x", away).get_items()
    assert not isinstance(failure.value, UserError)
