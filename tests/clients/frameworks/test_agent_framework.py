"""A history provider keeps what Agent Framework's own providers keep."""

import asyncio
import math
from collections.abc import Sequence
from pathlib import Path
from typing import Any
from uuid import uuid4

import pytest
from agent_framework import (
    Agent,
    BaseChatClient,
    ChatResponse,
    CompactionProvider,
    Content,
    FileHistoryProvider,
    HistoryProvider,
    InMemoryHistoryProvider,
    Message,
    SlidingWindowStrategy,
)
from agent_framework.exceptions import (
    AgentException,
    AgentInvalidAuthException,
    AgentInvalidRequestException,
)
from chat_sessions_client import AsyncClient, Retries, external
from chat_sessions_client.agent_framework import ChatHistoryProvider
from chat_sessions_client.agent_framework_messages import FORMAT

from tests.clients.frameworks.service import Service


@pytest.fixture
def client(service: Service) -> AsyncClient:
    return AsyncClient(service.url, service.token("af"))


@pytest.fixture
def provider(client: AsyncClient) -> ChatHistoryProvider:
    return ChatHistoryProvider(client)


def user(text: str, **more: Any) -> Message:
    return Message("user", [text], **more)


def reply(text: str, **more: Any) -> Message:
    return Message("assistant", [text], **more)


CALL = Message(
    "assistant", [Content.from_function_call("c1", "weather", arguments={"city": "\0", "n": 0.1})]
)
RESULT = Message("tool", [Content.from_function_result("c1", result="18 °C\ud800")])
TURN = [user("hi"), reply("hello")]
SAVES: dict[str, Sequence[Sequence[Message]]] = {
    "nothing": [[]],
    "turns": [TURN, [user("and you?"), reply("well")]],
    "a turn again": [TURN, TURN],
    "the whole so far": [TURN, [*TURN, user("more"), reply("no")]],
    "an overlap": [[*TURN, CALL, RESULT], [CALL, RESULT, reply("It is 18 °C", author_name="é\n")]],
    "a question again": [[user("hi")], [user("hi")], [user("hi"), reply("yes?")]],
    "ids": [[user("hi", message_id="1")], [user("hi", message_id="1"), reply("a", message_id="2")]],
    "other roles": [
        [Message("developer", ["be brief"]), Message("critic", ["no"]), Message("tool")]
    ],
    "properties": [[user("\0\ud800", additional_properties={"a": [None, {"b": 1.0}]})]],
    "many": [[user(str(n)) for n in range(250)], [user(str(n)) for n in range(100, 260)]],
}


async def kept(provider: HistoryProvider, saves: Sequence[Sequence[Message]]) -> list[Any]:
    state: dict[str, Any] = {}
    found = []
    name = str(uuid4())
    for messages in saves:
        await provider.save_messages(name, messages, state=state)
        read = await provider.get_messages(name, state=state)
        found.append([message.to_dict() for message in read])
    return found


@pytest.mark.parametrize("saves", SAVES)
async def test_the_same_calls_have_the_same_results(
    provider: ChatHistoryProvider, saves: str
) -> None:
    assert await kept(provider, SAVES[saves]) == await kept(InMemoryHistoryProvider(), SAVES[saves])


async def test_excluded_messages_can_be_skipped(client: AsyncClient, tmp_path: Path) -> None:
    saves = [[user("old", additional_properties={"_excluded": True}), user("new")]]
    ours = ChatHistoryProvider(client, skip_excluded=True)
    theirs = FileHistoryProvider(tmp_path, skip_excluded=True)
    assert await kept(ours, saves) == await kept(theirs, saves)


async def test_what_json_cannot_hold_is_text_and_known_again(provider: ChatHistoryProvider) -> None:
    within: list[Any] = []
    within.append(within)
    odd: Any = {"score": math.nan, (1, 2): {3}, "other": object, "within": within}
    plain = {"score": "NaN", "(1, 2)": [3], "other": "<class 'object'>", "within": ["..."]}
    result = Content.from_function_result("c1", result=odd)
    turn = [
        user("hi", additional_properties=odd),
        Message("tool", [result]),
        reply("so"),
    ]
    name = str(uuid4())
    for _ in range(2):
        await provider.save_messages(name, turn)
    first, *rest = await provider.get_messages(name)
    assert first.additional_properties == plain
    assert [one.role for one in rest] == ["tool", "assistant"]


async def test_a_compaction_before_a_run_is_of_what_is_loaded(
    provider: ChatHistoryProvider,
) -> None:
    given: list[int] = []

    class Counting(BaseChatClient[Any]):
        def _inner_get_response(self, *, messages: Any, **_: Any) -> Any:
            async def answer() -> ChatResponse:
                given.append(len(messages))
                return ChatResponse(messages=[reply("a", message_id=str(uuid4()))])

            return answer()

    strategy = SlidingWindowStrategy(keep_last_groups=2)
    compaction = CompactionProvider(before_strategy=strategy)
    agent: Any = Agent(client=Counting(), context_providers=[provider, compaction])
    session = agent.create_session(session_id=str(uuid4()))
    for number in range(5):
        await agent.run(f"q{number}", session=session)
    assert given[-1] == given[-2] < 5
    assert len(await provider.get_messages(session.session_id)) == 10


ODD: list[Any] = [
    {"a": 1},
    {"role": 5, "contents": []},
    *({"role": "user", "contents": contents} for contents in (5, [5])),
    {"role": "user", "contents": [{"type": "text", "text": 5}]},
]


async def test_what_others_have_stored_is_read_as_text(
    client: AsyncClient, provider: ChatHistoryProvider
) -> None:
    name = str(uuid4())
    others: list[Any] = [
        {"role": "user", "content": "from a phone", "name": "Ann"},
        {"role": "tool", "content": "18 degrees"},
        {"role": "system", "content": "", "format": "x.record/1", "body": {"a": 1}},
        *({"role": "user", "content": "odd", "format": FORMAT, "body": one} for one in ODD),
    ]
    await client.append(external(name), others, create=True)
    await provider.save_messages(name, [reply("welcome")])
    found = await provider.get_messages(name)
    assert [(one.role, one.text, one.author_name) for one in found] == [
        ("user", "from a phone", "Ann"),
        *[("user", "odd", None)] * len(ODD),
        ("assistant", "welcome", None),
    ]
    await client.change_session(external(name), {"title": "A chat"})
    await provider.save_messages(name, [user("thanks")])
    shown = [one["content"] async for one in client.messages(external(name), view="text")]
    assert shown == ["from a phone", "18 degrees", "", *["odd"] * len(ODD), "welcome", "thanks"]


async def test_what_several_save_at_once_is_stored_once(provider: ChatHistoryProvider) -> None:
    name = str(uuid4())
    await asyncio.gather(*(provider.save_messages(name, TURN) for _ in range(5)))
    more = [user("more", message_id="m")]
    await asyncio.gather(*(provider.save_messages(name, more) for _ in range(5)))
    assert [one.text for one in await provider.get_messages(name)] == ["hi", "hello", "more"]


async def test_errors_are_theirs(service: Service, provider: ChatHistoryProvider) -> None:
    for session_id, message in ((None, user("hi")), ("s", user("x" * 300_000))):
        with pytest.raises(AgentInvalidRequestException):
            await provider.save_messages(session_id, [message])
    with pytest.raises(AgentInvalidAuthException):
        await ChatHistoryProvider(AsyncClient(service.url, "no")).get_messages("s")
    away = AsyncClient("http://127.0.0.1:9", "no", retries=Retries(attempts=1))
    with pytest.raises(AgentException):
        await ChatHistoryProvider(away).get_messages("s")
