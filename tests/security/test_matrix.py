"""Who gets what: every route, asked with every method, by everyone, for every kind of id."""

from dataclasses import dataclass, field
from itertools import product
from typing import Any

import httpx2
import pytest

from tests.conftest import Sized
from tests.entrypoints.conftest import Api
from tests.routes import METHODS, OPEN, PATHS, known_routes, live_routes, routes_at
from tests.security.kept import KEPT, Kept
from tests.security.people import Person, people
from tests.tally import Tally

MISSING = "01a20ab2-e3be-7336-be46-7b4184e042f7"
MALFORMED = "01A20AB2-E3BE-7336-BE46-7B4184E042F7"
IDS = ("own", "foreign", "missing", "malformed")

CHANGING = {"POST", "PUT", "PATCH", "DELETE"}


def test_every_route_of_the_application_is_in_the_table() -> None:
    """As open to all or not, with its methods, name and parameters: else no test would ask it."""
    assert live_routes() == known_routes()


@dataclass
class World:
    api: Api
    people: dict[str, Person]
    sessions: dict[str, str] = field(default_factory=dict)

    async def id_for(self, who: str, which: str) -> str:
        """A session's id of that kind, seen from `who`: of someone whose token does not hold, the
        owner's is called their own."""
        if which == "missing":
            return MISSING
        if which == "malformed":
            return MALFORMED
        owner = who if self.people[who].holds else "owner"
        if which == "foreign":
            owner = "other" if owner == "owner" else "owner"
        if owner not in self.sessions:
            self.sessions[owner] = await self.people[owner].new_session()
        return self.sessions[owner]

    def forget(self, session_id: str) -> None:
        self.sessions = {who: id_ for who, id_ in self.sessions.items() if id_ != session_id}

    def leaked(self, who: str, answer: httpx2.Response) -> bool:
        """Whether it shows anything that is not the caller's."""
        shown = answer.text + str(answer.headers)
        return any(
            person.canary in shown
            for name, person in self.people.items()
            if name != who or not person.holds
        )


def expected(path: str, method: str, person: Person, which: str, *, hidden: bool) -> int:
    route = routes_at(path).get(method)
    if method == "OPTIONS":
        return 204
    if path in OPEN and method in {"GET", "HEAD"}:
        return OPEN[path][1]
    if route is None:
        return 405
    if not person.holds:
        return 401
    if which == "foreign":
        return 404 if hidden else 403
    return route.status if which == "own" else 404


def told(answer: httpx2.Response) -> tuple[int, dict[str, str], dict[str, Any]]:
    """What it tells apart from which request it answers."""
    headers = {name: value for name, value in answer.headers.items() if name != "x-request-id"}
    body = answer.json() if answer.content else {}
    return answer.status_code, headers, body | {"instance": None, "request_id": None}


@pytest.mark.parametrize(
    ("kept", "hidden"), [*product(KEPT, [False]), ("memory", True)], indirect=["kept"]
)
class TestMatrix:
    """What is foreign is hidden by the application, which no storage sees anything of."""

    @pytest.fixture
    def options(self, *, hidden: bool) -> dict[str, Any]:
        return {"hide_foreign_sessions": hidden}

    async def test_everyone_gets_their_own_and_nothing_else(
        self, api: Api, kept: Kept, sized: Sized, tally: Tally, *, hidden: bool
    ) -> None:
        """And what is refused leaves the storage as it was, to the byte. What is open to all is
        the same before every storage, and at the small size asked before one."""
        everywhere = kept.name == "memory" and not hidden
        paths = [*PATHS, *OPEN] if everywhere or sized(0, 1) else PATHS
        world = World(api, people(api))
        for who, person in world.people.items():
            if person.holds:
                await world.id_for(who, "own")
        before = await kept.contents()
        wrong, asked = [], 0
        answers: dict[tuple[str, ...], httpx2.Response] = {}
        for path, method, who in product(paths, METHODS, world.people):
            for which in IDS if "{session_id}" in path else IDS[:1]:
                asked += 1
                person = world.people[who]
                known = set(world.sessions)
                session_id = await world.id_for(who, which)
                if set(world.sessions) != known:
                    before = await kept.contents()
                route = routes_at(path).get(method)
                target = path.replace("{session_id}", session_id).replace("{message_order}", "1")
                if route and route.query:
                    target += f"?{route.query}"
                answer = await person.ask(method, target, json=route.body if route else None)
                after = await kept.contents()
                answers[path, method, who, which] = answer
                status = expected(path, method, person, which, hidden=hidden)
                may_change = answer.is_success and method in CHANGING and path in PATHS
                may_change &= route is None or route.changes
                if (
                    answer.status_code != status
                    or world.leaked(who, answer)
                    or ("www-authenticate" in answer.headers) != (status == 401)
                    or (after != before) != may_change
                ):
                    wrong.append((path, method, who, which, answer.status_code))
                if may_change and method == "DELETE":
                    world.forget(session_id)
                before = after
        name = f"{kept.name}, foreign sessions {'hidden' if hidden else 'shown'}"
        tally.none("P5", f"{name}: wrong answers of the matrix", wrong, of=asked)
        assert not hidden or not [
            case
            for case, answer in answers.items()
            if case[-1] == "foreign" and told(answer) != told(answers[*case[:-1], "missing"])
        ]
