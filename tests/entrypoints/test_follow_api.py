"""Following a session over HTTP, as far as no time passes."""

import asyncio
import re
from time import perf_counter

import pytest

from entrypoints.http.pagination import WAIT_MAX
from tests.entrypoints.conftest import Api, before_storage, problem
from tests.events import Event, events
from tests.waiting import await_until

SAID = [{"role": "user", "content": content} for content in "abc"]


async def check_stream(api: Api, session: str, last: str | None, heard: list[str]) -> None:
    """What comes until the stream is over, but for the farewell. On a busy machine it may be over
    before all has come."""
    headers = {} if last is None else {"Last-Event-ID": last}
    found: list[str] = []
    while found != heard:
        response = await api.ask("GET", f"/sessions/{session}/events", headers=headers)
        assert response.status_code == 200, response.text
        found = [str(event) for event in events(response.text.split("\n")[:-1])]
        assert found.pop() == "ended: time_over"
        assert found == heard[: len(found)]


async def test_a_stream_begins_now_or_where_it_ended(api: Api) -> None:
    id_ = (await api.create(messages=SAID, external_id="trip"))["id"]
    for last, heard in (
        (None, ["id 3"]),
        ("", ["id 3"]),
        ("3", ["id 3"]),
        ("2147483647", ["id 3"]),
        ("1", ["id 1", "message 2 b", "message 3 c"]),
        ("0", ["id 0", "message 1 a", "message 2 b", "message 3 c"]),
    ):
        await check_stream(api, id_, last, heard)
        await check_stream(api, "ext:trip", last, heard)


@before_storage
async def test_a_stream_is_what_its_headers_say(api: Api) -> None:
    id_ = (await api.create(messages=SAID))["id"]
    path = f"/sessions/{id_}/events"
    response = await api.ask("GET", path, headers={"Last-Event-ID": "2"})
    assert response.headers["content-type"] == "text/event-stream"
    assert response.headers["cache-control"] == "no-store"
    assert response.headers["x-accel-buffering"] == "no"
    assert "content-length" not in response.headers
    first, message, _ = events(response.text.split("\n")[:-1])
    assert 500 <= int(first.fields["retry"]) <= 1500
    stored = (await api.ask("GET", f"/sessions/{id_}/messages/3")).json()
    assert (message.id, message.data) == ("3", stored)
    assert Event(message.fields).fields.keys() == {"event", "data", "id"}
    head = await api.ask("HEAD", path, headers={"Last-Event-ID": "2"})
    assert (head.status_code, head.content) == (200, b"")
    assert head.headers.keys() == response.headers.keys()


@before_storage
@pytest.mark.parametrize(
    "last", ["x", "-1", "01", "1.0", "2147483648", " ", "\N{FULLWIDTH DIGIT ONE}", "1,2"]
)
async def test_an_id_that_no_event_had_is_refused(api: Api, last: str) -> None:
    id_ = (await api.create(messages=SAID))["id"]
    path = f"/sessions/{id_}/events"
    given = [("Last-Event-ID", last.encode())] if last != " " else [("Last-Event-ID", "1")] * 2
    response = await api.client.get(path, headers=[*api.bearer("alice").items(), *given])
    (error,) = problem(response, 422)["errors"]
    assert (error["in"], error["parameter"]) == ("header", "Last-Event-ID")


async def test_nobody_follows_what_is_not_theirs(api: Api) -> None:
    id_ = (await api.create(messages=SAID))["id"]
    for path in (f"/sessions/{id_}/events", f"/sessions/{id_}/messages?after=3&wait=30"):
        problem(await api.ask("GET", path, "bob"), 403)
        problem(await api.ask("GET", path, None), 401)
        missing = path.replace(id_, "01a20ab2-e3be-7336-be46-7b4184e042f7")
        problem(await api.ask("GET", missing), 404)
    problem(await api.ask("GET", "/sessions/ext:none/events"), 404)
    problem(await api.ask("POST", f"/sessions/{id_}/events", json={}), 405)


async def test_a_wait_answers_at_once_where_there_is_something(api: Api) -> None:
    id_ = (await api.create(messages=SAID))["id"]
    path = f"/sessions/{id_}/messages"
    for query, contents in (("after=1&wait=30", "bc"), ("after=1&wait=30&sort_order=desc", "cb")):
        response = await api.ask("GET", f"{path}?{query}")
        assert [item["content"] for item in response.json()["items"]] == list(contents)
        assert "wait" not in response.headers["link"]
    for query in ("wait=0", "wait=", "after=3&wait=0", "after=3&wait="):
        assert (await api.ask("GET", f"{path}?{query}")).status_code == 200
    response = await api.ask("GET", f"{path}?after=1&wait=1")
    known = {"If-None-Match": response.headers["etag"]}
    assert (await api.ask("GET", f"{path}?after=1&wait=1", headers=known)).status_code == 304


@before_storage
@pytest.mark.parametrize(
    "query",
    [
        "wait=1",
        "before=3&wait=1",
        "around=3&wait=1",
        "offset=3&wait=1",
        f"after=3&wait={WAIT_MAX + 1}",
        "after=3&wait=-1",
        "after=3&wait=1.5",
        "after=3&wait=01",
        "after=3&wait=x",
        "after=3&wait=1&wait=1",
    ],
)
async def test_a_wait_goes_with_after_and_is_short(api: Api, query: str) -> None:
    id_ = (await api.create(messages=SAID))["id"]
    response = await api.ask("GET", f"/sessions/{id_}/messages?{query}")
    (error,) = problem(response, 422)["errors"]
    assert error["parameter"] == "wait"


@before_storage
async def test_a_draining_service_sends_followers_on(api: Api) -> None:
    id_ = (await api.create(messages=SAID))["id"]
    api.container.drain().begin()
    response = await api.ask("GET", f"/sessions/{id_}/events")
    assert [str(one) for one in events(response.text.split("\n")[:-1])] == [
        "id 3",
        "ended: stopping",
    ]
    response = await api.ask("GET", f"/sessions/{id_}/messages?after=3&wait=30")
    assert response.json()["items"] == []


@before_storage
@pytest.mark.parametrize("options", [{"events_seconds": 3600}])
async def test_a_token_that_expires_ends_what_waits(api: Api) -> None:
    id_ = (await api.create(messages=SAID))["id"]
    headers = api.bearer("alice")
    api.clock.move(12 * 3600 - 0.8)  # of whole seconds, and the clock began in the midst of one
    response = await api.client.get(f"/sessions/{id_}/events", headers=headers)
    *_, farewell = events(response.text.split("\n")[:-1])
    assert str(farewell) == "ended: token_expired"
    waiting = f"/sessions/{id_}/messages?after=3&wait=30"
    assert (await api.client.get(waiting, headers=headers)).json()["items"] == []
    api.clock.move(0.2)
    problem(await api.client.get(waiting, headers=headers), 401)


@before_storage
@pytest.mark.parametrize(
    ("options", "status"),
    [
        ({"followers_per_owner": 1}, 429),
        ({"followers_max": 1}, 503),
        ({"client_connections": 3}, 503),
    ],
)
async def test_so_many_follow_and_no_more(api: Api, status: int) -> None:
    path = f"/sessions/{(await api.create(messages=SAID))['id']}"
    waiting = asyncio.create_task(api.ask("GET", f"{path}/messages?after=3&wait=30"))
    await await_until(lambda: api.container.followers().count)
    for asked in (f"{path}/events", f"{path}/messages?after=3&wait=30"):
        refused = await api.ask("GET", asked)
        problem(refused, status)
        assert refused.headers["retry-after"] == "1"
    assert (await api.ask("GET", f"{path}/messages?after=3")).status_code == 200
    assert (await api.ask("POST", f"{path}/messages", json={"messages": SAID})).status_code == 201
    assert len((await waiting).json()["items"]) == 3
    assert (await api.ask("GET", f"{path}/events")).status_code == 200


@before_storage
@pytest.mark.parametrize("options", [{"events_seconds": 0.5}])
async def test_what_waits_is_counted(api: Api) -> None:
    """Its waiting is no part of how long requests take."""
    path = f"/sessions/{(await api.create(messages=SAID))['id']}"
    began = perf_counter()
    waiting = asyncio.create_task(api.ask("GET", f"{path}/messages?after=3&wait=30"))
    await await_until(lambda: api.container.followers().count)
    assert "\nchat_sessions_followers 1.0\n" in (await api.ask("GET", "/metrics")).text
    await asyncio.sleep(0.2)
    await api.ask("PUT", f"{path}/messages/ext:new", json=SAID[0])
    assert (await waiting).status_code == 200
    taken = {"messages": perf_counter() - began}
    began = perf_counter()
    await api.ask("GET", f"{path}/events", headers={"Last-Event-ID": "1"})
    taken["events"] = perf_counter() - began
    text = (await api.ask("GET", "/metrics")).text
    assert "\nchat_sessions_followers 0.0\n" in text
    assert 'chat_sessions_events_sent_total{event="message"} 3.0' in text
    assert 'chat_sessions_streams_ended_total{reason="time_over"} 1.0' in text
    for route, seconds in taken.items():
        name = "http_server_request_duration_seconds_sum"
        found = re.findall(rf"^{name}{{.*\"GET\".*/{route}\".*}} (.*)$", text, re.MULTILINE)
        assert 0 < float(found[0]) < seconds - 0.2
