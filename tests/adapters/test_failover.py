"""A storage whose reads a standby answers while its primary is away."""

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable
from dataclasses import dataclass, field
from typing import Any
from uuid import uuid4

import pytest

from adapters.failover import FailoverStorage
from adapters.failover import storage as failover
from adapters.memory import MemoryStorage
from application.errors import Unavailable, Unreachable
from domain.errors import SessionNotFound
from domain.message_page import MessagePageRequest
from domain.session import Session
from domain.session_page import SessionPageRequest
from entrypoints import time_limits
from tests.contract.examples import ALICE, new_messages, started, stored_session
from tests.waiting import WAIT_SECONDS


class Away(MemoryStorage):
    """One that can be told to be away, or not to answer."""

    refusing = False
    is_busy = False
    answering: asyncio.Event

    def __init__(self) -> None:
        super().__init__()
        self.answering = asyncio.Event()
        self.answering.set()

    @property
    def sessions(self) -> Any:
        return _Gated(super().sessions, self.check)

    @property
    def messages(self) -> Any:
        return _Gated(super().messages, self.check)

    async def check(self) -> None:
        await self.answering.wait()
        if self.refusing:
            raise Unreachable("away")
        if self.is_busy:
            raise Unavailable("every connection is in use")


class _Gated:
    def __init__(self, repository: object, check: Callable[[], Awaitable[None]]) -> None:
        self._repository = repository
        self._check = check

    def __getattr__(self, name: str) -> Callable[..., Awaitable[Any]]:
        async def act(*given: object) -> Any:
            await self._check()
            return await getattr(self._repository, name)(*given)

        return act


@dataclass
class Pair:
    primary: Away = field(default_factory=Away)
    standby: Away = field(default_factory=Away)
    served: int = 0
    changes: list[str | None] = field(default_factory=list)
    is_back: asyncio.Event = field(default_factory=asyncio.Event)

    def __post_init__(self) -> None:
        self.storage = FailoverStorage(
            self.primary,
            self.standby,
            self._serve,
            self._change,
            primary_timeout=time_limits.PRIMARY_TIMEOUT,
        )

    def _serve(self) -> None:
        self.served += 1

    def _change(self, away: str | None) -> None:
        self.changes.append(away)
        if away is None:
            self.is_back.set()

    async def back(self) -> None:
        async with asyncio.timeout(WAIT_SECONDS):
            await self.is_back.wait()


@pytest.fixture
async def pair(monkeypatch: pytest.MonkeyPatch) -> AsyncIterator[Pair]:
    monkeypatch.setattr(failover, "PROBE_INTERVAL", 0)
    made = Pair()
    await made.storage.open()
    yield made
    await made.storage.close()


async def known(pair: Pair) -> Session:
    """A session that both have."""
    session, messages = started(ALICE, new_messages("one"), external_id="trip")
    for storage in (pair.primary, pair.standby):
        await storage.sessions.add(session, messages)
    return session


def reads(pair: Pair, session: Session) -> list[Callable[[], Awaitable[Any]]]:
    storage = pair.storage
    return [
        lambda: storage.sessions.get(ALICE, session.id),
        lambda: storage.sessions.page(ALICE, SessionPageRequest()),
        lambda: storage.sessions.exists(session.id),
        lambda: storage.sessions.find(ALICE, "trip"),
        lambda: storage.messages.page(ALICE, session.id, MessagePageRequest()),
        lambda: storage.messages.get(ALICE, session.id, 1),
    ]


async def test_the_primary_answers_while_it_is_there(pair: Pair) -> None:
    """Also that there is nothing."""
    for read in reads(pair, await known(pair)):
        await read()
    with pytest.raises(SessionNotFound):
        await pair.storage.sessions.get(ALICE, uuid4())
    with pytest.raises(SessionNotFound):
        await pair.storage.sessions.find(ALICE, "other")
    assert not await pair.storage.sessions.exists(uuid4())
    assert (pair.served, pair.changes) == (0, [])


async def test_while_it_is_away_the_standby_does_and_that_is_told(pair: Pair) -> None:
    session = await known(pair)
    pair.primary.refusing = True
    pair.primary.answering.clear()
    asked = [asyncio.ensure_future(read()) for read in reads(pair, session)]
    await asyncio.sleep(0)
    pair.primary.answering.set()
    assert all(await asyncio.gather(*asked))
    assert all([await read() for read in reads(pair, session)])
    assert (pair.served, pair.changes) == (2 * len(asked), ["away"])


async def test_one_that_is_busy_is_not_away(pair: Pair) -> None:
    """What it has acknowledged is not read from elsewhere, where it may be lacking."""
    session = await known(pair)
    pair.primary.is_busy = True
    for read in reads(pair, session):
        with pytest.raises(Unavailable):
            await read()
    assert (pair.served, pair.changes) == (0, [])


async def test_what_a_standby_lacks_may_be_new(pair: Pair) -> None:
    """A session, or a message of one that it has."""
    old, new = await known(pair), await stored_session(pair.primary)
    pair.primary.refusing = True
    get, _, exists, _, page, message = reads(pair, new)
    for read in (get, exists, page, message):
        with pytest.raises(Unavailable):
            await read()
    for lacking in (
        pair.storage.sessions.find(ALICE, "new"),
        pair.storage.messages.get(ALICE, old.id, 2),
    ):
        with pytest.raises(Unavailable):
            await lacking
    assert pair.served == 0


async def test_once_it_is_back_it_answers_again(pair: Pair) -> None:
    session = await known(pair)
    get, *_ = reads(pair, session)
    pair.primary.refusing = True
    assert (await get()).message_count == 1
    pair.primary.refusing = False
    await pair.back()
    assert await get() == session
    assert (pair.served, pair.changes) == (1, ["away", None])


async def test_one_that_does_not_answer_is_away(pair: Pair) -> None:
    """It is waited for once, not by each read."""
    session = await known(pair)
    pair.storage.primary_timeout = 0
    pair.primary.answering.clear()
    for read in reads(pair, session):
        assert await read()
        pair.storage.primary_timeout = WAIT_SECONDS
    assert pair.served == len(reads(pair, session))
    with pytest.raises(Unavailable, match="the primary does not answer in time"):
        await pair.storage.check()


async def test_a_check_finds_it_away_too(pair: Pair) -> None:
    session = await known(pair)
    await pair.storage.check()
    pair.storage.primary_timeout = 0
    pair.primary.answering.clear()
    with pytest.raises(Unavailable):
        await pair.storage.check()
    assert await reads(pair, session)[0]()
    assert (pair.served, pair.changes) == (1, ["the primary does not answer in time"])
    pair.storage.primary_timeout = WAIT_SECONDS
    pair.primary.answering.set()
    await pair.back()
    await pair.storage.check()


async def test_without_either_nothing_is_served(pair: Pair) -> None:
    session = await known(pair)
    pair.primary.refusing = pair.standby.refusing = True
    for read in reads(pair, session):
        with pytest.raises(Unavailable):
            await read()
    assert pair.served == 0
