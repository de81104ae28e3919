"""The items of OpenAI's Conversations API: what is stored, what is given back, and their lists."""

import asyncio
from collections.abc import Awaitable
from time import thread_time
from typing import Any
from uuid import UUID

import pytest

from domain.errors import VersionMismatch
from domain.owner import Owner
from entrypoints.http.openai_dialect.conversation_writers import ConversationWriters
from tests.entrypoints.conftest import Api
from tests.entrypoints.dialect import (
    CONVERSATIONS,
    SAID,
    begun,
    found,
    refusal,
)


@pytest.fixture
def backend() -> str:
    """What is made of items is made before any storage: test_openai_dialect_api asks on each."""
    return "memory"


ALICE = Owner("https://issuer", "alice")
RETRY = {"x-stainless-retry-count": "1"}


def text(kind: str, said: str) -> dict[str, Any]:
    part = {"type": kind, "text": said}
    return {**part, "annotations": []} if kind == "output_text" else part


def said(words: str, role: str = "user") -> dict[str, Any]:
    return {"role": role, "content": words}


@pytest.fixture
def options() -> dict[str, Any]:
    return {"openai_dialect": True}


CALL = {"type": "function_call", "call_id": "c1", "name": "weather", "arguments": "{}"}
DONE = {"status": "completed"}

SHOWN = [
    (SAID, "msg", {"type": "message", **DONE, "content": [text("input_text", "Where to?")]}),
    (
        said("Rome.", "assistant"),
        "msg",
        {"type": "message", **DONE, "content": [text("output_text", "Rome.")]},
    ),
    (
        {
            "type": "message",
            "status": "incomplete",
            "phase": "commentary",
            "role": "assistant",
            "content": [
                {"type": "output_text", "text": "Ro"},
                {"type": "refusal", "refusal": "No"},
            ],
        },
        "msg",
        {"content": [text("output_text", "Ro"), {"type": "refusal", "refusal": "No"}]},
    ),
    (
        {"role": "user", "content": [{"type": "input_image", "image_url": "https://a/b"}]},
        "msg",
        {
            "type": "message",
            **DONE,
            "content": [{"type": "input_image", "image_url": "https://a/b", "detail": "auto"}],
        },
    ),
    (CALL, "fc", DONE),
    ({**CALL, "id": "__fake_id__"}, "fc", DONE),
    ({**CALL, "id": "FAKE_ID"}, "fc", DONE),
    ({"type": "function_call_output", "call_id": "c1", "output": "Sunny"}, "fco", DONE),
    ({"type": "function_call_output", "output": "", "status": None}, "fco", DONE),
    ({"type": "reasoning", "summary": [], "encrypted_content": "gAAA"}, "rs", {}),
    ({"type": "shell_call", "call_id": "c2", "action": {"commands": ["ls"]}}, "sh", DONE),
    ({"type": "mcp_call", "server_label": "s", "name": "n", "arguments": "{}"}, "mcp", {}),
]


@pytest.mark.parametrize(("item", "prefix", "added"), SHOWN)
async def test_an_item_comes_back_as_it_was_with_an_id_and_what_every_client_gets(
    api: Api, item: dict[str, Any], prefix: str, added: dict[str, Any]
) -> None:
    """And is a message of the session, whose body is what was given."""
    conversation = await begun(api)
    (made,) = await conversation.add(item)
    assert made == {**item, **added, "id": made["id"]}
    assert made["id"].startswith(f"{prefix}_{conversation.id[5:]}")
    one = await api.ask("GET", f"{conversation.path}/items/{made['id']}?include[]=x&include[]=y")
    assert one.json() == made
    (session,) = (await api.ask("GET", "/sessions")).json()["items"]
    (native,) = (await api.ask("GET", f"/sessions/{session['id']}/messages")).json()["items"]
    assert (native["body"], native["format"]) == (item, "openai.response-item")
    assert native["external_id"] is None


NATIVE = [
    ({"role": "user", "content": "Hi"}, {"role": "user", "content": [text("input_text", "Hi")]}),
    (
        {"role": "assistant", "content": "Hello"},
        {"role": "assistant", "content": [text("output_text", "Hello")]},
    ),
    ({"role": "tool", "content": ""}, {"role": "tool", "content": [text("input_text", "")]}),
    (
        {"role": "user", "body": {"role": "user", "content": "Hi", "x": 1}, "format": "a"},
        {"role": "user", "content": [text("input_text", "Hi")], "x": 1},
    ),
    (
        {"role": "user", "body": {"type": "human", "data": {"content": "Hi"}}},
        {"role": "user", "content": [text("input_text", "Hi")]},
    ),
    (
        {"role": "assistant", "body": {"type": "function_call", "name": "f"}, "content": "f"},
        {"role": "assistant", "content": [text("output_text", "f")]},
    ),
    (
        {"role": "user", "body": {"role": "user", "parts": [{"type": "text", "text": "Hi"}]}},
        {"role": "user", "content": [text("input_text", "Hi")]},
    ),
    (
        {"role": "user", "body": {"role": "user", "content": [{"type": "tool_use"}]}},
        {"role": "user", "content": [text("input_text", "")]},
    ),
    (
        {"role": "user", "body": {"role": "user", "content": ["Hi"]}, "content": "Hi"},
        {"role": "user", "content": [text("input_text", "Hi")]},
    ),
    (
        {"role": "user", "body": {"role": "user", "content": [{"type": "text", "text": None}]}},
        {"role": "user", "content": [text("input_text", "")]},
    ),
    (
        {"role": "assistant", "body": {"role": "bot", "content": "Hi"}},
        {"role": "assistant", "content": [text("output_text", "Hi")]},
    ),
    (
        {"role": "assistant", "body": {"type": 7, "role": "user", "content": None}},
        {"role": "assistant", "content": [text("output_text", "")]},
    ),
]


@pytest.mark.parametrize(("message", "shown"), NATIVE)
async def test_a_message_of_the_services_own_api_is_an_item(
    api: Api, message: dict[str, Any], shown: dict[str, Any]
) -> None:
    """As it stands where its body is one, else as a message that says its text."""
    session = await api.create(external_id="conv_1", messages=[message])
    (item,) = found(await api.ask("GET", f"{CONVERSATIONS}/conv_1/items"))
    made = f"msg_{session['id'].replace('-', '')}00000001"
    assert item == {"id": made, "type": "message", "status": "completed", **shown}


EXACT = (
    rb'{"items":[{"type":"function_call","name":"f","call_id":"c","arguments":"{}","n":1.50e300,'
    rb'"deep":{"\ud83d":["\u0000",0.12345678901234567890123]}},{"role":"user","content":[{"type":"input_text",'
    rb'"text":"half \ud83d"}],"\udc00":0.10}]}'
)


async def test_what_json_can_say_comes_back_to_the_digit(api: Api) -> None:
    """Numbers that no double holds, NUL, and lone surrogates in names and in texts."""
    conversation = await begun(api)
    made = await api.send(f"{conversation.path}/items", EXACT)
    listed = await api.ask("GET", f"{conversation.path}/items?order=asc")
    for answer in (made, listed):
        assert answer.status_code == 200, answer.text
        for exact in (
            b"1.50e300",
            rb'{"\ud83d":["\u0000",0.12345678901234567890123]}',
            rb"half \ud83d",
            rb'"\udc00":0.10',
        ):
            assert exact in answer.content


@pytest.mark.parametrize("order", ["asc", "desc"])
async def test_a_list_is_walked_by_the_last_id(api: Api, order: str) -> None:
    """The newest first unless asked otherwise, also past what is removed meanwhile."""
    conversation = await begun(api, *[said(str(number)) for number in range(20)])
    await conversation.add(
        *[{**said(str(number)), "id": f"msg_{number}"} for number in range(20, 25)]
    )
    texts: list[str] = []
    page: dict[str, Any] = {"has_more": True, "last_id": None}
    while page["has_more"]:
        after = {"after": page["last_id"]} if page["last_id"] else {}
        page = await conversation.items(order=order, limit=7, **after)
        assert (page["object"], len(page["data"])) == ("list", 7 if page["has_more"] else 4)
        assert page["first_id"] == page["data"][0]["id"]
        assert page["last_id"] == page["data"][-1]["id"]
        texts += [item["content"][0]["text"] for item in page["data"]]
        if not page["last_id"].startswith("msg_2"):
            await api.ask("DELETE", f"{conversation.path}/items/{page['last_id']}")
    expected = [str(number) for number in range(25)]
    assert texts == (expected if order == "asc" else expected[::-1])
    first = await conversation.items()
    assert len(first["data"]) == 20
    assert await conversation.items(limit=0) == first


@pytest.mark.parametrize("order", ["asc", "desc"])
async def test_a_walk_goes_on_from_an_item_of_ones_own_that_is_removed(
    api: Api, order: str
) -> None:
    numbers = [str(number) for number in range(9)]
    conversation = await begun(api, *[{**said(number), "id": f"own{number}"} for number in numbers])
    page = await conversation.items(order=order, limit=4)
    await api.ask("DELETE", f"{conversation.path}/items/{page['last_id']}")
    rest = await conversation.items(order=order, after=page["last_id"])
    texts = [item["content"][0]["text"] for item in page["data"] + rest["data"]]
    assert texts == (numbers if order == "asc" else numbers[::-1])
    unknown = await api.ask("GET", f"{conversation.path}/items", params={"after": "own9"})
    refusal(unknown, 404)


async def test_a_list_of_nothing_has_no_ids(api: Api) -> None:
    conversation = await begun(api)
    assert await conversation.items() == {
        "object": "list",
        "data": [],
        "first_id": None,
        "last_id": None,
        "has_more": False,
    }


async def test_an_id_that_a_client_gives_stays_the_items_own(api: Api) -> None:
    session = await api.create(external_id="conv_1")
    conversation = await begun(api, {**SAID, "id": "msg_abc"}, {**CALL, "id": None})
    (given, made) = (await conversation.items(order="asc"))["data"]
    assert given["id"] == "msg_abc"
    assert made["id"].startswith("fc_")
    for taken in ("msg_abc", made["id"]):
        again = {"items": [said("Again"), {**SAID, "id": taken}]}
        error = refusal(await api.ask("POST", f"{conversation.path}/items", json=again), 400)
        assert error["param"] == "items[1].id"
    other = f"{CONVERSATIONS}/conv_1/items"
    assert found(await api.ask("POST", other, json={"items": [{**SAID, "id": made["id"]}]}))
    assert (await api.ask("GET", f"{other}/{made['id']}")).json()["content"] == given["content"]
    after = (await api.ask("GET", other, params={"after": made["id"], "order": "asc"})).json()
    assert after["data"] == []
    elsewhere = f"msg_{conversation.id[5:]}00000001"
    refusal(await api.ask("GET", other, params={"after": elsewhere}), 404)
    native = (await api.ask("GET", f"/sessions/{session['id']}/messages")).json()["items"]
    assert [message["external_id"] for message in native] == [made["id"]]


async def test_a_removed_item_is_gone_and_the_conversation_is_told(api: Api) -> None:
    conversation = await begun(api, said("a"), said("b"), metadata={"topic": "demo"})
    (last, _) = (await conversation.items())["data"]
    path = f"{conversation.path}/items/{last['id']}"
    told = await api.ask("DELETE", path)
    assert told.json() == (await api.ask("GET", conversation.path)).json()
    assert told.json()["metadata"] == {"topic": "demo"}
    assert await conversation.texts() == ["a"]
    assert refusal(await api.ask("DELETE", path), 404)["code"] == "item_not_found"
    assert (await api.ask("DELETE", path, headers=RETRY)).json() == told.json()


async def test_a_request_under_a_key_is_carried_out_once(api: Api) -> None:
    key = {"Idempotency-Key": "k1"}
    conversation = await begun(api)
    first = await conversation.add(SAID, CALL, headers=key)
    assert await conversation.add(SAID, CALL, headers={**key, **RETRY}) == first
    assert len((await conversation.items())["data"]) == 2
    other = await api.ask("POST", f"{conversation.path}/items", json={"items": [SAID]}, headers=key)
    assert refusal(other, 400)["param"] == "Idempotency-Key"
    made = [await api.ask("POST", CONVERSATIONS, json={}, headers=key) for _ in range(2)]
    assert made[0].json() == made[1].json()
    assert made[1].headers["idempotent-replayed"] == "true"


async def test_a_retry_without_a_key_stores_what_is_not_there(api: Api) -> None:
    """Their clients send none. Once the conversation has gone on, the same is said once more."""
    conversation = await begun(api, said("Hi"))
    first = await conversation.add(said("yes"), CALL)
    assert await conversation.add(said("yes"), CALL, headers=RETRY) == first
    await asyncio.gather(*[conversation.add(said("lost"), headers=RETRY) for _ in range(4)])
    await conversation.add(said("by another"))
    await conversation.add(said("lost"), headers=RETRY)
    await conversation.add(said("Fine.", "assistant"))
    await conversation.add(said("lost"), headers=RETRY)
    texts = [item["content"][0]["text"] for item in (await conversation.items())["data"][:4]]
    assert texts == ["lost", "Fine.", "by another", "lost"]
    api.clock.move(16 * 60)
    await conversation.add(said("lost"), headers=RETRY)
    await conversation.add(said("lost"))
    assert len((await conversation.items())["data"]) == 9


async def test_a_retry_of_items_with_an_id_is_known_by_it_however_late(api: Api) -> None:
    """After an answer, an edit of it and a hundred other messages: it is that very item. Where one
    is gone, or edited without an id, nobody can tell whether it was what is asked for now."""
    conversation = await begun(api, said("Hi"))
    asked = (said("a"), said("nameless"), {**said("b"), "id": "b"}, said("c"))
    first = await conversation.add(*asked)
    await conversation.add({**said("Fine.", "assistant"), "id": "answer"})
    assert await conversation.add(*asked, headers=RETRY) == first
    for words in ("other", "b"):
        other = {"items": [{**said(words), "id": "b"}, *asked[3:]]}
        path = f"{conversation.path}/items"
        answer = await api.ask("POST", path, json=other, headers=RETRY)
        if words == "other":
            assert refusal(answer, 400)["param"] == "items[0].id"
        else:
            assert found(answer) == first[2:]
    (session,) = (await api.ask("GET", "/sessions")).json()["items"]
    native = f"/sessions/{session['id']}/messages"
    for _ in range(6):
        await conversation.add(*map(said, "0123456789abcdefghij"))
    edited = {"role": "user", "content": "edited"}
    await api.ask("PUT", f"{native}/4", json=edited)
    again = await conversation.add(*asked, headers=RETRY)
    assert [item["content"][0]["text"] for item in again] == ["a", "nameless", "edited", "c"]
    for method, body in (("PUT", edited), ("DELETE", None)):
        await api.ask(method, f"{native}/3", json=body)
        for second in ("nameless", "NEW"):
            other = {"items": [asked[0], said(second), *asked[2:]]}
            answer = await api.ask("POST", path, json=other, headers=RETRY)
            assert refusal(answer, 400)["param"] == "items[2].id"
    count = (await api.ask("GET", f"/sessions/{session['id']}")).json()["message_count"]
    assert count == 125


@pytest.mark.parametrize("new", [said("NEW"), {**said("NEW"), "id": "n"}])
async def test_a_retry_is_never_answered_with_less_than_was_stored(
    api: Api, new: dict[str, Any]
) -> None:
    """Where one of its ids was taken long before, by itself or beside what others have said."""
    conversation = await begun(api, {**said("x"), "id": "m1"})
    path = f"{conversation.path}/items"
    asked = {"items": [{**said("x"), "id": "m1"}, new]}
    assert refusal(await api.ask("POST", path, json=asked, headers=RETRY), 400)
    api.clock.move(1)
    (other,) = await conversation.add(said("another's"))
    (session,) = (await api.ask("GET", "/sessions")).json()["items"]
    edited = {"role": "user", "content": "edited"}
    await api.ask("PUT", f"/sessions/{session['id']}/messages/2", json=edited)
    assert refusal(await api.ask("POST", path, json=asked, headers=RETRY), 400)
    await api.ask("DELETE", f"{path}/{other['id']}")
    await conversation.add(said("last"))
    assert refusal(await api.ask("POST", path, json=asked, headers=RETRY), 400)
    assert await conversation.texts() == ["x", "last"]
    await conversation.add(said("a"))
    api.clock.move(1)
    await conversation.add(said("b"))
    await conversation.add(said("a"), said("b"), headers=RETRY)
    assert await conversation.texts() == ["x", "last", "a", "b", "a", "b"]


async def test_a_retry_finds_its_items_behind_many_others(api: Api) -> None:
    conversation = await begun(api)
    first = await conversation.add(said("yes"), said("no"))
    for _ in range(8):
        await conversation.add(*map(said, "0123456789abcdefghij"))
    assert await conversation.add(said("yes"), said("no"), headers=RETRY) == first


async def test_a_call_whose_id_is_used_again_is_another_once_it_was_answered(api: Api) -> None:
    """Models without ids of their own count calls anew in each turn."""
    conversation = await begun(api)
    output = {"type": "function_call_output", "call_id": "c1", "output": "Sunny"}
    for turn in range(2):
        for items in ([said("Weather?")], [CALL, output], [said("Fine.", "assistant")]):
            await conversation.add(*items, headers=RETRY)
            await conversation.add(*items, headers=RETRY)
        assert len((await conversation.items())["data"]) == 4 * (turn + 1)


@pytest.mark.parametrize("backend", ["sqlite"])
async def test_a_retry_among_large_items_holds_nobody_up(api: Api) -> None:
    """It costs less than a list of them, and lets others go on in between."""
    conversation = await begun(api)
    for _ in range(3):
        await conversation.add(*(said(letter * 250_000) for letter in "abcdefghijkl"))

    async def longest_step(doing: Awaitable[object]) -> float:
        task = asyncio.ensure_future(doing)
        longest, now = 0.0, thread_time()
        while not task.done():
            await asyncio.sleep(0)
            longest, now = max(longest, thread_time() - now), thread_time()
        await task
        return longest

    listing = await longest_step(conversation.items(limit=100))
    assert await longest_step(conversation.add(said("yes"), headers=RETRY)) < listing / 2
    assert len((await conversation.items(limit=1))["data"][0]["content"][0]["text"]) == len("yes")


async def test_a_retry_of_more_than_a_page_holds_is_found(api: Api) -> None:
    conversation = await begun(api)
    asked = [said(letter * 250_000) for letter in "abcdefghijklmnopqrs"]
    for more in ({}, {"id": "own"}):
        items = [*asked, {**said("last"), **more}]
        first = await conversation.add(*items)
        assert await conversation.add(*items, headers=RETRY) == first


async def test_nobody_is_refused_because_others_write(api: Api) -> None:
    """Updates and retries go through while the conversation changes, and who goes away lets the
    next one in."""
    conversation = await begun(api)

    async def write(number: int) -> None:
        headers = RETRY if number % 3 == 0 else {}
        await conversation.add(said(str(number)), headers=headers)
        if number % 3 == 1:
            changed = {"metadata": {str(number): "v"}}
            assert (await api.ask("POST", conversation.path, json=changed)).status_code == 200

    writes = asyncio.gather(*map(write, range(30)))
    left = [asyncio.ensure_future(write(number)) for number in (0, 1, 2)]
    await asyncio.sleep(0.01)
    for one in left:
        one.cancel()
    await asyncio.gather(*left, return_exceptions=True)
    await writes
    assert {*map(str, range(30))} == {*await conversation.texts()}
    assert len((await api.ask("GET", conversation.path)).json()["metadata"]) == 1


async def test_writers_in_one_process_try_once_and_leave_nothing_behind() -> None:
    """Those that need a conversation as it was read go one by one, the others beside each other."""
    writers, version, tries, together = ConversationWriters(), 0, 0, [0]

    async def attempt() -> None:
        nonlocal version, tries
        tries, read = tries + 1, version
        assert together[-1] == 0
        await asyncio.sleep(0)
        if version != read:
            raise VersionMismatch
        version = read + 1

    async def write() -> None:
        nonlocal version
        async with writers.turn(ALICE, UUID(int=1)):
            together.append(together[-1] + 1)
            version += 1
            try:
                await asyncio.sleep(0)
            finally:
                together.append(together[-1] - 1)

    kinds = (write, write, lambda: writers.alone(ALICE, UUID(int=1), attempt))
    tasks = [asyncio.ensure_future(kind()) for _ in range(10) for kind in kinds]
    await asyncio.sleep(0)
    for gone in tasks[::7]:
        gone.cancel()
    ended = await asyncio.gather(*tasks, return_exceptions=True)
    assert {type(one) for one in ended} == {type(None), asyncio.CancelledError}
    assert tries == 10 - sum(gone.cancelled() for gone in tasks[2::3])
    assert max(together) > 1
    assert len(writers) == 0


async def test_two_items_never_have_one_id(api: Api) -> None:
    """Though the service's own API takes any external id, also one that was made for an item."""
    conversation = await begun(api, said("one"))
    hexed = conversation.id.removeprefix("conv_")
    made = [f"msg_{hexed}{order:08x}" for order in (1, 2)]
    (session,) = (await api.ask("GET", "/sessions")).json()["items"]
    second = {"messages": [{**said("two"), "external_id": made[0]}]}
    await api.ask("POST", f"/sessions/{session['id']}/messages", json=second)
    listed = (await conversation.items(order="asc"))["data"]
    assert [item["id"] for item in listed] == made
    for item in listed:
        one = await api.ask("GET", f"{conversation.path}/items/{item['id']}")
        assert one.json() == item
    await api.ask("DELETE", f"{conversation.path}/items/{made[1]}")
    assert await conversation.texts() == ["one"]


@pytest.mark.parametrize("id_", [".", ".."])
async def test_an_id_that_no_path_can_have_is_none(api: Api, id_: str) -> None:
    """A message of the service's own API that has it is known by another."""
    session = await api.create(messages=[{**said("Hi"), "external_id": id_}])
    path = f"{CONVERSATIONS}/conv_{session['id'].replace('-', '')}/items"
    (item,) = found(await api.ask("GET", path))
    assert (await api.ask("GET", f"{path}/{item['id']}")).json() == item
    answer = await api.ask("POST", path, json={"items": [{**said("Hi"), "id": id_}]})
    assert refusal(answer, 400)["param"] == "items[0].id"


async def test_a_conversation_that_a_retry_finds_gone_was_removed(api: Api) -> None:
    conversation = await begun(api)
    first = await api.ask("DELETE", conversation.path)
    assert (await api.ask("DELETE", conversation.path, headers=RETRY)).json() == first.json()
    foreign = await begun(api, who="bob")
    refusal(await api.ask("DELETE", foreign.path, headers=RETRY), 403)


async def test_two_writers_lose_and_double_nothing(api: Api) -> None:
    conversation = await begun(api)
    await asyncio.gather(*[conversation.add(said(f"{n}a"), said(f"{n}b")) for n in range(10)])
    texts = await conversation.texts()
    assert sorted(texts) == sorted(f"{n}{part}" for n in range(10) for part in "ab")
    assert [one[:-1] for one in texts[::2]] == [one[:-1] for one in texts[1::2]]
