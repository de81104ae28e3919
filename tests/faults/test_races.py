"""Writers and readers of one session at once."""

import asyncio
import itertools

import httpx2

from tests.conftest import Sized
from tests.faults.crowd import Https, by_clients, new_session, said, walked
from tests.faults.databases import Database
from tests.faults.ledger import is_in_order
from tests.tally import Tally


async def test_order_is_total_and_has_no_gap(
    https: Https, shared_database: Database, sized: Sized, tally: Tally
) -> None:
    """Whoever appends at the same time, and time goes with it."""
    writers, appends = sized(8, 64), sized(25, 200)
    session = await new_session(https[0])
    path = f"/sessions/{session}/messages"
    failed = []

    async def write(http: httpx2.AsyncClient) -> None:
        for _ in range(appends):
            answer = await http.post(path, json=said("x"))
            if answer.status_code != 201:
                failed.append(answer.text)

    async with asyncio.TaskGroup() as group:
        for _, http in zip(range(writers), itertools.cycle(https), strict=False):
            group.create_task(write(http))
    items = await walked(https[0], path + "?")
    total = writers * appends
    where = f"{shared_database.name}, {writers} writers on one session"
    tally.none("P3", f"{where}: appends refused", failed, of=total)
    wrong = [] if is_in_order({"message_count": total}, items) else items
    tally.none("P3", f"{where}: gaps, repeats, reorders", wrong, of=total)


async def test_an_append_and_a_deletion_leave_nothing_between_them(
    https: Https, shared_database: Database, sized: Sized, tally: Tally
) -> None:
    rounds = sized(40, 1000)
    wrong = []

    async def act(number: int) -> None:
        path = f"/sessions/{await new_session(https[0])}"
        first, second = https if number % 2 else reversed(https)
        append = first.post(f"{path}/messages", json=said("doomed", "doomed"))
        answers = await asyncio.gather(append, second.delete(path))
        found = [answer.status_code for answer in (*answers, await first.get(path))]
        if found not in ([201, 204, 404], [404, 204, 404]):
            wrong.append(found)

    await by_clients(rounds, act)
    tally.none(
        "P3", f"{shared_database.name}, append against deletion: wrong answers", wrong, of=rounds
    )
    left = shared_database.seen("SELECT session_id FROM messages WHERE content = 'doomed'")
    tally.none("P3", f"{shared_database.name}, append against deletion: rows left", left, of=rounds)


async def test_what_was_written_is_read(
    https: Https, shared_database: Database, sized: Sized, tally: Tally
) -> None:
    """At once, through the other process."""
    rounds = sized(100, 10_000)
    session = await new_session(https[0])
    path = f"/sessions/{session}/messages"
    unread = []

    async def act(number: int) -> None:
        writer, reader = https if number % 2 else reversed(https)
        (written,) = (await writer.post(path, json=said(str(number)))).json()["items"]
        order = written["message_order"]
        (read,) = (await reader.get(f"{path}?limit=1&offset={order - 1}")).json()["items"]
        counted = (await reader.get(f"/sessions/{session}")).json()["message_count"]
        if read != written or counted < order:
            unread.append(written)

    await by_clients(rounds, act)
    tally.none("P4", f"{shared_database.name}, own writes not read", unread, of=rounds)


async def test_a_title_and_a_message_given_at_once_both_stay(
    https: Https, shared_database: Database, sized: Sized, tally: Tally
) -> None:
    rounds = sized(40, 1000)
    lost = []

    async def act(number: int) -> None:
        path = f"/sessions/{await new_session(https[0])}"
        first, second = https if number % 2 else reversed(https)
        rename = first.patch(path, json={"title": str(number)})
        await asyncio.gather(rename, second.post(f"{path}/messages", json=said("a")))
        found = (await first.get(path)).json()
        if (found["title"], found["message_count"]) != (str(number), 1):
            lost.append(found)

    await by_clients(rounds, act)
    tally.none(
        "P3", f"{shared_database.name}, title beside append: one of them lost", lost, of=rounds
    )
