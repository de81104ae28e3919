"""Both clients of `clients/python` against the service, and through a proxy that loses answers."""

import json
import socket
import threading
from collections.abc import Callable, Iterator
from contextlib import closing
from pathlib import Path
from typing import Any
from uuid import uuid4

import httpx2
import pytest
from chat_sessions_client import Client, Retries, external
from chat_sessions_client import errors as e
from chat_sessions_client.shapes import MessageCreate

from tests.clients.both import BOTH
from tests.clients.losing_proxy import LosingProxy, losing
from tests.serving import Served, serving
from tests.waiting import wait_until

QUICK = Retries(first_pause=0.01, longest_pause=0.02)
WRITES = ("POST", "PATCH", "PUT", "DELETE")


@pytest.fixture(params=BOTH)
def make(request: pytest.FixtureRequest) -> Callable[..., Any]:
    return BOTH[request.param]


@pytest.fixture(scope="module")
def served(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Served]:
    """One whose streams of events do not end so soon."""
    lasting = {"CHAT_SESSIONS_EVENTS_SECONDS": "3600", "CHAT_SESSIONS_DATABASE_URL": "memory://"}
    with serving(tmp_path_factory.mktemp("served"), **lasting) as served:
        yield served


@pytest.fixture
def client(served: Served, make: Callable[..., Any]) -> Iterator[Any]:
    with make(served.url, served.token("alice")) as client:
        yield client


@pytest.fixture
def proxy(served: Served) -> Iterator[LosingProxy]:
    with losing(*served.address) as proxy:
        yield proxy


@pytest.fixture
def lossy(proxy: LosingProxy, served: Served, make: Callable[..., Any]) -> Iterator[Any]:
    with make(proxy.url, served.token("alice"), retries=QUICK) as client:
        yield client


@pytest.fixture
def name() -> str:
    """An external id that nothing has yet, with all that a path must not see."""
    return f"trip/{uuid4()} 100% é?#"


def said(*contents: str) -> list[MessageCreate]:
    return [{"role": "user", "content": content} for content in contents]


def contents(client: Any, session: str, **query: Any) -> list[str]:
    return [message["content"] for message in client.messages(session, **query)]


def test_a_session_from_its_beginning_to_its_end(client: Any, name: str) -> None:
    made = client.create_session(title="Lisbon", external_id=name, metadata={"a": [1.50, None]})
    trip = external(name)
    assert client.session(trip) == client.session(made["id"]) == made
    assert client.create_session(external_id=name, existing="keep") == made
    assert client.create_session(external_id=name, existing="keep", title="Other") == made
    with pytest.raises(e.SessionExists) as taken:
        client.create_session(external_id=name)
    assert taken.value.session_id == made["id"]

    client.append(trip, said(*"abcde"))
    assert contents(client, trip, limit=2) == [*"abcde"]
    assert contents(client, trip, limit=2, sort_order="desc") == [*"edcba"]
    assert contents(client, trip, limit=2, offset=1) == [*"bcde"]
    assert contents(client, trip, limit=1, after=3) == [*"de"]
    assert contents(client, trip, limit=1, before=3, sort_order="desc") == [*"ba"]
    with pytest.raises(ValueError, match="before is of one page"):
        contents(client, trip, before=3)
    assert [*client.messages(trip, limit=2, view="body")] == said(*"abcde")
    page = client.messages_page(trip, limit=2, after=3)
    assert (len(page["items"]), page["pagination"]["total"]) == (2, 5)

    put = client.put_message(trip, external("m/1"), {"role": "assistant", "content": "f"})
    assert put["message_order"] == 6
    with pytest.raises(e.VersionMismatch):
        client.put_message(trip, external("m/1"), put, create=True)
    tagged = client.tagged_message(trip, external("m/1"))
    again = client.put_message(trip, 6, {**put, "content": "g"}, if_match=tagged.etag)
    assert client.message(trip, "last") == again
    with pytest.raises(e.VersionMismatch):
        client.put_message(trip, 6, put, if_match=tagged.etag)
    assert client.delete_message(trip, "last") == again
    assert client.delete_message(trip, 5)["content"] == "e"
    with pytest.raises(e.MessageNotFound):
        client.delete_message(trip, 5)

    tag = client.tagged_session(trip).etag
    changed = client.change_session(trip, {"pinned": True, "title": None}, if_match=tag)
    assert (changed["pinned"], changed["title"], changed["metadata"]) == (
        True,
        None,
        {"a": [1.5, None]},
    )
    with pytest.raises(e.VersionMismatch):
        client.append(trip, said("x"), if_match=tag)
    client.clear_messages(trip, before=3)
    assert contents(client, trip) == [*"cd"]
    client.clear_messages(trip)
    assert contents(client, trip) == []
    assert client.delete_sessions([trip], dry_run=True)["sessions"] == 1
    client.delete_session(trip)
    with pytest.raises(e.SessionNotFound):
        client.delete_session(trip)


def test_lists_are_walked_to_their_end(served: Served, make: Callable[..., Any]) -> None:
    with make(served.url, served.token(f"walker {uuid4()}")) as client:
        for number in range(5):
            client.create_session(title=f"word {number}", metadata={"n": number, "of": "a b"})
        titles = [f"word {number}" for number in range(5)]
        walked = client.sessions(limit=2, sort_by="created_at", sort_order="asc")
        assert [session["title"] for session in walked] == titles
        walked = client.sessions(limit=2, offset=1, sort_by="created_at", sort_order="asc")
        assert [session["title"] for session in walked] == titles[1:]
        assert [*client.sessions(metadata={"n": 3, "of": "a b"})] == [
            *client.sessions(metadata={"n": 3})
        ]
        assert client.sessions_page(metadata={"n": 3})["pagination"]["total"] == 1
        found = client.search("word", limit=2)
        assert [hit["session"]["title"] for hit in found] == titles[::-1]
        assert client.search_page("word 4")["items"][0]["message"] is None
        assert client.delete_sessions(everything=True)["sessions"] == 5


def test_bodies_come_back_as_they_were(client: Any, name: str) -> None:
    body = {"role": "user", "content": "\ud800\0 é", "z": [1.0, 10**40, -0.0], "a": {"": None}}
    client.append(external(name), [body], format="test.item", create=True)
    (message,) = client.messages(external(name))
    assert json.dumps(message["body"]) == json.dumps(body)
    assert message["format"] == "test.item"


@pytest.mark.parametrize("id_", ["", ".", ".."])
def test_what_would_be_another_path_is_refused(client: Any, id_: str) -> None:
    with pytest.raises(ValueError, match="an id"):
        client.delete_session(id_)


def created(client: Any, trip: str) -> None:
    client.create_session(external_id=trip.removeprefix("ext:"), messages=said("a", "b"))


def changed(client: Any, trip: str) -> None:
    assert client.change_session(trip, {"title": "new"})["title"] == "new"


def put(client: Any, trip: str) -> None:
    client.put_message(trip, external("c"), said("c")[0])


def removed(client: Any, trip: str) -> None:
    assert client.delete_message(client.session(trip)["id"], 2) is None


def taken(client: Any, trip: str) -> None:
    assert client.delete_message(trip, 2)["content"] == "b"


def emptied(client: Any, trip: str) -> None:
    """Also where nothing is left."""
    client.clear_messages(trip)
    client.clear_messages(trip)


def popped(client: Any, trip: str) -> None:
    assert client.delete_message(trip, "last")["content"] == "b"


STORED = {
    created: [*"ab"],
    lambda client, trip: client.append(trip, said("c"))[0]["message_order"] == 3: [*"abc"],
    lambda client, trip: client.put_message(trip, "last", said("c")[0]): [*"ac"],
    lambda client, trip: client.append(external(f"{trip} new"), said("c"), create=True): [*"ab"],
    changed: [*"ab"],
    put: [*"abc"],
    removed: ["a"],
    taken: ["a"],
    popped: ["a"],
    emptied: [],
    lambda client, trip: client.clear_messages(trip, before=2): ["b"],
    lambda client, trip: client.delete_session(trip): None,
    lambda client, trip: client.delete_sessions([trip, external("none")]): None,
}


@pytest.mark.parametrize("write", STORED)
def test_a_write_whose_answers_are_lost_is_done_once(
    lossy: Any, proxy: LosingProxy, client: Any, name: str, write: Callable[[Any, str], object]
) -> None:
    trip = external(name)
    if write is not created:
        created(client, trip)
    proxy.lose(*WRITES, *WRITES)
    write(lossy, trip)
    assert len(proxy.lost) == 2, "or nothing was tried"
    if (expected := STORED[write]) is None:
        with pytest.raises(e.SessionNotFound):
            client.session(trip)
    else:
        assert contents(client, trip) == expected
        assert len([*client.sessions(external_id=name)]) == 1


def appends(other: Client, trip: str) -> None:
    other.append(trip, said("theirs"))


def begins_anew(other: Client, trip: str) -> None:
    other.delete_session(trip)
    starts(other, trip)


def starts(other: Client, trip: str) -> None:
    theirs: MessageCreate = {"role": "user", "content": "theirs", "external_id": "first"}
    other.append(trip, [theirs], create=True)


def puts_anew(other: Client, trip: str) -> None:
    other.put_message(trip, external("first"), said("theirs")[0])


def edits(other: Client, trip: str) -> None:
    other.put_message(trip, external("first"), said("theirs")[0])
    other.change_session(trip, {"title": "theirs"})


def refused_put(client: Any, trip: str) -> None:
    tag = client.tagged_message(trip, external("first")).etag
    with pytest.raises(e.VersionMismatch):
        client.put_message(trip, external("first"), said("ours")[0], if_match=tag)


def refused_change(client: Any, trip: str) -> None:
    with pytest.raises(e.VersionMismatch):
        client.change_session(trip, {"title": "ours"}, if_match=client.tagged_session(trip).etag)
    assert client.session(trip)["title"] == "theirs"


def answers(other: Client, trip: str) -> None:
    other.append(trip, said("theirs"))
    other.delete_message(trip, 1)


def corrected(client: Any, trip: str) -> None:
    with pytest.raises(e.MessageNotFound):
        client.put_message(trip, "last", said("ours")[0])


MEANWHILE: dict[str, tuple[Callable[[Any, str], object], Callable[[Client, str], None]]] = {
    "cleared": (lambda client, trip: client.clear_messages(trip), appends),
    "cleared of another": (lambda client, trip: client.clear_messages(trip), begins_anew),
    "cleared before": (lambda client, trip: client.clear_messages(trip, before=2), begins_anew),
    "session": (lambda client, trip: client.delete_session(trip), starts),
    "sessions": (lambda client, trip: client.delete_sessions([trip]), starts),
    "message": (lambda client, trip: client.delete_message(trip, external("first")), puts_anew),
    "last": (lambda client, trip: client.delete_message(trip, "last"), begins_anew),
    "order": (lambda client, trip: client.delete_message(trip, 1), begins_anew),
    "put last": (corrected, answers),
    "put if_match": (refused_put, edits),
    "changed if_match": (refused_change, edits),
}


@pytest.mark.parametrize("what", MEANWHILE)
def test_a_repeat_does_no_harm_to_what_another_wrote_meanwhile(
    lossy: Any, proxy: LosingProxy, served: Served, name: str, what: str
) -> None:
    trip = external(name)
    write, meanwhile = MEANWHILE[what]
    with Client(served.url, served.token("alice")) as other:
        other.append(trip, [{"role": "user", "content": "a", "external_id": "first"}], create=True)
        proxy.lose("DELETE", "PUT", "PATCH", meanwhile=lambda: meanwhile(other, trip))
        if what == "sessions":
            proxy.lose("POST", meanwhile=lambda: meanwhile(other, trip))
        write(lossy, trip)
        assert len(proxy.lost) == 1
        assert contents(other, trip) == ["theirs"]


def test_what_is_not_there_is_not_removed(client: Any, name: str) -> None:
    with pytest.raises(e.SessionNotFound):
        client.delete_session(external(name))
    assert client.delete_sessions([external(name)])["sessions"] == 0
    client.append(external(name), said("a"), create=True)
    for call in (client.delete_message, client.message):
        with pytest.raises(e.MessageNotFound):
            call(external(name), external("none"))
    with pytest.raises(e.InvalidInput):
        client.delete_sessions([external(name)] * 101)
    with pytest.raises(e.InvalidInput):
        client.delete_sessions([])
    with pytest.raises(e.InvalidInput):
        client.delete_sessions([external(name)], everything=True)
    assert contents(client, external(name)) == ["a"]
    with pytest.raises(ValueError, match="idempotency key"):
        client.append(external(name), said("b"), idempotency_key="")
    with pytest.raises(ValueError, match="if_match"):
        client.clear_messages(external(name), if_match="")


ESCAPED = '{"type": "\\u0073ession", "title": "a"}'


@pytest.mark.parametrize("named", [{}, {"external_id": "x"}, {"id": "y"}, ESCAPED], ids=str)
def test_an_import_is_repeated_where_sessions_have_ids(
    lossy: Any, proxy: LosingProxy, served: Served, named: dict[str, str] | str
) -> None:
    """Without one, a repeat would store them twice, however their lines are spelled."""
    client = lossy.with_options(token=served.token(f"mover {uuid4()}"))
    is_named = bool(named) and isinstance(named, dict)
    begin = {"type": "session", **named} if isinstance(named, dict) else named
    proxy.lose("POST")
    lines = [begin, {"type": "message", "role": "user", "content": "a"}]
    if is_named:
        (told,) = client.import_lines(lines)
        assert told["status"] in {"created", "kept"}
        assert [one["message_count"] for one in client.sessions()] == [1]
    else:
        with pytest.raises(e.ConnectionLost):  # and no repeat, whose answer would not be lost
            [*client.import_lines(lines)]


def test_what_cannot_be_repeated_is_not(lossy: Any, proxy: LosingProxy) -> None:
    """Sessions may have come since."""
    proxy.lose("POST")
    with pytest.raises(e.ConnectionLost):
        lossy.delete_sessions(everything=True)
    proxy.lose("POST")
    with pytest.raises(e.ConnectionLost):
        lossy.with_options(retries=Retries(attempts=1)).create_session()


def test_what_is_exported_comes_in_elsewhere(
    lossy: Any, proxy: LosingProxy, served: Served
) -> None:
    """As lines or as what they mean, also where the answer is lost."""
    who = f"mover {uuid4()}"
    lines = "title é\u2028 \x85."
    source = lossy.with_options(token=served.token(f"{who} before"))
    made = source.create_session(title=lines, messages=said("a\n", "b"))
    exported = [*source.export()]
    assert [json.loads(line)["type"] for line in exported] == [
        *("header", "session", "message", "message", "footer")
    ]
    assert [*source.export(made["id"])][1:] == exported[1:]
    target = lossy.with_options(token=served.token(who))
    proxy.lose("POST")
    (told,) = target.import_lines(iter(exported))
    assert proxy.lost
    assert told["external_id"] == made["id"]
    assert told["status"] in {"created", "kept"}, "the service may have heard that nobody listens"
    (told,) = target.import_lines([json.loads(line) for line in exported])
    assert told["status"] == "kept"
    assert [*target.import_lines([b"".join(exported)])] == [told]
    assert [*target.import_lines(b"".join(exported).decode())] == [told]
    (told,) = target.import_lines(b"".join(exported))
    assert [session["title"] for session in target.sessions()] == [lines]
    assert contents(target, told["session_id"]) == ["a\n", "b"]


def test_an_export_that_breaks_off_is_told(lossy: Any, proxy: LosingProxy, client: Any) -> None:
    trip = external(str(uuid4()))
    for _ in range(20):
        client.append(trip, said("x" * 250_000), create=True)
    export = lossy.export(trip)
    next(export)
    proxy.cut()
    with pytest.raises((e.ConnectionLost, e.IncompleteExport)):
        list(export)
    client.delete_session(trip)


def test_events_go_on_through_lost_connections(
    lossy: Any, proxy: LosingProxy, client: Any, name: str
) -> None:
    """Each once and in order, until the session goes."""
    trip = external(name)
    client.append(trip, said("0"), create=True)
    with closing(lossy.events(trip, after=0)) as events:
        for number in range(4):
            event = next(events)
            assert (event["event"], event["id"]) == ("message", number + 1)
            assert event["data"]["content"] == str(number)
            if number == 2:
                proxy.cut()
            client.append(trip, said(str(number + 1)))
        assert next(events)["id"] == 5
        client.delete_session(trip)
        with pytest.raises(e.SessionNotFound):
            next(events)


def test_events_begin_now(served: Served, client: Any, make: Callable[..., Any], name: str) -> None:
    """Where the caller does not say what it has."""
    trip = external(name)
    client.append(trip, said("old"), create=True)
    heard: list[Any] = []

    def follow() -> None:
        with (
            make(served.url, served.token("alice")) as other,
            closing(other.events(trip)) as events,
        ):
            heard.append(next(events))

    thread = threading.Thread(target=follow)
    thread.start()
    wait_until(lambda: "chat_sessions_followers 1" in httpx2.get(f"{served.url}/metrics").text)
    client.append(trip, said("new"))
    thread.join()
    assert [event["data"]["content"] for event in heard] == ["new"]


def test_a_token_is_asked_for_each_time_and_once_more(
    served: Served, make: Callable[..., Any]
) -> None:
    given = ["bad", served.token("alice"), served.token("alice"), "bad", "worse", "unused"]
    asked: list[str] = []

    def token() -> str:
        asked.append(given[len(asked)])
        return asked[-1]

    with make(served.url, token) as client:
        client.sessions_page()
        client.sessions_page()
        with pytest.raises(e.Unauthorized):
            client.sessions_page()
    assert asked == given[:5]
    with make(served.url, "bad") as client, pytest.raises(e.Unauthorized):
        client.sessions_page()


def test_limits_are_waited_for(tmp_path: Path) -> None:
    """Unless that takes too long."""
    limits = {"CHAT_SESSIONS_RATE_LIMITS": "on", "CHAT_SESSIONS_RATE_LIMIT_WRITE": "3/second"}
    with (
        serving(tmp_path, CHAT_SESSIONS_DATABASE_URL="memory://", **limits) as served,
        Client(served.url, served.token("alice")) as client,
    ):
        for number in range(5):
            client.append(external("x"), said(str(number)), create=True)
        assert contents(client, external("x")) == [*"01234"]
        impatient = client.with_options(retries=Retries(longest_retry_after=0.5))
        with pytest.raises(e.RateLimited) as refused:
            [impatient.append(external("x"), said("more")) for _ in range(9)]
        assert refused.value.retry_after


def test_a_request_bears_what_its_caller_says(served: Served, make: Callable[..., Any]) -> None:
    """But not in place of what the client says."""
    trace = f"{uuid4().hex}"
    headers = {"traceparent": f"00-{trace}-00f067aa0ba902b7-01", "Authorization": "Bearer x"}
    headers |= {"authorization": "y", "accept": "text/plain", "CONTENT-TYPE": "a/b"}
    with (
        make(served.url, served.token("alice"), headers=lambda: headers) as client,
        pytest.raises(e.SessionNotFound) as missing,
    ):
        client.change_session("none", {"title": "x"})
    assert missing.value.request_id
    (line,) = served.log_of(missing.value.request_id)
    assert line["trace_id"] == trace


@pytest.mark.parametrize(("url", "timeout"), [("http://127.0.0.1:9", 1), ("silent", 0.1)])
def test_no_answer_is_an_error_of_ours(make: Callable[..., Any], url: str, timeout: float) -> None:
    """Where nobody listens, and where nobody answers."""
    retries = Retries(attempts=2, first_pause=0.01)
    with socket.create_server(("127.0.0.1", 0)) as silent:
        url = f"http://127.0.0.1:{silent.getsockname()[1]}" if url == "silent" else url
        with (
            make(url, "token", timeout=timeout, retries=retries) as client,
            pytest.raises(e.ConnectionLost) as lost,
        ):
            client.sessions_page()
    assert isinstance(lost.value.__cause__, httpx2.RequestError)
