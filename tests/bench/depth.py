"""What a page costs by how deep it lies: `make bench` prints the ratios.

One session of 200,000 messages on SQLite. In each round every way of reading is timed in turn, so
that what slows the machine slows all of them; a ratio is the median over the rounds.
"""

import asyncio
import statistics
import tempfile
import time
from collections.abc import Awaitable, Callable, Mapping
from pathlib import Path
from uuid import UUID, uuid4

from sqlalchemy import select

from adapters.sql import SqliteDatabase, SqlStorage
from adapters.sql.schema import messages
from domain.message import NewMessage, Role
from domain.metadata import EMPTY
from domain.owner import Owner
from domain.page import MessagePageRequest, SortOrder
from domain.session import Session
from tests.clock import START

TOTAL = 200_000
LIMIT = 50
ROUNDS = 15
CALLS = 40
"""Pages read in a row for each time taken."""

ALICE = Owner("issuer", "alice")

Read = Callable[[], Awaitable[object]]


async def filled(storage: SqlStorage) -> UUID:
    session = Session.started(uuid4(), ALICE, START, title=None, metadata=EMPTY)
    await storage.sessions.add(session, ())
    said = NewMessage(Role.USER, "x" * 300)
    for _ in range(TOTAL // 1000):
        batch = {uuid4(): said for _ in range(1000)}
        await storage.messages.append(ALICE, session.id, batch, START)
    return session.id


def reads(storage: SqlStorage, session_id: UUID) -> Mapping[str, Read]:
    def page(offset: int, sort_order: SortOrder) -> Read:
        request = MessagePageRequest(limit=LIMIT, offset=offset, sort_order=sort_order)
        return lambda: storage.messages.page(ALICE, session_id, request)

    last = TOTAL - LIMIT
    return {
        "first page": page(0, SortOrder.ASC),
        "middle page": page(TOTAL // 2, SortOrder.ASC),
        "last page": page(last, SortOrder.ASC),
        "first page, newest first": page(0, SortOrder.DESC),
        "last page, newest first": page(last, SortOrder.DESC),
        "last page by SQL's OFFSET": by_sql_offset(storage, session_id, last),
    }


def by_sql_offset(storage: SqlStorage, session_id: UUID, offset: int) -> Read:
    """What one writes without thinking, for comparison."""
    statement = (
        select(messages)
        .where(messages.c.owner == ALICE.key, messages.c.session_id == session_id)
        .order_by(messages.c.message_order)
        .limit(LIMIT)
        .offset(offset)
    )
    return lambda: storage._database.read(statement, {})  # noqa: SLF001 - no port reads so


async def timed(read: Read) -> float:
    began = time.process_time()
    for _ in range(CALLS):
        await read()
    return (time.process_time() - began) / CALLS


async def main() -> None:
    with tempfile.TemporaryDirectory() as folder:
        storage = SqlStorage(SqliteDatabase(Path(folder) / "chat.db"))
        await storage.open()
        ways = reads(storage, await filled(storage))
        rounds = [{name: await timed(read) for name, read in ways.items()} for _ in range(ROUNDS)]
        await storage.close()
    print(f"{TOTAL:,} messages, pages of {LIMIT}, SQLite, {ROUNDS} rounds of {CALLS} pages each\n")
    print("| page | CPU ms, median | times the first page, median (least - most) |")
    print("|---|---|---|")
    for name in ways:
        ratios = [timings[name] / timings["first page"] for timings in rounds]
        milliseconds = statistics.median(timings[name] for timings in rounds) * 1000
        print(
            f"| {name} | {milliseconds:.2f} | {statistics.median(ratios):.2f} "
            f"({min(ratios):.2f} - {max(ratios):.2f}) |"
        )


if __name__ == "__main__":
    asyncio.run(main())
