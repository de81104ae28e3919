"""Histories of several people, in which everyone tries everything on everything: each gets what a
model of plain lists foretells, and no answer shows what another has said."""

import json
import re
from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any
from uuid import UUID

import pytest
from hypothesis import settings

from application.ports.storage import Storage
from application.use_cases import UseCases
from domain.errors import SessionForbidden, SessionNotFound
from domain.message import NewMessage, Role
from domain.owner import Owner
from domain.session import NewSession, SessionPatch
from tests.clock import ManualClock
from tests.conftest import Sized
from tests.contract.test_histories import Door, History, HttpDoor, http_door
from tests.entrypoints.conftest import Api
from tests.security.kept import Kept
from tests.tally import Tally

_MARK = re.compile(r"<(\w+)>")


@dataclass
class MarkedDoor(HttpDoor):
    """Puts its caller's name into every text, and finds another's in no answer."""

    async def _ask(self, who: str, method: str, path: str, **request: Any) -> Any:
        if "json" in request:
            request["json"] = _marked(request["json"], f"<{who}>")
        answer = await super()._ask(who, method, path, **request)
        shown = json.dumps(answer)
        assert set(_MARK.findall(shown)) <= {who}, (who, method, path, shown)
        return json.loads(_MARK.sub("", shown))


def _marked(value: Any, mark: str) -> Any:
    if isinstance(value, dict):
        return {
            name: member if name == "role" else _marked(member, mark)
            for name, member in value.items()
        }
    if isinstance(value, list):
        return [_marked(item, mark) for item in value]
    return value + mark


HISTORIES = {"memory": 3000, "sqlite": 1300, "postgresql": 750}


@pytest.mark.parametrize("backend", HISTORIES)
def test_no_history_shows_one_person_what_another_said(
    backend: str, sized: Sized, tally: Tally
) -> None:
    begun: list[ManualClock] = []

    class Marked(History):
        @staticmethod
        def new_door(clock: ManualClock, folder: Path) -> tuple[Door, Storage]:
            begun.append(clock)
            door, storage = http_door(backend, clock, folder)
            return MarkedDoor(door.client, door.token_of), storage

    case = Marked.TestCase
    case.settings = settings(
        max_examples=sized(10, HISTORIES[backend]), stateful_step_count=sized(20, 15), deadline=None
    )
    case("runTest").runTest()
    tally.none("P5", f"{backend}: histories with a leak", [], of=len(begun))


UseCase = Callable[[UseCases, Owner, UUID], Awaitable[object]]

SAID = [NewMessage(Role.USER, "x")]
USE_CASES: dict[str, UseCase] = {
    "get": lambda do, who, id_: do.get_session(who, id_),
    "update": lambda do, who, id_: do.update_session(who, id_, SessionPatch(title="x")),
    "delete": lambda do, who, id_: do.delete_session(who, id_),
    "read": lambda do, who, id_: do.get_messages(who, id_),
    "append": lambda do, who, id_: do.append_messages(who, id_, SAID),
    "append once": lambda do, who, id_: do.append_messages.once("key", who, id_, SAID),
}
STRANGERS = [
    Owner("https://issuer.example", "bob"),
    Owner("https://issuer.example", "Alice"),
    Owner("https://issuer.example/", "alice"),
    Owner("https://Issuer.example", "alice"),
    Owner("https://issuer.examplealice", "alice"),
]


@pytest.mark.parametrize("use_case", USE_CASES.values(), ids=USE_CASES)
async def test_whoever_is_no_owner_is_refused_without_http_too(
    api: Api, kept: Kept, use_case: UseCase
) -> None:
    """The owner is the pair of issuer and subject, and each letter of both counts."""
    do = api.container.use_cases()
    alice = Owner("https://issuer.example", "alice")
    session = await do.create_session.once("key", alice, NewSession("mine"), SAID)
    before = await kept.contents()
    for stranger in STRANGERS:
        with pytest.raises(SessionForbidden):
            await use_case(do, stranger, session.value.id)
        with pytest.raises(SessionNotFound):
            await use_case(do, stranger, api.container.identifiers().new())
        assert (await do.list_sessions(stranger)).total == 0
    assert await kept.contents() == before


async def test_an_idempotency_key_is_its_owners_alone(api: Api) -> None:
    """Another's key gives nobody another's answer, and keeps nobody from using it."""
    do = api.container.use_cases()
    owners = [Owner("https://issuer.example", "alice"), *STRANGERS]
    made = [await do.create_session.once("key", who, NewSession("mine"), SAID) for who in owners]
    assert not any(written.replayed for written in made)
    assert len({written.value.id for written in made}) == len(owners)
    for who, written in zip(owners, made, strict=True):
        appended = await do.append_messages.once("key", who, written.value.id, SAID)
        assert not appended.replayed
