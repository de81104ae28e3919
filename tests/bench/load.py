"""People who come and go with their requests: how long they wait, and who is refused."""

import asyncio
import random
import time
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from functools import partial

from tests.bench import seeds
from tests.bench.client import NO_ANSWER, Answers, Connection
from tests.bench.kinds import LIST, page_path, session_path
from tests.bench.people import SAID, People
from tests.bench.plot import Axis, Points, chart
from tests.bench.turns import percentile

USERS = (100, 200, 400, 800, 1_600, 3_200)
PERSONS = 100
THINK_SECONDS = (0.5, 1.5)
WARM_SECONDS = 5.0
SECONDS = 10.0
GRACE_SECONDS = 8.0
"""For the last answers; one that is not there by then counts as an error that took as long."""


@dataclass(frozen=True, slots=True)
class Load:
    users: int
    answers: Answers

    @property
    def rate(self) -> float:
        """Successes a second."""
        return (self.answers.statuses[200] + self.answers.statuses[201]) / SECONDS

    @property
    def errors(self) -> float:
        failed = (status for status in self.answers.statuses if status not in {200, 201})
        return sum(map(self.share, failed))

    def share(self, status: int) -> float:
        """In a hundred."""
        return 100 * self.answers.statuses[status] / self.answers.statuses.total()

    def milliseconds(self, percent: int) -> float:
        return percentile(self.answers.seconds, percent) * 1000


async def loads(workers: Sequence[People], steps: Sequence[int] = USERS) -> Sequence[Load]:
    """Each user has one worker, a connection that is kept, and a second to think on average."""
    persons = [seeds.person(number) for number in range(PERSONS)]
    asked = [[_mix(people, who) for who in persons] for people in workers]
    found = []
    for users in steps:
        answers = Answers(since=time.perf_counter() + WARM_SECONDS)
        ends = answers.since + SECONDS
        tasks = []
        for number in range(users):
            worker = number % len(workers)
            mine = asked[worker][number % PERSONS]
            port = workers[worker].service.port
            tasks.append(asyncio.create_task(_user(port, mine, answers, ends)))
        await asyncio.gather(*tasks)
        found.append(Load(users, answers))
    return found


async def _user(port: int, requests: Sequence[bytes], answers: Answers, ends: float) -> None:
    think = partial(random.uniform, *THINK_SECONDS)
    mine = _until(ends, requests)
    await asyncio.sleep(random.uniform(0, THINK_SECONDS[1]))
    while time.perf_counter() < ends:
        began = time.perf_counter()
        try:
            _, connection = await asyncio.get_running_loop().create_connection(
                partial(Connection, mine, answers, think), "127.0.0.1", port
            )
        except OSError:
            answers.add(began, NO_ANSWER)
            await asyncio.sleep(think())
            continue
        await asyncio.wait([connection.done], timeout=ends + GRACE_SECONDS - time.perf_counter())
        if connection.done.done() and connection.done.exception() is not None:
            await asyncio.sleep(think())  # it was closed
        connection.give_up()


def _until(ends: float, requests: Sequence[bytes]) -> Iterator[bytes]:
    while time.perf_counter() < ends:
        yield random.choice(requests)


def _mix(people: People, who: str) -> Sequence[bytes]:
    """Of ten requests, seven for pages, one for the list, one for the session, one append."""
    page = people.get(who, page_path(people, who))
    append = people.post(who, f"{session_path(people, who)}/messages", {"messages": [SAID]})
    others = (people.get(who, LIST), people.get(who, session_path(people, who)), append)
    return [*[page] * 7, *others]


def charts(found: Mapping[str, Sequence[Load]]) -> Mapping[str, str]:
    """By the file's name: how long users wait, and how many are refused."""
    waits: dict[str, Points] = {}
    errors: dict[str, Points] = {}
    for name, some in found.items():
        waits[name] = [(load.users, load.milliseconds(99)) for load in some]
        errors[name] = [(load.users, load.errors) for load in some]
    users, share = Axis("users"), Axis("errors, in a hundred requests", is_logarithmic=False)
    return {
        "load": chart("Users at once, and p99", users, Axis("p99, milliseconds"), waits),
        "errors": chart("Users at once, and errors", users, share, errors),
    }
