"""One key, many requests."""

import asyncio
import itertools
from collections import Counter

from tests.conftest import Sized
from tests.faults.crowd import Https, by_clients, new_session, said, walked
from tests.faults.databases import Database
from tests.tally import Tally


async def test_a_race_on_one_key_is_won_once(
    https: Https, shared_database: Database, sized: Sized, tally: Tally
) -> None:
    """Every rival gets the winner's answer, and is told that it is a replay."""
    rivals, keys = 64, sized(2, 20)
    session = await new_session(https[0])
    wrong = []
    for number in range(keys):
        path = "/sessions" if number % 2 else f"/sessions/{session}/messages"
        headers = {"Idempotency-Key": f"race {number}"}
        posts = (
            http.post(path, json=said(f"race {number}"), headers=headers)
            for _, http in zip(range(rivals), itertools.cycle(https), strict=False)
        )
        answers = await asyncio.gather(*posts)
        replayed = [answer.headers.get("Idempotent-Replayed") for answer in answers]
        bodies = {answer.text for answer in answers}
        statuses = {answer.status_code for answer in answers}
        if (statuses, len(bodies)) != ({201}, 1) or replayed.count("true") != rivals - 1:
            wrong.append((number, statuses, len(bodies), replayed.count("true")))
    tally.none(
        "P2", f"{shared_database.name}, keys with {rivals} rivals: not won once", wrong, of=keys
    )
    stored = shared_database.seen("SELECT content FROM messages WHERE content LIKE 'race %'")
    assert sorted(stored) == sorted(f"race {number}" for number in range(keys))


async def test_a_retry_happens_once(
    https: Https, shared_database: Database, sized: Sized, tally: Tally
) -> None:
    """After the first answer, through another process, or beside it."""
    pairs = sized(100, 10_000)
    path = f"/sessions/{await new_session(https[0])}/messages"
    wrong = []

    async def act(number: int) -> None:
        headers = {"Idempotency-Key": f"pair {number}"}
        posts = [http.post(path, json=said(str(number)), headers=headers) for http in https]
        if number % 2:
            answers = [await post for post in posts]
        else:
            answers = await asyncio.gather(*posts)
        if {answer.status_code for answer in answers} != {201} or len(
            {a.text for a in answers}
        ) != 1:
            wrong.append((number, [answer.status_code for answer in answers]))

    await by_clients(pairs, act)
    tally.none(
        "P2", f"{shared_database.name}, key-and-retry pairs answered unalike", wrong, of=pairs
    )
    stored = Counter(item["content"] for item in await walked(https[0], path + "?"))
    assert stored.keys() == {str(number) for number in range(pairs)}
    doubled = [text for text, times in stored.items() if times > 1]
    tally.none("P2", f"{shared_database.name}, key-and-retry pairs stored twice", doubled, of=pairs)
