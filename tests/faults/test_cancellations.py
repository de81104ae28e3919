"""A write whose task is cancelled at every moment on its way."""

import asyncio
from collections import defaultdict
from collections.abc import Callable, Coroutine, Iterator
from contextlib import suppress
from itertools import count
from typing import Any
from uuid import UUID, uuid4

import pytest

from application.ports.messages import AppendTerms
from application.ports.storage import Storage
from domain.message import NewMessage, Role
from domain.session import Session
from tests.clock import START
from tests.contract.examples import ALICE, all_messages, named, new_messages, stored_session
from tests.faults.databases import Database
from tests.tally import Tally
from tests.waiting import await_until

KEEP = AppendTerms(keeps_existing=True)
ELDEST: dict[UUID, Iterator[int]] = defaultdict(lambda: count(1))

Write = Callable[[Storage, Session], Coroutine[Any, Any, object]]


def append(storage: Storage, session: Session) -> Coroutine[Any, Any, object]:
    return storage.messages.append(ALICE, session.id, new_messages("a", "b"), START)


def keep(storage: Storage, session: Session) -> Coroutine[Any, Any, object]:
    said = named(uuid4().hex, "kept")
    return storage.messages.append(ALICE, session.id, said, START, None, KEEP)


def put(storage: Storage, session: Session) -> Coroutine[Any, Any, object]:
    return storage.messages.replace(ALICE, session.id, 1, NewMessage(Role.USER, "new"), START)


def remove(storage: Storage, session: Session) -> Coroutine[Any, Any, object]:
    """The eldest. One that is cancelled may be carried through, and the last would then be new."""
    return storage.messages.remove(ALICE, session.id, next(ELDEST[session.id]), START)


def update(storage: Storage, session: Session) -> Coroutine[Any, Any, object]:
    return storage.sessions.update(ALICE, session.id, lambda found: found._replace(title="new"))


def moments() -> Iterator[int]:
    """How many turns of the loop a task gets: the first few one by one, then ever more."""
    turns = 0
    while True:
        yield turns
        turns += 1 + turns // 8


async def is_cancelled(work: Coroutine[Any, Any, object], turns: int) -> bool:
    """Whether it was still at it after so many turns."""
    task = asyncio.ensure_future(work)
    for _ in range(turns):
        await asyncio.sleep(0)
    cancelled = task.cancel()
    with suppress(asyncio.CancelledError):
        await task
    return cancelled


@pytest.mark.parametrize("write", [append, keep, put, remove, update])
async def test_a_cancelled_write_leaves_a_clean_connection(
    database: Database, write: Write, tally: Tally
) -> None:
    """The next writes on the same storage are seen by others, and no transaction stays open. It is
    whole or absent, so the session's count stays true."""
    storage = database.storage()
    await storage.open()
    try:
        session = await stored_session(storage, ALICE, "first")
        unseen: set[str] = set()
        texts: list[str] = []
        for turns in moments():
            cancelled = await is_cancelled(write(storage, session), turns)
            new = [f"{turns}.{number}" for number in range(3)]
            for text in new:
                await storage.messages.append(ALICE, session.id, new_messages(text), START)
            texts += new
            unseen |= set(new) - set(database.seen("SELECT content FROM messages"))
            # A write that was begun is carried through, so one may be open for a moment.
            await await_until(lambda: not database.open_transactions())
            if not cancelled:
                break
        found = await storage.sessions.get(ALICE, session.id)
        assert found.message_count == len(await all_messages(storage, session))
        where = f"{database.name}, {write.__name__} cancelled"
        tally.none("P1", f"{where}: later writes unseen", unseen, of=len(texts))
    finally:
        await storage.close()
