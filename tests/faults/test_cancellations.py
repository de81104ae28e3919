"""A write whose task is cancelled at every moment on its way."""

import asyncio
from collections.abc import Callable, Coroutine, Iterator
from contextlib import suppress
from dataclasses import replace
from typing import Any

import pytest

from application.ports.storage import Storage
from domain.session import Session
from tests.clock import START
from tests.contract.examples import ALICE, new_messages, stored_session
from tests.faults.databases import Database
from tests.tally import Tally
from tests.waiting import await_until

Write = Callable[[Storage, Session], Coroutine[Any, Any, object]]


def append(storage: Storage, session: Session) -> Coroutine[Any, Any, object]:
    return storage.messages.append(ALICE, session.id, new_messages("a", "b"), START)


def update(storage: Storage, session: Session) -> Coroutine[Any, Any, object]:
    return storage.sessions.update(ALICE, session.id, lambda found: replace(found, title="new"))


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


@pytest.mark.parametrize("write", [append, update])
async def test_a_cancelled_write_leaves_a_clean_connection(
    database: Database, write: Write, tally: Tally
) -> None:
    """The next writes on the same storage are seen by others, and no transaction stays open."""
    storage = database.storage()
    await storage.open()
    try:
        session = await stored_session(storage)
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
        where = f"{database.name}, {write.__name__} cancelled"
        tally.none("P1", f"{where}: later writes unseen", unseen, of=len(texts))
    finally:
        await storage.close()
