"""Writers of one session while others replace, take back and clear, through the use cases."""

import asyncio
import random
from collections import Counter
from collections.abc import AsyncIterator, Sequence
from contextlib import AsyncExitStack, asynccontextmanager, suppress
from dataclasses import dataclass, field
from functools import partial
from itertools import count, pairwise
from uuid import UUID

from adapters.system import SystemClock, Uuid7Identifiers
from application.ports.messages import AppendTerms
from application.use_cases import UseCases, build_use_cases
from domain.errors import MessageNotFound
from domain.external_id import ExternalId
from domain.message import LAST, Message, NewMessage, Role
from domain.message_page import MessagePageRequest
from domain.owner import Owner
from domain.session import Session
from tests.conftest import Sized
from tests.faults.databases import Database
from tests.tally import Tally

ALICE = Owner("https://issuer.example", "alice")
KEEP = AppendTerms(keeps_existing=True)
WRITERS, POPPERS, EDITORS = 64, 8, 8
WAYS = ("plain", "keyed", "named")
KEPT_BY_CLEARING = 50
"""Messages behind the newest that a clearing leaves."""


@asynccontextmanager
async def use_cases(database: Database) -> AsyncIterator[Sequence[UseCases]]:
    """As many as the database takes processes, each on a storage of its own."""
    async with AsyncExitStack() as stack:
        found = []
        for _ in range(database.processes):
            storage = database.storage()
            await storage.open()
            stack.push_async_callback(storage.close)
            ids = Uuid7Identifiers()
            found.append(build_use_cases(storage=storage, clock=SystemClock(), identifiers=ids))
        yield found


@dataclass
class Race:
    """What each was answered, in a session that all change at once."""

    processes: Sequence[UseCases]
    session: UUID
    turns: int
    chance: random.Random = field(default_factory=random.Random)
    appended: list[Message] = field(default_factory=list)
    repeated: list[Message] = field(default_factory=list)
    replaced: list[Message] = field(default_factory=list)
    popped: list[Message] = field(default_factory=list)
    cleared: int = 0
    writing: int = WRITERS

    async def run(self) -> None:
        numbers = count()
        async with asyncio.TaskGroup() as group:
            for act, times in (
                (self.write, WRITERS),
                (self.pop, POPPERS),
                (self.edit, EDITORS),
                (self.clear, 1),
            ):
                for _ in range(times):
                    number = next(numbers)
                    do = self.processes[number % len(self.processes)]
                    group.create_task(act(do, f"{number}"))

    async def write(self, do: UseCases, name: str) -> None:
        """Plainly, and twice under a key, and twice under external ids."""
        for turn in range(self.turns):
            kind = WAYS[turn % len(WAYS)]
            texts = [f"{name}.{turn}.{place}" for place in range(1 + turn % 2)]
            said = [
                NewMessage(Role.USER, text, external_id=text if kind == "named" else None)
                for text in texts
            ]
            key = texts[0] if kind == "keyed" else None
            append = partial(do.append_messages.once, key, ALICE, self.session, said, KEEP)
            stored = (await append()).value
            self.appended += stored
            if kind != "plain":
                known = {one.id for one in stored}
                again = (await append()).value
                anew = [one for one in again if one.id not in known and one.content in texts]
                self.repeated += anew if kind == "keyed" else ()
                self.appended += anew
        self.writing -= 1

    async def pop(self, do: UseCases, _: str) -> None:
        while self.writing:
            with suppress(MessageNotFound):
                self.popped.append(await do.remove_message(ALICE, self.session, LAST))
            await asyncio.sleep(self.chance.uniform(0, 0.05))

    async def edit(self, do: UseCases, name: str) -> None:
        for turn in count():
            if not self.writing:
                return
            if self.appended:
                one = self.chance.choice(self.appended[-20:])
                named = ExternalId(one.external_id) if one.external_id else one.message_order
                new = NewMessage(Role.ASSISTANT, f"edit {name}.{turn}")
                with suppress(MessageNotFound):
                    put = await do.put_message(ALICE, self.session, named, new)
                    (self.appended if put.appended else self.replaced).append(put.message)
            await asyncio.sleep(self.chance.uniform(0, 0.05))

    async def clear(self, do: UseCases, _: str) -> None:
        while self.writing:
            newest = max((one.message_order for one in self.appended), default=0)
            before = newest - KEPT_BY_CLEARING
            self.cleared += await do.clear_messages(ALICE, self.session, before=max(before, 0))
            await asyncio.sleep(self.chance.uniform(0.05, 0.2))

    async def left(self) -> list[Message]:
        messages: list[Message] = []
        while True:
            after = messages[-1].message_order if messages else 0
            asked = MessagePageRequest(after=after, limit=200)
            page = await self.processes[0].get_messages(ALICE, self.session, asked)
            messages += page.items
            if not page.has_next:
                assert page.total == len(messages)
                return messages

    def newest(self) -> dict[int, Message]:
        """Each message by its order, as the last who changed it was told that it is."""
        found: dict[int, Message] = {}
        for one in (*self.appended, *self.replaced):
            if one.message_order not in found or one.version > found[one.message_order].version:
                found[one.message_order] = one
        return found


async def test_of_what_many_append_replace_and_take_back_the_rest_is_there(
    database: Database, sized: Sized, tally: Tally
) -> None:
    """Orders have no gap but what was removed. Nothing is lost, given twice, or back again."""
    async with use_cases(database) as processes:
        session = await processes[0].create_session(ALICE)
        race = Race(processes, session.id, turns=sized(6, 200))
        await race.run()
        left, found = await race.left(), await processes[0].get_session(ALICE, session.id)
    where = f"{database.name}, {WRITERS} append, others replace, pop and clear"
    check_orders(race, tally, where, found)
    check_messages(race, tally, where, left)
    removed = len(race.popped) + race.cleared
    lost = range(len(race.appended) - removed - len(left))
    tally.none("P1", f"{where}: lost", lost, of=len(race.appended))
    assert (found.message_count, found.removed_count) == (len(left), removed)
    assert race.replaced
    assert race.popped
    assert race.cleared


def check_orders(race: Race, tally: Tally, where: str, found: Session) -> None:
    given = [one.message_order for one in race.appended]
    repeated = [order for order, times in Counter(given).items() if times > 1]
    tally.none("P3", f"{where}: orders given twice", repeated, of=len(given))
    gaps = set(range(1, found.last_order + 1)).symmetric_difference(given)
    tally.none("P3", f"{where}: orders missing", gaps, of=len(given))
    in_order = sorted(race.appended, key=lambda one: one.message_order)
    back = [later for one, later in pairwise(in_order) if later.timestamp <= one.timestamp]
    tally.none("P3", f"{where}: times that go back", back, of=len(given))


def check_messages(race: Race, tally: Tally, where: str, left: Sequence[Message]) -> None:
    newest = race.newest()
    last_seen = [*left, *race.popped]
    wrong = [one for one in last_seen if newest[one.message_order] != one]
    tally.none("P1", f"{where}: other than was answered", wrong, of=len(last_seen))
    seen = Counter(one.message_order for one in last_seen)
    doubled = [order for order, times in seen.items() if times > 1]
    tally.none("P2", f"{where}: there though removed, or twice", doubled, of=len(race.appended))
    tally.none("P2", f"{where}: stored by a retry", race.repeated, of=len(race.appended))
    assert [one.message_order for one in left] == sorted(one.message_order for one in left)
