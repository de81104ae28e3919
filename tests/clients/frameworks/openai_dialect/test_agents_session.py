"""`OpenAIConversationsSession` of OpenAI's Agents SDK against the dialect, with a model that needs
no network."""

import asyncio
from collections.abc import AsyncIterator, Callable
from typing import Any

from agents import Agent, Runner, Usage, function_tool, set_tracing_disabled
from agents.items import ModelResponse
from agents.memory import OpenAIConversationsSession
from agents.models.interface import Model
from openai import AsyncOpenAI
from openai.types.responses import (
    ResponseFunctionToolCall,
    ResponseOutputMessage,
    ResponseOutputText,
)

from tests.clients.frameworks.openai_dialect.conftest import Dialect, through
from tests.clients.losing_proxy import LosingProxy

set_tracing_disabled(True)


WHILE_IT_RUNS: list[Callable[[], None]] = []
"""What happens while the tool runs: what was said before is stored, what comes of it is not."""


def look_up(place: str) -> str:
    for happens in WHILE_IT_RUNS:
        happens()
    return f"Sunny in {place}"


class Parrot(Model):  # type: ignore[misc]  # it is of another environment
    """It asks for the tool once, then says what it was told and how much it was given."""

    async def get_response(self, *_: Any, **asked_for: Any) -> ModelResponse:
        given = asked_for["input"]
        asked = [item["content"] for item in given if item.get("role") == "user"]
        last = asked[-1] if isinstance(asked[-1], str) else asked[-1][0]["text"]
        if "function_call" in str(given[-1].get("type")):
            output: Any = ResponseOutputMessage(
                id="msg_fake",
                type="message",
                role="assistant",
                status="completed",
                content=[
                    ResponseOutputText(
                        type="output_text", text=f"{last}, {len(asked)}", annotations=[]
                    )
                ],
            )
        else:
            output = ResponseFunctionToolCall(
                id="fc_fake",
                type="function_call",
                call_id=f"call_{last}",
                name="look_up",
                arguments='{"place": "Rome"}',
            )
        return ModelResponse(output=[output], usage=Usage(), response_id=None)

    async def stream_response(self, *_: Any, **__: Any) -> AsyncIterator[Any]:
        raise AssertionError("no test asks for a stream")
        yield


AGENT = Agent("Parrot", model=Parrot(), tools=[function_tool(look_up)])
A_TURN = ["message", "function_call", "function_call_output", "message"]


async def said(session: OpenAIConversationsSession) -> list[str]:
    items: list[Any] = await session.get_items()
    assert [item["type"] for item in items] == A_TURN * (len(items) // 4)
    return [item["content"][0]["text"] for item in items if item["type"] == "message"]


def client_of(dialect: Dialect) -> AsyncOpenAI:
    return AsyncOpenAI(base_url=dialect.base_url, api_key=dialect.token("alice"))


async def test_a_conversation_outlives_a_restart_between_turns(dialect: Dialect) -> None:
    """And one in which the same is said once more."""
    session = OpenAIConversationsSession(openai_client=client_of(dialect))
    first = await Runner.run(AGENT, "Hello", session=session)
    assert first.final_output == "Hello, 1"
    dialect.restart()
    again = OpenAIConversationsSession(
        conversation_id=session.session_id, openai_client=client_of(dialect)
    )
    second = await Runner.run(AGENT, "Hello", session=again)
    assert second.final_output == "Hello, 2"
    assert await said(again) == ["Hello", "Hello, 1", "Hello", "Hello, 2"]
    taken: Any = await again.pop_item()
    assert taken["content"][0]["text"] == "Hello, 2"
    assert len(await again.get_items(limit=2)) == 2
    await again.clear_session()


async def test_a_restart_within_a_turn_loses_nothing(dialect: Dialect) -> None:
    """The client goes on trying until the service is back."""
    session = OpenAIConversationsSession(
        openai_client=client_of(dialect).with_options(max_retries=10)
    )
    await Runner.run(AGENT, "one", session=session)
    dialect.kill()
    turn = asyncio.create_task(Runner.run(AGENT, "two", session=session))
    await asyncio.sleep(0)
    await asyncio.to_thread(dialect.start)
    await turn
    assert await said(session) == ["one", "one, 1", "two", "two, 2"]


async def test_lost_answers_lose_and_double_nothing(dialect: Dialect, proxy: LosingProxy) -> None:
    session = OpenAIConversationsSession(openai_client=through(proxy, dialect))
    lost: list[str] = []

    def lose_next() -> None:
        lost.extend(proxy.lost)
        proxy.lose("POST")

    WHILE_IT_RUNS.append(lose_next)
    try:
        for turn in ("one", "two", "two"):
            lose_next()
            await Runner.run(AGENT, turn, session=session)
    finally:
        WHILE_IT_RUNS.clear()
    assert len(lost) + len(proxy.lost) >= 6
    assert await said(session) == ["one", "one, 1", "two", "two, 2", "two", "two, 3"]


async def test_two_writers_keep_all_of_both(dialect: Dialect) -> None:
    first = OpenAIConversationsSession(openai_client=client_of(dialect))
    await first.add_items([])
    await first.get_items()
    second = OpenAIConversationsSession(
        conversation_id=first.session_id, openai_client=client_of(dialect)
    )
    batches = [[{"role": "user", "content": f"{who}{n}"} for n in range(25)] for who in "ab"]
    await asyncio.gather(first.add_items(batches[0]), second.add_items(batches[1]))
    items: list[Any] = await first.get_items()
    texts = [item["content"][0]["text"] for item in items]
    for who in "ab":
        assert [text for text in texts if text[0] == who] == [f"{who}{n}" for n in range(25)]
