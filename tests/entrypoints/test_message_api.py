"""One message, by its order, as the last or by its external id: read, replaced, removed."""

import asyncio
from datetime import timedelta
from typing import Any

import pytest

from domain.instant import TICK
from entrypoints.http.serializers import rfc3339
from tests.entrypoints.conftest import Api, before_storage, pointers, problem

MISSING = "/sessions/01a20ab2-e3be-7336-be46-7b4184e042f7"


@pytest.fixture
async def path(api: Api) -> str:
    said = [
        {"role": "user", "content": str(number), "external_id": f"m/{number}"}
        for number in range(1, 6)
    ]
    session = await api.create(external_id="chat", messages=said)
    return f"/sessions/{session['id']}/messages"


async def orders(api: Api, path: str, query: str = "") -> list[int]:
    answer = await api.ask("GET", f"{path}{query}")
    return [item["message_order"] for item in answer.json()["items"]]


async def test_a_message_is_read_by_each_of_its_names(api: Api, path: str) -> None:
    whole = (await api.ask("GET", path)).json()["items"]
    assert list(whole[0]) == [
        "id", "external_id", "session_id", "message_order", "role", "name", "content", "format",
        "body", "metadata", "timestamp", "edited_at",
    ]  # fmt: skip
    for name, place in (("1", 0), ("last", 4), ("ext:m%2F2", 1), ("ext%3am%2f2", 1)):
        for base in (path, "/sessions/ext:chat/messages"):
            answer = await api.ask("GET", f"{base}/{name}")
            assert answer.json() == whole[place]
            known = {"If-None-Match": f"W/{answer.headers['etag']}"}
            for method in ("GET", "HEAD"):
                again = await api.ask(method, f"{base}/{name}", headers=known)
                assert (again.status_code, again.content) == (304, b"")
                assert again.headers["etag"] == answer.headers["etag"]


NO_MESSAGE = [
    "0", "6", "01", "-1", "1.0", "2147483648", "9" * 5000, "LAST", "first", "ext:", "ext:6",
    "ext:%20m%2F2", "ext:m%2F2%20", "ext:m%00", "ext:%FF", "ext:%ED%A0%BD", "EXT:m%2F2", "%31x",
    "ext:" + "x" * 256,
]  # fmt: skip


@before_storage
@pytest.mark.parametrize("name", NO_MESSAGE)
async def test_what_names_no_message_is_404(api: Api, path: str, name: str) -> None:
    for method in ("GET", "DELETE"):
        found = problem(await api.ask(method, f"{path}/{name}"), 404)
        assert found["type"] == "urn:problem-type:chat-sessions:message-not-found"
    assert await orders(api, path) == [1, 2, 3, 4, 5]


async def test_a_message_is_put_in_anothers_place(api: Api, path: str) -> None:
    """Its ids, order and time stay; the rest is replaced, and what is absent is null."""
    before = (await api.ask("GET", f"{path}/2")).json()
    api.clock.move(1)
    other = {"role": "tool", "content": "new", "name": "Ann", "metadata": {"a": 1}}
    sent = other | {"id": None, "external_id": "other", "timestamp": 5, "message_order": "x"}
    answer = await api.ask("PUT", f"{path}/2", json=sent)
    assert answer.status_code == 200
    after = answer.json()
    assert after == before | other | {"edited_at": after["edited_at"]}
    session = (await api.ask("GET", "/sessions/ext:chat")).json()
    assert after["edited_at"] == session["last_updated"] > before["timestamp"]
    assert answer.headers["etag"].startswith(f'"{after["edited_at"]}-')
    assert (await api.ask("GET", f"{path}/ext:m%2F2")).json() == after
    assert (await api.ask("PUT", f"{path}/2", json=after)).json()["content"] == "new"
    bare = (await api.ask("PUT", f"{path}/2", json={"role": "user", "body": {"text": "b"}})).json()
    assert (bare["name"], bare["metadata"], bare["content"]) == (None, {}, "b")


@before_storage
async def test_a_replacement_that_breaks_a_rule_changes_nothing(api: Api, path: str) -> None:
    before = (await api.ask("GET", f"{path}/2")).json()
    for body, at in (
        ({"role": "user"}, "#/content"),
        ({"content": "x"}, "#/role"),
        ({"role": "user", "content": "x" * 300_001}, "#/content"),
        ({"role": "user", "content": "x", "unknown": 1}, "#"),
        ({"role": "user", "body": {"a": "x" * (256 << 10)}}, "#/body"),
        ([], "#"),
    ):
        assert pointers(await api.ask("PUT", f"{path}/2", json=body)) == {at}
    assert (await api.ask("GET", f"{path}/2")).json() == before


async def test_under_a_new_external_id_a_message_is_appended(api: Api, path: str) -> None:
    said = {"role": "user", "content": "new", "external_id": "passed over"}
    answer = await api.ask("PUT", f"{path}/ext:n%C3%A9", json=said)
    assert (answer.status_code, answer.json()["message_order"]) == (201, 6)
    assert answer.json()["external_id"] == "né"
    again = await api.ask("PUT", f"{path}/ext:n%C3%A9", json=said)
    assert (again.status_code, again.json()["id"]) == (200, answer.json()["id"])
    problem(await api.ask("PUT", f"{path}/7", json=said), 404)
    problem(await api.ask("PUT", f"{MISSING}/messages/ext:x", json=said), 404)


@before_storage
async def test_what_is_appended_was_said_when_its_client_says(api: Api, path: str) -> None:
    """As far as order allows. What is no time is passed over, as is any once the message is
    there."""
    last = (await api.ask("GET", f"{path}/last")).json()["timestamp"]
    api.clock.move(60)
    for name, given, kept in (
        ("queued", rfc3339(api.clock.time - timedelta(seconds=20)), None),
        ("queued", "2020-01-01T00:00:00Z", rfc3339(api.clock.time - timedelta(seconds=20))),
        ("early", last, rfc3339(api.clock.time - timedelta(seconds=20) + TICK)),
        ("late", "2099-01-01T00:00:00Z", rfc3339(api.clock.time)),
    ):
        said = {"role": "user", "content": name, "timestamp": given}
        answer = await api.ask("PUT", f"{path}/ext:{name}", json=said)
        assert answer.json()["timestamp"] == (kept or given)
    said = {"role": "user", "content": "no time", "timestamp": "2026-01-02"}
    answer = await api.ask("PUT", f"{path}/ext:no%20time", json=said)
    assert answer.json()["timestamp"] > rfc3339(api.clock.time)


async def test_of_rivals_under_one_external_id_one_appends(api: Api, path: str) -> None:
    puts = [
        api.ask("PUT", f"{path}/ext:new", json={"role": "user", "content": str(turn)})
        for turn in range(8)
    ]
    answers = await asyncio.gather(*puts)
    assert sorted(answer.status_code for answer in answers) == [200] * 7 + [201]
    assert await orders(api, path) == [1, 2, 3, 4, 5, 6]


async def test_a_replacement_is_of_the_version_that_was_seen(api: Api, path: str) -> None:
    said = {"role": "user", "content": "new"}
    stale = (await api.ask("GET", f"{path}/2")).headers["etag"]
    held = {"If-Match": f'"other", W/{stale}'}
    tag = (await api.ask("PUT", f"{path}/2", json=said, headers=held)).headers["etag"]
    for method in ("PUT", "DELETE"):
        body = said if method == "PUT" else None
        for refused in (stale, '"other"'):
            answer = await api.ask(method, f"{path}/2", json=body, headers={"If-Match": refused})
            problem(answer, 412)
            assert answer.headers["etag"] == tag
        problem(await api.ask(method, f"{path}/2", json=body, headers={"If-Match": "x"}), 400)
        problem(
            await api.ask(method, f"{path}/2", "bob", json=body, headers={"If-Match": stale}), 403
        )
    empty = {"If-Match": ""}
    problem(await api.ask("DELETE", f"{path}/2", headers=empty), 422)
    assert (await api.ask("PUT", f"{path}/2", json=said, headers=empty)).status_code == 200
    held = {"If-Match": "*"}
    assert (await api.ask("DELETE", f"{path}/2", headers=held)).status_code == 200


@before_storage
async def test_what_must_be_new_or_be_there_is_so(api: Api, path: str) -> None:
    said = {"role": "user", "content": "new"}

    async def put(name: str, condition: str, value: str) -> int:
        answer = await api.ask("PUT", f"{path}/{name}", json=said, headers={condition: value})
        return answer.status_code

    assert await put("ext:m%2F1", "If-None-Match", "*") == 412
    assert await put("1", "If-None-Match", "*") == 412
    assert await put("ext:new", "If-Match", "*") == 412
    assert await put("ext:new", "If-Match", '"2026-01-02T03:04:05.678901Z"') == 412
    assert await put("ext:new", "If-None-Match", '"x"') == 422
    assert await orders(api, path) == [1, 2, 3, 4, 5]
    assert await put("ext:new", "If-None-Match", "*") == 201
    assert await put("ext:new", "If-None-Match", "") == 200
    assert await put("ext:new", "If-Match", "*") == 200


async def test_an_agent_takes_back_its_last_step(api: Api, path: str) -> None:
    """No order is given twice, and what was removed is gone under each of its names."""
    removed = await api.ask("DELETE", f"{path}/last")
    assert (removed.status_code, removed.json()["content"]) == (200, "5")
    for name in ("5", "ext:m%2F5"):
        problem(await api.ask("GET", f"{path}/{name}"), 404)
        problem(await api.ask("DELETE", f"{path}/{name}"), 404)
    again = {"messages": [{"role": "user", "content": "again", "external_id": "m/5"}]}
    assert (await api.ask("POST", path, json=again)).json()["items"][0]["message_order"] == 6
    assert (await api.ask("DELETE", f"{path}/ext:m%2F2")).json()["message_order"] == 2
    assert await orders(api, path) == [1, 3, 4, 6]
    assert await orders(api, path, "?after=1&limit=2") == [3, 4]
    assert await orders(api, path, "?before=6&limit=2&sort_order=desc") == [4, 3]
    assert await orders(api, path, "?around=4&limit=3") == [3, 4, 6]
    assert await orders(api, path, "?offset=1&limit=2") == [3, 4]
    page = (await api.ask("GET", f"{path}?limit=1&offset=3")).json()["pagination"]
    assert (page["total"], page["has_next"], page["previous_offset"]) == (4, False, 2)
    assert (await api.ask("GET", "/sessions/ext:chat")).json()["message_count"] == 4


async def test_messages_before_one_are_removed_or_all(api: Api, path: str) -> None:
    for query in ("?before=", "?before=x", "?before=-1", "?before=2&before=3", "?after=1"):
        problem(await api.ask("DELETE", f"{path}{query}"), 422)
    problem(await api.ask("DELETE", path, "bob"), 403)
    for query, left in (
        ("?before=0", [1, 2, 3, 4, 5]),
        ("?before=3", [3, 4, 5]),
        ("?before=3", [3, 4, 5]),
        ("?before=2147483647", []),
        ("", []),
    ):
        assert (await api.ask("DELETE", f"{path}{query}")).status_code == 204
        assert await orders(api, path) == left
    problem(await api.ask("GET", f"{path}/last"), 404)
    problem(await api.ask("DELETE", f"{path}/last"), 404)
    said = {"messages": [{"role": "user", "content": "six"}]}
    assert (await api.ask("POST", path, json=said)).json()["items"][0]["message_order"] == 6


async def test_appends_and_removals_are_of_the_session_that_was_seen(api: Api, path: str) -> None:
    session = path.removesuffix("/messages")
    said: dict[str, Any] = {"messages": [{"role": "user", "content": "new"}]}
    stale = (await api.ask("GET", session)).headers["etag"]
    assert (await api.ask("POST", path, json=said, headers={"If-Match": stale})).is_success
    tag = (await api.ask("GET", session)).headers["etag"]
    for method, body in (("POST", said), ("DELETE", None)):
        refused = await api.ask(method, path, json=body, headers={"If-Match": stale})
        problem(refused, 412)
        assert refused.headers["etag"] == tag
    assert await orders(api, path) == [1, 2, 3, 4, 5, 6]
    problem(await api.ask("DELETE", path, headers={"If-Match": ""}), 422)
    assert (await api.ask("DELETE", path, headers={"If-Match": f"W/{tag}"})).status_code == 204


AROUND = [
    (1, 3, [1, 2, 3]), (3, 3, [2, 3, 4]), (5, 3, [3, 4, 5]), (3, 4, [1, 2, 3, 4]), (3, 1, [3]),
    (9, 2, [4, 5]), (3, 200, [1, 2, 3, 4, 5]),
]  # fmt: skip


@before_storage
@pytest.mark.parametrize(("order", "limit", "expected"), AROUND)
async def test_a_page_lies_around_a_message(
    api: Api, path: str, order: int, limit: int, expected: list[int]
) -> None:
    query = f"?around={order}&limit={limit}"
    assert await orders(api, path, query) == expected
    assert await orders(api, path, f"{query}&sort_order=desc") == expected[::-1]
    links = (await api.ask("GET", f"{path}{query}")).links
    for relation, beside in (("prev", expected[0] - 1), ("next", expected[-1] + 1)):
        assert (relation in links) == (1 <= beside <= 5)
        if relation in links:
            assert beside in await orders(api, "", links[relation]["url"])
    for unfit in ("offset=0", "after=1", "before=1"):
        problem(await api.ask("GET", f"{path}{query}&{unfit}"), 422)
