"""The Agent Development Kit's sessions are what its own services make of them."""

import asyncio
from collections.abc import Iterator
from contextlib import contextmanager
from itertools import count
from pathlib import Path
from typing import Any
from uuid import uuid4

import pytest
from chat_sessions_client import AsyncClient, Client, external
from chat_sessions_client.errors import ConnectionLost
from chat_sessions_client.google_adk import ChatSessionService
from chat_sessions_client.records import name_of
from chat_sessions_client.shared_state import Change, SharedState
from google.adk.errors import StaleSessionError
from google.adk.errors.already_exists_error import AlreadyExistsError
from google.adk.errors.input_validation_error import InputValidationError
from google.adk.errors.session_not_found_error import SessionNotFoundError
from google.adk.events import Event, EventActions
from google.adk.sessions import BaseSessionService, InMemorySessionService, Session
from google.adk.sessions.base_session_service import GetSessionConfig
from google.adk.sessions.sqlite_session_service import SqliteSessionService
from google.genai import types

from tests.clients.frameworks.service import Service

CONFIGS = [
    None,
    GetSessionConfig(num_recent_events=2),
    GetSessionConfig(num_recent_events=0),
    GetSessionConfig(num_recent_events=9, after_timestamp=101.5),
    GetSessionConfig(after_timestamp=102.0),
]
SCOPES = ("app:n", "user:n", "n")
ODD = {"app_name": "a/b %", "user_id": "é\n" + "u" * 300}


@pytest.fixture
def client(service: Service) -> AsyncClient:
    return AsyncClient(service.url, service.token("adk"))


@pytest.fixture
def sessions(client: AsyncClient) -> ChatSessionService:
    return ChatSessionService(client)


@pytest.fixture
def names() -> dict[str, Any]:
    return {"app_name": str(uuid4()), "user_id": "u"}


def event(text: str = "", **changes: Any) -> Event:
    content = types.Content(role="user", parts=[types.Part(text=text)]) if text else None
    return Event(author="user", content=content, actions=EventActions(state_delta=changes))


def shown(session: Session | None) -> Any:
    if session is None:
        return None
    made = session.last_update_time if session.events else 0
    return session.model_dump(exclude={"last_update_time"}), made


async def walked(sessions: BaseSessionService, made: list[Event]) -> list[Any]:
    """What a service gives for the same calls."""
    state = {"x": 1, "app:p": {"q": [1.5, None]}, "user:q": "\0\ud800", "temp:t": 3}
    session = await sessions.create_session(**ODD, session_id=" s1 ", state=state)
    copies = [one.model_copy(deep=True) for one in made]
    found: list[Any] = [shown(session)]
    found += [await sessions.append_event(session, one) for one in copies]
    other = await sessions.create_session(app_name=ODD["app_name"], user_id="v", session_id="s1")
    nobody = await sessions.create_session(app_name="another", user_id="v", session_id="s1")
    found += [shown(session), shown(other), shown(nobody)]
    for config in CONFIGS:
        found.append(shown(await sessions.get_session(**ODD, session_id="s1", config=config)))
    for user in ("v", ODD["user_id"], "w"):
        app = ODD["app_name"]
        found.append(await sessions.get_user_state(app_name=app, user_id=user))
        listed = await sessions.list_sessions(app_name=app, user_id=user)
        found.append([shown(one) for one in listed.sessions])
    with pytest.raises(AlreadyExistsError):
        await sessions.create_session(**ODD, session_id="s1", state={"app:p": "refused"})
    for _ in range(2):
        await sessions.delete_session(**ODD, session_id="s1")
        found.append(await sessions.get_session(**ODD, session_id="s1"))
    listed = await sessions.list_sessions(app_name=ODD["app_name"])
    return [*found, [shown(one) for one in listed.sessions]]


async def test_the_same_calls_have_the_same_results(service: Service) -> None:
    made = [event(f"n{n}", x=n, gone=None, **{"temp:z": n, "app:n": n}) for n in range(4)]
    made += [event(**{"user:q": "é"}), Event(author="test", partial=True), event("last")]
    for number, one in enumerate(made):
        one.id, one.timestamp = f"e{number}", 100.0 + number
    call = types.FunctionCall(id="c", name="f", args={"a": None, "b": 0.1})
    made[-1].content = types.Content(role="model", parts=[types.Part(function_call=call)])
    client = AsyncClient(service.url, service.token(str(uuid4())))
    expected = await walked(InMemorySessionService(), made)
    assert await walked(ChatSessionService(client), made) == expected


@pytest.mark.parametrize("which", ["theirs", "ours"])
async def test_two_writers_lose_nothing(
    client: AsyncClient, names: dict[str, Any], tmp_path: Path, which: str
) -> None:
    """Who has been overtaken is told, and reads again: nobody adds to what they have not read."""

    def process() -> BaseSessionService:
        if which == "theirs":
            return SqliteSessionService(str(tmp_path / "theirs.db"))
        return ChatSessionService(client)

    session_id = (await process().create_session(**names)).id

    written: list[list[str]] = []

    async def write(writer: str) -> None:
        own, session = process(), None
        for number in range(8):
            while True:
                session = session or await own.get_session(**names, session_id=session_id)
                assert session
                try:
                    said = event(f"{writer}{number}", **{f"app:{writer}": number, writer: number})
                    await own.append_event(session, said)
                    written.append([one.id for one in session.events])
                    break
                except StaleSessionError:
                    session = None

    await asyncio.gather(write("a"), write("b"))
    found = await process().get_session(**names, session_id=session_id)
    assert found
    assert found.state == {"app:a": 7, "app:b": 7, "a": 7, "b": 7}
    ids = [one.id for one in found.events]
    assert which == "theirs" or sorted(written, key=len) == [ids[: end + 1] for end in range(16)]
    texts = [one.content.parts[0].text for one in found.events]
    assert sorted(texts) == [f"{writer}{number}" for writer in "ab" for number in range(8)]
    assert [text for text in texts if text < "b"] == [f"a{number}" for number in range(8)]


async def test_one_session_takes_events_at_once(
    sessions: ChatSessionService, names: dict[str, Any]
) -> None:
    session = await sessions.create_session(**names)
    await asyncio.gather(*(sessions.append_event(session, event(str(n))) for n in range(5)))
    found = await sessions.get_session(**names, session_id=session.id)
    assert found
    assert [one.id for one in found.events] == [one.id for one in session.events]
    assert len(found.events) == 5


async def test_a_session_that_went_through_json_goes_on(
    sessions: ChatSessionService, names: dict[str, Any]
) -> None:
    session = await sessions.create_session(**names)
    for text in ("one", "two"):
        session = Session.model_validate_json(session.model_dump_json())
        await sessions.append_event(session, event(text))
    known = Session.model_validate_json(session.model_dump_json())
    await sessions.append_event(session, event("three"))
    for late in (known, Session(id=session.id, **names)):
        with pytest.raises(StaleSessionError):
            await sessions.append_event(late, event("four"))
    known.events[-1].id = "never stored"
    with pytest.raises(StaleSessionError):
        await sessions.append_event(known, event("four"))


async def test_who_renames_a_session_is_not_in_the_way(
    client: AsyncClient, sessions: ChatSessionService, names: dict[str, Any]
) -> None:
    session = await sessions.create_session(**names)
    stored = external(name_of("adk", *names.values(), session.id))
    await client.change_session(stored, {"title": "Weekend", "archived": True})
    await sessions.append_event(session, event("one"))
    found = await sessions.list_sessions(**names)
    assert [one.id for one in found.sessions] == [session.id]


@contextmanager
def _refused(session: Session, theirs: type[Exception]) -> Iterator[None]:
    before = session.model_dump()
    with pytest.raises(theirs):
        yield
    assert session.model_dump() == before


async def test_what_is_refused_changes_nothing(
    sessions: ChatSessionService, names: dict[str, Any]
) -> None:
    session = await sessions.create_session(**names)
    kept = await sessions.append_event(session, event("one", **{"user:n": 1}))
    with _refused(session, InputValidationError):
        await sessions.append_event(session, event("x" * 300_000, **{"user:n": 2}))
    deep: Any = 1
    for _ in range(150):
        deep = [deep]
    with _refused(session, InputValidationError):
        await sessions.append_event(session, event(deep=deep))
    with _refused(session, InputValidationError):
        await sessions.get_session(app_name="\ud800", user_id="u", session_id="s")
    with _refused(session, AlreadyExistsError):
        await sessions.append_event(session, kept)
    assert await sessions.get_user_state(**names) == {"n": 1}
    await sessions.delete_session(**names, session_id=session.id)
    with _refused(session, SessionNotFoundError):
        await sessions.append_event(session, event("two", **{"user:n": 3}))
    assert await sessions.get_user_state(**names) == {"n": 1}


class Interrupted(AsyncClient):
    """Ends after the first append."""

    appends = 0

    async def append(self, *arguments: Any, **named: Any) -> Any:
        self.appends += 1
        if self.appends > 1:
            raise ConnectionLost
        return await super().append(*arguments, **named)


async def interrupted(service: Service, session: Session, said: Event) -> None:
    """Between the event and what others are to see of it."""
    before = ChatSessionService(Interrupted(service.url, service.token("adk")))
    with pytest.raises(ConnectionLost):
        await before.append_event(session.model_copy(deep=True), said)


async def test_state_that_a_crash_left_behind_is_made_up_for(
    service: Service, client: AsyncClient, sessions: ChatSessionService, names: dict[str, Any]
) -> None:
    """It is stored with its event, and shared once, whoever comes by."""
    session = await sessions.create_session(**names)
    await interrupted(service, session, event("one", **dict.fromkeys(SCOPES, 1)))
    found = await asyncio.gather(
        *(sessions.get_session(**names, session_id=session.id) for _ in range(3))
    )
    for one in found:
        assert one
        assert one.state == dict.fromkeys(SCOPES, 1)
    other = await sessions.create_session(**names)
    assert other.state == {"app:n": 1, "user:n": 1}
    shared = external(name_of("adk-state", names["app_name"]))
    assert (await client.session(shared))["message_count"] == 1
    with pytest.raises(StaleSessionError):
        await sessions.append_event(session, event("two"))


async def test_state_that_is_made_up_for_takes_nothing_newer_back(
    service: Service, sessions: ChatSessionService, names: dict[str, Any]
) -> None:
    late, other = [await sessions.create_session(**names) for _ in range(2)]
    await interrupted(service, late, event(**dict[str, Any]({"user:plan": "old", "user:a": 1})))
    await sessions.append_event(other, event(**{"user:plan": "new"}))
    for _ in range(2):
        for one in (late, other):
            found = await sessions.get_session(**names, session_id=one.id)
            assert found
            assert found.state == {"user:plan": "new", "user:a": 1}


async def test_shared_state_holds_whoever_clears_it_up(client: AsyncClient) -> None:
    name, times = f"records:{uuid4()}", count()

    async def write(writer: int) -> None:
        own = SharedState(client, name, "test/1")
        for number in range(35):
            members = {f"{writer}/{number % 5}": number, "last": [writer, number, "x" * 3_000]}
            change = Change(f"{writer}.{number}", f"{next(times):06}", members)
            for _ in range(2):
                await own.add([change])
            if number % 5 == 4:
                read = (await own.read()).members
                mine = {key: one for key, one in read.items() if key[0] == str(writer)}
                assert mine == {f"{writer}/{end}": number - 4 + end for end in range(5)}

    await asyncio.gather(*map(write, range(4)))
    state = SharedState(client, name, "test/1")
    await state.add([Change("late", "000000.5", {"last": "long ago", "new": 1})])
    known = await state.read()
    assert known.members.keys() == {
        "last",
        "new",
        *(f"{w}/{n}" for w in range(4) for n in range(5)),
    }
    assert known.members["last"][1] == 34
    assert (await client.session(external(name)))["message_count"] < 120
    assert (await state.read()).members == known.members
    assert [one async for one in client.sessions(limit=200) if one["external_id"] == name] == []


async def test_shared_state_is_larger_than_a_request(
    client: AsyncClient, sessions: ChatSessionService, names: dict[str, Any]
) -> None:
    session = await sessions.create_session(**names)
    own = {f"k{number}": "é" * 60_000 for number in range(2)}
    for key, value in own.items():
        await sessions.append_event(session, event(**{key: value}))
    state = SharedState(client, name_of("adk-state", names["app_name"]), "adk.state/1")
    large = {f"app:{number}": f"{number}" + "x" * 200_000 for number in range(30)}
    for at in "12":
        await state.add(Change(f"{at} {key}", at, {key: one}) for key, one in large.items())
    for _ in range(2):
        found = await sessions.get_session(**names, session_id=session.id)
        assert found
        assert found.state == large | own
    listed = await sessions.list_sessions(app_name=names["app_name"])
    other = await sessions.create_session(app_name=names["app_name"], user_id="other")
    assert [one.state for one in (*listed.sessions, other)] == [large | own, large]


TAKEN_AWAY: list[Any] = [
    None,
    {"adk_user": None},
    {"adk_app": 5, "adk_user": [], "adk_session": {}},
    {"adk_session": "another"},
]


@pytest.mark.parametrize("metadata", TAKEN_AWAY, ids=str)
@pytest.mark.parametrize("user", ["u", "u" * 300])
async def test_what_another_client_does_to_one_session_is_its_alone(
    client: AsyncClient, sessions: ChatSessionService, metadata: Any, user: str
) -> None:
    """It is listed again once it is used, and others are all the time."""
    names: dict[str, Any] = {"app_name": str(uuid4()), "user_id": user}
    session, other = [await sessions.create_session(**names, session_id=one) for one in "ab"]
    await sessions.append_event(session, event("one", n=1))
    stored = external(name_of("adk", *names.values(), "a"))
    broken: Any = {"role": "user", "format": "adk.event/1", "body": {"author": 5}}
    await client.put_message(stored, external("x"), broken)
    await client.change_session(stored, {"metadata": metadata})
    await client.change_session(stored, {"metadata": {"own": 1}})
    listed = await sessions.list_sessions(app_name=names["app_name"])
    assert other.id in [one.id for one in listed.sessions]
    found = await sessions.get_session(**names, session_id="a")
    assert found
    assert ([one.id for one in found.events], found.state) == ([session.events[0].id], {"n": 1})
    await sessions.append_event(found, event("two"))
    listed = await sessions.list_sessions(**names)
    assert sorted(one.id for one in listed.sessions) == ["a", "b"]
    assert (await client.session(stored))["metadata"]["own"] == 1


async def test_nobody_is_shown_a_session_of_anothers_for_its_metadata(
    client: AsyncClient, sessions: ChatSessionService
) -> None:
    app = str(uuid4())
    await sessions.create_session(app_name=app, user_id="bob", session_id="b")
    stored = external(name_of("adk", app, "bob", "b"))
    await client.change_session(stored, {"metadata": {"adk_user": "ann"}})
    assert (await sessions.list_sessions(app_name=app, user_id="ann")).sessions == []
    listed = await sessions.list_sessions(app_name=app)
    assert [(one.user_id, one.id) for one in listed.sessions] == [("bob", "b")]


def test_a_program_with_several_loops(service: Service, names: dict[str, Any]) -> None:
    sessions = ChatSessionService(AsyncClient(service.url, service.token("adk")))
    session = asyncio.run(sessions.create_session(**names))
    for text in ("one", "two"):
        asyncio.run(sessions.append_event(session, event(text)))
    found = asyncio.run(sessions.get_session(**names, session_id=session.id))
    assert found
    assert [one.content.parts[0].text for one in found.events] == ["one", "two"]
    with Client(service.url, service.token("adk")) as client:
        stored = client.message(external(name_of("adk", *names.values(), session.id)), 1)
    assert (stored["role"], stored["content"]) == ("user", "one")
