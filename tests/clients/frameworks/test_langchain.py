"""LangChain's middleware and history store each message once, and none that somebody removed."""

import json
import math
from collections.abc import Callable
from datetime import UTC, datetime
from time import process_time
from typing import Any
from uuid import uuid4

import pytest
from chat_sessions_client import Client, external
from chat_sessions_client.langchain import (
    ChatSessionException,
    ChatSessionHistory,
    ChatSessionMiddleware,
)
from langchain.agents import create_agent
from langchain.agents.middleware import AgentMiddleware, SummarizationMiddleware
from langchain.tools import tool
from langchain_core.language_models.fake_chat_models import (
    FakeMessagesListChatModel,
    GenericFakeChatModel,
)
from langchain_core.messages import (
    AIMessage,
    AIMessageChunk,
    BaseMessage,
    ChatMessage,
    FunctionMessage,
    HumanMessage,
    HumanMessageChunk,
    SystemMessage,
    ToolMessage,
)
from langchain_core.runnables.history import RunnableWithMessageHistory
from langgraph.checkpoint.memory import InMemorySaver

from tests.clients.frameworks.service import Service

Ask = Callable[..., Any]


@pytest.fixture
def client(service: Service) -> Client:
    return Client(service.url, service.token("langchain"))


@pytest.fixture
def name() -> str:
    return str(uuid4())


def answers() -> GenericFakeChatModel:
    return GenericFakeChatModel(messages=iter(AIMessage(f"A{number}") for number in range(9)))


def asking(client: Client, name: str, model: Any = None, **options: Any) -> Ask:
    middleware = [ChatSessionMiddleware(client, name)]
    agent = create_agent(model or answers(), tools=[], middleware=middleware, **options)
    config: Any = {"configurable": {"thread_id": "a checkpointer's"}}
    return lambda asked: agent.invoke({"messages": [asked]}, config)


def shown(client: Client, name: str) -> list[tuple[str, str]]:
    return [(one["role"], one["content"]) for one in client.messages(external(name))]


def texts(client: Client, name: str) -> list[str]:
    return [text for _, text in shown(client, name)]


def test_messages_without_ids_are_stored_once(client: Client, name: str) -> None:
    history = ChatSessionHistory(name, client)
    history.add_user_message("hi")
    history.add_ai_message("hello")
    with_history = RunnableWithMessageHistory(
        answers(), lambda session_id: ChatSessionHistory(session_id, client)
    )
    with_history.invoke([HumanMessage("q0")], {"configurable": {"session_id": name}})
    ask = asking(client, name)
    for asked in ("q1", "q2"):
        ask(HumanMessage(asked))
    assert texts(client, name) == ["hi", "hello", "q0", "A0", "q1", "A0", "q2", "A1"]
    history.add_messages(history.messages)
    assert len(texts(client, name)) == 8


def test_what_somebody_removed_stays_so_with_a_checkpointer(client: Client, name: str) -> None:
    ask = asking(client, name, checkpointer=InMemorySaver())
    for asked in ("secret", "q1"):
        ask(HumanMessage(asked))
    client.delete_message(external(name), 1)
    state = ask(HumanMessage("q2"))
    assert [one.text for one in state["messages"]] == ["A0", "q1", "A1", "q2", "A2"]
    assert texts(client, name) == ["A0", "q1", "A1", "q2", "A2"]
    client.clear_messages(external(name))
    ask(HumanMessage("q3"))
    assert texts(client, name) == ["q3", "A3"]


async def test_a_model_that_repeats_an_id_loses_no_answer(client: Client, name: str) -> None:
    said: list[BaseMessage] = [AIMessage(text, id="same") for text in ("one", "two", "three")]
    model = FakeMessagesListChatModel(responses=said)
    ask = asking(client, name, model)
    ask(HumanMessage("q0"))
    ask(HumanMessage("q1"))
    middleware = [ChatSessionMiddleware(client, name)]
    agent = create_agent(model, tools=[], middleware=middleware)
    await agent.ainvoke({"messages": [HumanMessage("q2")]})
    assert texts(client, name) == ["q0", "one", "q1", "two", "q2", "three"]


def test_each_kind_has_its_role_and_comes_back(client: Client, name: str) -> None:
    kinds = [
        ("user", HumanMessage("a \ud800\0")),
        ("user", HumanMessageChunk("a")),
        ("user", ChatMessage("a", role="user")),
        ("developer", ChatMessage("a", role="developer")),
        ("assistant", ChatMessage("a", role="critic")),
        ("assistant", AIMessageChunk("a")),
        ("system", SystemMessage("a")),
        ("tool", ToolMessage("a", tool_call_id="1")),
        ("tool", FunctionMessage("a", name="f")),
    ]
    history = ChatSessionHistory(name, client)
    history.add_messages([message for _, message in kinds])
    assert [role for role, _ in shown(client, name)] == [role for role, _ in kinds]
    assert [(type(one), one.content) for one in history.messages] == [
        (type(one), one.content) for _, one in kinds
    ]


class Silent:
    def __str__(self) -> str:
        raise RuntimeError


ODD: list[tuple[Any, Any]] = [
    ({7}, [7]),
    (
        {"score": math.nan, "to": [math.inf, -math.inf]},
        {"score": "NaN", "to": ["Infinity", "-Infinity"]},
    ),
    ({(1, 2): 3, None: 4, True: 5, 1.5: 6}, {"(1, 2)": 3, "null": 4, "true": 5, "1.5": 6}),
    (datetime(2026, 1, 2, tzinfo=UTC), "2026-01-02T00:00:00Z"),
    (b"\xff", "_w=="),
    (object, "<class 'object'>"),
    ([Silent(), ValueError("no")], ["<Silent>", "no"]),
    (10**30, 10**30),
]


def test_what_json_cannot_hold_costs_no_message(client: Client, name: str) -> None:
    history = ChatSessionHistory(name, client)
    for value, _ in ODD:
        message = ToolMessage("r", tool_call_id="1", artifact=value)
        history.add_messages([message, AIMessage("a", additional_kwargs={"x": value})])
    found: list[Any] = history.messages
    assert [message.artifact for message in found[::2]] == [stored for _, stored in ODD]
    assert [message.additional_kwargs["x"] for message in found[1::2]] == [x for _, x in ODD]
    within_itself: list[Any] = []
    within_itself.append({"again": within_itself})
    history.add_messages([ToolMessage("r", tool_call_id="1", artifact=within_itself)])
    assert "'again': '...'" in str(history.messages[-1])


PARTS: list[Any] = [
    *("text", {"type": "text", "text": "é"}, {"type": "x", "y": 1}),
    *({"text": "x"}, {"cachePoint": {"type": "default"}}),
]
ODD_PARTS: list[Any] = [
    *({"name": "Avenida", "price": 90}, {"text": "é", "cachePoint": {}}, {"json": [1]}, {}),
    *({"a": 1}, {"type": 5}),
]


def test_an_odd_part_costs_no_message(client: Client, name: str) -> None:
    """It is text to the model, and what is beside it stays as it is."""
    call: Any = {"name": "f", "args": {}, "id": "c", "type": "tool_call"}
    parts = PARTS + ODD_PARTS
    history = ChatSessionHistory(name, client)
    history.add_messages(
        [ToolMessage(parts, tool_call_id="c"), AIMessage(parts, tool_calls=[call])]
    )
    body = {"type": "human", "data": {"content": [5]}}
    others: Any = {"role": "user", "content": "odd", "format": "langchain.message/1", "body": body}
    client.append(external(name), [others])
    told, asked, foreign = history.messages
    as_text = [{"type": "text", "text": json.dumps(o, ensure_ascii=False)} for o in ODD_PARTS]
    assert told.content == asked.content == PARTS + as_text
    assert isinstance(told, ToolMessage)
    assert isinstance(asked, AIMessage)
    assert (told.tool_call_id, asked.tool_calls) == ("c", [call])
    assert foreign.content == [{"type": "text", "text": "5"}]


def test_what_is_nested_too_deep_is_told(client: Client, name: str) -> None:
    deep: list[Any] = []
    for _ in range(2000):
        deep = [deep]
    with pytest.raises(ChatSessionException):
        ChatSessionHistory(name, client).add_messages(
            [AIMessage("a", additional_kwargs={"x": deep})]
        )


def summarizing() -> SummarizationMiddleware:
    return SummarizationMiddleware(
        model=GenericFakeChatModel(messages=iter(AIMessage("short") for _ in range(9))),
        trigger=("messages", 4),
        keep=("messages", 2),
    )


@pytest.mark.parametrize("checkpointer", [None, InMemorySaver()])
def test_summaries_are_not_stored(client: Client, name: str, checkpointer: Any) -> None:
    """And what they stand for is."""
    middleware: Any = [ChatSessionMiddleware(client, name), summarizing()]
    agent: Any = create_agent(answers(), tools=[], middleware=middleware, checkpointer=checkpointer)
    config: Any = {"configurable": {"thread_id": name}}
    for number in range(5):
        state = agent.invoke({"messages": [HumanMessage(f"q{number}")]}, config)
        texts_now = [one.text for one in state["messages"]]
        assert texts_now[-2:] == [f"q{number}", f"A{number}"]
    assert texts_now[0].endswith("short")
    assert texts(client, name) == [f"{who}{number}" for number in range(5) for who in "qA"]


def look() -> str:
    """Look."""
    return "seen"


class Calling(GenericFakeChatModel):
    def bind_tools(self, *_: Any, **__: Any) -> Any:
        return self


def test_what_a_summary_takes_the_place_of_in_a_run_is_stored(client: Client, name: str) -> None:
    calls = [
        AIMessage("", tool_calls=[{"name": "look", "args": {}, "id": str(n)}]) for n in range(4)
    ]
    model = Calling(messages=iter([*calls, AIMessage("done")]))
    middleware: Any = [ChatSessionMiddleware(client, name), summarizing()]
    agent: Any = create_agent(model, tools=[tool(look)], middleware=middleware)
    agent.invoke({"messages": [HumanMessage("q")]})
    asked = [("assistant", ""), ("tool", "seen")]
    assert shown(client, name) == [("user", "q"), *asked * 4, ("assistant", "done")]


class FailingOnce(Calling):
    calls: list[int]

    def _generate(self, *given: Any, **named: Any) -> Any:
        self.calls.append(1)
        if len(self.calls) == 4:
            raise ConnectionError
        return super()._generate(*given, **named)


@pytest.mark.parametrize("asked", [None, {"messages": [HumanMessage("again")]}], ids=str)
def test_what_a_failed_run_said_before_a_summary_is_stored_with_the_next(
    client: Client, name: str, asked: Any
) -> None:
    calls = [
        AIMessage("", tool_calls=[{"name": "look", "args": {}, "id": str(n)}]) for n in range(4)
    ]
    model = FailingOnce(messages=iter([*calls, AIMessage("done")]), calls=[])
    middleware: Any = [ChatSessionMiddleware(client, name), summarizing()]
    agent: Any = create_agent(
        model, tools=[tool(look)], middleware=middleware, checkpointer=InMemorySaver()
    )
    config: Any = {"configurable": {"thread_id": name}}
    with pytest.raises(ConnectionError):
        agent.invoke({"messages": [HumanMessage("q")]}, config)
    agent.invoke(asked, config)
    said = [text for text in texts(client, name) if text]
    assert said[:4] == ["q", "seen", "seen", "seen"]
    assert said[4:] == [*(["again"] if asked else []), "seen", "done"]


def test_a_long_conversation_does_not_slow_each_call_down() -> None:
    ids = [str(number) for number in range(20_000)]
    messages: list[Any] = [HumanMessage("q", id=one) for one in ids]
    state: Any = {"messages": messages, "chat_session_ids": ids}
    middleware = ChatSessionMiddleware(Client("http://127.0.0.1:9", "none"), "never asked")
    began = process_time()
    for _ in range(10):
        assert middleware.before_model(state, None) == {"chat_session_said": []}
    assert process_time() - began < 5


def test_what_another_middleware_answers_is_stored(client: Client, name: str) -> None:
    """By one that comes after ours, which then sees that an id is there already."""

    class Cache(AgentMiddleware[Any, Any, Any]):
        def wrap_model_call(self, request: Any, handler: Any) -> Any:  # noqa: ARG002
            return AIMessage("cached", id="same")

    middleware: Any = [ChatSessionMiddleware(client, name), Cache()]
    agent: Any = create_agent(answers(), tools=[], middleware=middleware)
    for asked in ("q0", "q1"):
        agent.invoke({"messages": [HumanMessage(asked)]})
    assert texts(client, name) == ["q0", "cached", "q1", "cached"]


NONE_OF_THEIRS: list[Any] = [
    {"type": "x"},
    {"type": "remove", "data": {"id": "__remove_all__", "content": ""}},
    {"type": "remove", "data": {"id": "1", "content": ""}},
    {"type": "human", "data": {"content": {}}},
]


def test_messages_of_other_clients_are_text(client: Client, name: str) -> None:
    others: list[Any] = [
        {"role": "user", "content": "from a phone", "name": "Ann"},
        {"role": "developer", "content": "be brief"},
        {"role": "tool", "content": "18 degrees"},
        {"role": "system", "content": "", "format": "x.record/1", "body": {"a": 1}},
        {"role": "assistant", "content": "well", "format": "x.message/1", "body": {"parts": []}},
    ]
    ours: Any = {"role": "user", "content": "odd", "format": "langchain.message/1"}
    others += [{**ours, "body": body} for body in NONE_OF_THEIRS]
    client.append(external(name), others, create=True)
    state = asking(client, name)(HumanMessage("q"))
    assert [(one.type, one.text, one.name) for one in state["messages"]] == [
        ("human", "from a phone", "Ann"),
        ("system", "be brief", None),
        ("ai", "well", None),
        *[("human", "odd", None)] * len(NONE_OF_THEIRS),
        ("human", "q", None),
        ("ai", "A0", None),
    ]
    assert texts(client, name)[-2:] == ["q", "A0"]
    assert len(texts(client, name)) == 7 + len(NONE_OF_THEIRS)


NO_IDS = [" x ", "x" * 300, "a\nb", "\ud800"]


@pytest.mark.parametrize("odd", NO_IDS)
def test_a_message_may_have_any_id(client: Client, name: str, odd: str) -> None:
    for _ in range(2):
        ChatSessionHistory(name, client).add_messages([HumanMessage("hi", id=odd)])
    (found,) = ChatSessionHistory(name, client).messages
    assert found.id == odd


@pytest.mark.parametrize("wrong", ["", *NO_IDS[:3]])
def test_what_is_no_id_is_told(client: Client, wrong: str) -> None:
    with pytest.raises(ChatSessionException, match="external_id"):
        ChatSessionHistory(wrong, client).add_user_message("hi")
