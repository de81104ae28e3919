"""One history of requests, run on every backend through the use cases and through HTTP, and held
after every step against a model that is plain lists."""

import asyncio
import tempfile
from abc import abstractmethod
from collections.abc import Callable, Coroutine
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any, Protocol, TypeVar
from uuid import UUID, uuid4

import httpx2
import pytest
from dependency_injector import providers
from hypothesis import settings
from hypothesis import strategies as st
from hypothesis.stateful import Bundle, RuleBasedStateMachine, initialize, rule

from application.ports.storage import Storage
from application.use_cases import UseCases
from domain.errors import SessionForbidden, SessionNotFound
from domain.message import NewMessage, Role
from domain.owner import Owner
from domain.page import (
    Cursor,
    MessagePageRequest,
    PageRequest,
    SessionPageRequest,
    SessionSort,
    SortOrder,
)
from domain.session import SessionPatch
from entrypoints.asgi import application
from entrypoints.container import Container
from entrypoints.settings import Settings
from tests.clock import ManualClock
from tests.contract.backends import BACKENDS

T = TypeVar("T")

Page = tuple[list[str], int, bool, bool]
"""Titles or contents, the total, has_next and has_previous."""

PEOPLE = ("alice", "bob", "Alice")

REFUSALS = {403: SessionForbidden, 404: SessionNotFound}


class Door(Protocol):
    """The service as a caller named `who` finds it."""

    @abstractmethod
    async def create(self, who: str, title: str, contents: list[str]) -> UUID: ...
    @abstractmethod
    async def append(
        self, who: str, session_id: UUID, contents: list[str], key: str | None = None
    ) -> list[int]: ...
    @abstractmethod
    async def rename(self, who: str, session_id: UUID, title: str) -> None: ...
    @abstractmethod
    async def delete(self, who: str, session_id: UUID) -> None: ...
    @abstractmethod
    async def sessions(self, who: str, asked: SessionPageRequest) -> Page: ...
    @abstractmethod
    async def walk(self, who: str, asked: SessionPageRequest) -> list[str]: ...
    @abstractmethod
    async def messages(self, who: str, session_id: UUID, asked: MessagePageRequest) -> Page: ...


@dataclass
class UseCaseDoor(Door):
    do: UseCases
    owners: Callable[[str], Owner]

    async def create(self, who: str, title: str, contents: list[str]) -> UUID:
        said = [NewMessage(Role.USER, content) for content in contents]
        return (await self.do.create_session(self.owners(who), title=title, messages=said)).id

    async def append(
        self, who: str, session_id: UUID, contents: list[str], key: str | None = None
    ) -> list[int]:
        said = [NewMessage(Role.USER, content) for content in contents]
        placed = await self.do.append_messages.once(key, self.owners(who), session_id, said)
        return [message.message_order for message in placed.value]

    async def rename(self, who: str, session_id: UUID, title: str) -> None:
        await self.do.update_session(self.owners(who), session_id, SessionPatch(title=title))

    async def delete(self, who: str, session_id: UUID) -> None:
        await self.do.delete_session(self.owners(who), session_id)

    async def sessions(self, who: str, asked: SessionPageRequest) -> Page:
        page = await self.do.list_sessions(self.owners(who), asked)
        titles = [session.title or "" for session in page.items]
        return titles, page.total, page.has_next, page.has_previous

    async def walk(self, who: str, asked: SessionPageRequest) -> list[str]:
        titles = []
        following: Cursor | None = None
        while True:
            page = await self.do.list_sessions(self.owners(who), replace(asked, cursor=following))
            titles += [session.title or "" for session in page.items]
            _, following = asked.cursors(page)
            if following is None:
                return titles

    async def messages(self, who: str, session_id: UUID, asked: MessagePageRequest) -> Page:
        page = await self.do.get_messages(self.owners(who), session_id, asked)
        contents = [message.content for message in page.items]
        return contents, page.total, page.has_next, page.has_previous


@dataclass
class HttpDoor(Door):
    client: httpx2.AsyncClient
    token_of: Callable[[str], str]

    async def create(self, who: str, title: str, contents: list[str]) -> UUID:
        body = {"title": title, "messages": _said(contents)}
        return UUID((await self._ask(who, "POST", "/sessions", json=body))["id"])

    async def append(
        self, who: str, session_id: UUID, contents: list[str], key: str | None = None
    ) -> list[int]:
        path = f"/sessions/{session_id}/messages"
        headers = {"Idempotency-Key": key} if key else {}
        body = {"messages": _said(contents)}
        stored = await self._ask(who, "POST", path, json=body, headers=headers)
        return [message["message_order"] for message in stored["items"]]

    async def rename(self, who: str, session_id: UUID, title: str) -> None:
        await self._ask(who, "PATCH", f"/sessions/{session_id}", json={"title": title})

    async def delete(self, who: str, session_id: UUID) -> None:
        await self._ask(who, "DELETE", f"/sessions/{session_id}")

    async def sessions(self, who: str, asked: SessionPageRequest) -> Page:
        page = await self._ask(who, "GET", "/sessions", params=_query(asked))
        return [session["title"] for session in page["items"]], *_place(page)

    async def walk(self, who: str, asked: SessionPageRequest) -> list[str]:
        titles = []
        query: dict[str, Any] | None = _query(asked)
        while query:
            page = await self._ask(who, "GET", "/sessions", params=query)
            titles += [session["title"] for session in page["items"]]
            following = page["pagination"]["next_cursor"]
            query = {"limit": asked.limit, "cursor": following} if following else None
        return titles

    async def messages(self, who: str, session_id: UUID, asked: MessagePageRequest) -> Page:
        path = f"/sessions/{session_id}/messages"
        page = await self._ask(who, "GET", path, params=_query(asked))
        return [message["content"] for message in page["items"]], *_place(page)

    async def _ask(self, who: str, method: str, path: str, **request: Any) -> Any:
        bearer = {"Authorization": f"Bearer {self.token_of(who)}"}
        headers = {**bearer, **request.pop("headers", {})}
        response = await self.client.request(method, path, headers=headers, **request)
        if response.status_code in REFUSALS:
            raise REFUSALS[response.status_code]
        assert response.is_success, response.text
        return response.json() if response.content else None


def _said(contents: list[str]) -> list[dict[str, str]]:
    return [{"role": "user", "content": content} for content in contents]


def _query(asked: SessionPageRequest | MessagePageRequest) -> dict[str, Any]:
    place = {} if asked.offset is None else {"offset": asked.offset}
    return {
        **place,
        "limit": asked.limit,
        "sort_by": str(asked.sort_by),
        "sort_order": str(asked.sort_order),
    }


def _place(page: Any) -> tuple[int, bool, bool]:
    pagination = page["pagination"]
    return pagination["total"], pagination["has_next"], pagination["has_previous"]


@dataclass
class Modelled:
    owner: str
    title: str
    id: UUID | None = None
    messages: list[str] = field(default_factory=list)


@dataclass
class Asked:
    """An append under a key, and the orders of its first answer, if it was not refused."""

    who: str
    session: Modelled
    contents: list[str]
    key: str
    orders: list[int] | None = None


class History(RuleBasedStateMachine):
    """Three people, a clock that a rule moves either way, and every request in any order."""

    new_door: Callable[[ManualClock, Path], tuple[Door, Storage]]

    sessions = Bundle("sessions")
    asked = Bundle("asked")
    people = st.sampled_from(PEOPLE)
    texts = st.lists(st.text("ab🙂", max_size=3), max_size=3)
    pages = st.builds(
        PageRequest, limit=st.integers(1, 4), offset=st.integers(0, 6) | st.just(2**31 - 1)
    )

    def __init__(self) -> None:
        super().__init__()
        self.runner = asyncio.Runner()
        self.folder = tempfile.TemporaryDirectory()
        self.clock = ManualClock()
        self.door, self.storage = self.new_door(self.clock, Path(self.folder.name))
        self.run(self.storage.open())
        self.model: list[Modelled] = []

    def run(self, work: Coroutine[Any, Any, T]) -> T:
        return self.runner.run(work)

    def teardown(self) -> None:
        self.run(self.storage.close())
        self.runner.close()
        self.folder.cleanup()

    def theirs(self, who: str) -> list[Modelled]:
        return [session for session in self.model if session.owner == who]

    def refused(self, who: str, session: Modelled, work: Coroutine[Any, Any, Any]) -> bool:
        """Whether the caller may not have the session; then the service must say so rightly."""
        if session not in self.model:
            expected: type[Exception] = SessionNotFound
        elif session.owner != who:
            expected = SessionForbidden
        else:
            work.close()
            return False
        with pytest.raises(expected):
            self.run(work)
        return True

    @rule(seconds=st.sampled_from([0, 1, 60, -60]))
    def time_moves(self, seconds: int) -> None:
        self.clock.move(seconds)

    @initialize(target=sessions)
    def begin(self) -> Modelled:
        return self.created("alice", ["hello"])

    @rule(target=sessions, who=people, contents=texts)
    def create(self, who: str, contents: list[str]) -> Modelled:
        return self.created(who, contents)

    def created(self, who: str, contents: list[str]) -> Modelled:
        session = Modelled(who, title=f"s{len(self.model)}-{uuid4().hex[:4]}")
        session.id = self.run(self.door.create(who, session.title, contents))
        session.messages = list(contents)
        self.model.append(session)
        return session

    @rule(who=people, session=sessions, contents=texts.filter(bool))
    def append(self, who: str, session: Modelled, contents: list[str]) -> None:
        assert session.id
        if self.refused(who, session, self.door.append(who, session.id, contents)):
            return
        orders = self.run(self.door.append(who, session.id, contents))
        first = len(session.messages) + 1
        session.messages += contents
        assert orders == list(range(first, len(session.messages) + 1))

    @rule(target=asked, who=people, session=sessions, contents=texts.filter(bool))
    def append_once(self, who: str, session: Modelled, contents: list[str]) -> Asked:
        asked = Asked(who, session, contents, key=uuid4().hex)
        asked.orders = self.appended(asked)
        return asked

    @rule(asked=asked)
    def append_again(self, asked: Asked) -> None:
        """The first answer, whatever happened since; or the first one, if that was refused."""
        if asked.orders is None:
            asked.orders = self.appended(asked)
        elif not self.refused(asked.who, asked.session, self.sent(asked)):
            assert self.run(self.sent(asked)) == asked.orders

    def sent(self, asked: Asked) -> Coroutine[Any, Any, list[int]]:
        assert asked.session.id
        return self.door.append(asked.who, asked.session.id, asked.contents, asked.key)

    def appended(self, asked: Asked) -> list[int] | None:
        if self.refused(asked.who, asked.session, self.sent(asked)):
            return None
        first = len(asked.session.messages) + 1
        asked.session.messages += asked.contents
        orders = self.run(self.sent(asked))
        assert orders == list(range(first, len(asked.session.messages) + 1))
        return orders

    @rule(who=people, session=sessions)
    def rename(self, who: str, session: Modelled) -> None:
        assert session.id
        title = f"renamed-{uuid4().hex[:4]}"
        if self.refused(who, session, self.door.rename(who, session.id, title)):
            return
        self.run(self.door.rename(who, session.id, title))
        session.title = title

    @rule(who=people, session=sessions)
    def delete(self, who: str, session: Modelled) -> None:
        assert session.id
        if self.refused(who, session, self.door.delete(who, session.id)):
            return
        self.run(self.door.delete(who, session.id))
        self.model.remove(session)

    @rule(who=people, page=pages, sort_by=st.sampled_from(SessionSort))
    def walk_sessions(self, who: str, page: PageRequest, sort_by: SessionSort) -> None:
        """One direction is the other reversed, and each session is there once."""
        walks = []
        for sort_order in SortOrder:
            titles: list[str] = []
            offset = 0
            while True:
                asked = SessionPageRequest(
                    limit=page.limit, offset=offset, sort_by=sort_by, sort_order=sort_order
                )
                found, total, has_next, has_previous = self.run(self.door.sessions(who, asked))
                assert total == len(self.theirs(who))
                assert has_next == (offset + len(found) < total)
                assert has_previous == (offset > 0 and total > 0)
                titles += found
                offset += page.limit
                if not has_next:
                    break
            by_cursor = replace(asked, offset=None)
            assert self.run(self.door.walk(who, by_cursor)) == titles
            walks.append(titles)
        assert walks[0] == walks[1][::-1]
        assert sorted(walks[0]) == sorted(session.title for session in self.theirs(who))

    @rule(who=people, session=sessions, page=pages, sort_order=st.sampled_from(SortOrder))
    def read(self, who: str, session: Modelled, page: PageRequest, sort_order: SortOrder) -> None:
        assert session.id
        offset = page.start
        asked = MessagePageRequest(limit=page.limit, offset=offset, sort_order=sort_order)
        if self.refused(who, session, self.door.messages(who, session.id, asked)):
            return
        said = session.messages if sort_order is SortOrder.ASC else session.messages[::-1]
        items = said[offset : offset + page.limit]
        total = len(said)
        assert self.run(self.door.messages(who, session.id, asked)) == (
            items,
            total,
            offset + len(items) < total,
            offset > 0 and total > 0,
        )


def container_for(storage: Storage, clock: ManualClock, folder: Path) -> Container:
    settings = Settings(database_url="memory://", development_key_file=folder / "key.pem")
    return Container(
        settings=settings, storage=providers.Object(storage), clock=providers.Object(clock)
    )


def use_case_door(backend: str, clock: ManualClock, folder: Path) -> tuple[Door, Storage]:
    storage = BACKENDS[backend](folder)
    do = container_for(storage, clock, folder).use_cases()
    return UseCaseDoor(do, lambda who: Owner("https://issuer.example", who)), storage


def http_door(backend: str, clock: ManualClock, folder: Path) -> tuple[HttpDoor, Storage]:
    storage = BACKENDS[backend](folder)
    container = container_for(storage, clock, folder)
    client = httpx2.AsyncClient(
        transport=httpx2.ASGITransport(application(container.settings(), container)),
        base_url="http://127.0.0.1:8000",
    )
    key = container.development_key()
    return HttpDoor(client, lambda who: key.token(who, clock)), storage


DOORS: dict[str, Callable[[str, ManualClock, Path], tuple[Door, Storage]]] = {
    "use cases": use_case_door,
    "http": http_door,
}


@pytest.mark.parametrize("backend", BACKENDS)
@pytest.mark.parametrize("door", DOORS)
def test_every_history_ends_as_the_model_says(backend: str, door: str) -> None:
    class ThisHistory(History):
        @staticmethod
        def new_door(clock: ManualClock, folder: Path) -> tuple[Door, Storage]:
            return DOORS[door](backend, clock, folder)

    case = ThisHistory.TestCase
    case.settings = settings(max_examples=25, stateful_step_count=30, deadline=None)
    case("runTest").runTest()
