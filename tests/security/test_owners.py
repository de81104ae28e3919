"""Histories of several people, in which everyone tries everything on everything: each gets what a
model of plain lists foretells, and no answer shows what another has said."""

import re
from collections.abc import Awaitable, Callable
from dataclasses import dataclass, replace
from typing import Any
from uuid import UUID

import httpx2
import pytest
from hypothesis import settings

from application.use_cases import UseCases
from domain.errors import SessionForbidden, SessionNotFound
from domain.message import LAST, NewMessage, Role
from domain.owner import Owner
from domain.session import NewSession, SessionPatch
from tests.conftest import Sized
from tests.contract.http_driver import HttpDriver
from tests.contract.services import serving
from tests.contract.test_histories import History
from tests.entrypoints.conftest import Api
from tests.security.kept import Kept
from tests.tally import Tally

_MARK = re.compile(r"<([\w-]+)>")


@dataclass
class MarkedDriver(HttpDriver):
    """Puts its caller's name into every text, and finds another's in no answer."""

    async def _ask(self, who: str, method: str, path: str, **request: Any) -> httpx2.Response:
        if "json" in request:
            request["json"] = _marked(request["json"], f"<{who}>")
        response = await super()._ask(who, method, path, **request)
        assert set(_MARK.findall(response.text)) <= {who}, (who, method, path, response.text)
        unmarked = _MARK.sub("", response.text)
        return httpx2.Response(response.status_code, headers=response.headers, text=unmarked)


def _marked(value: Any, mark: str) -> Any:
    if isinstance(value, dict):
        return {
            name: member if name in {"role", "external_id"} else _marked(member, mark)
            for name, member in value.items()
        }
    if isinstance(value, list):
        return [_marked(item, mark) for item in value]
    return value + mark if isinstance(value, str) else value


HISTORIES = {"memory": 3000, "sqlite": 1300, "postgresql": 750}


@pytest.mark.parametrize("backend", HISTORIES)
def test_no_history_shows_one_person_what_another_said(
    backend: str, sized: Sized, tally: Tally
) -> None:
    begun = []
    with serving(backend, "http") as served:
        driver = served.driver
        assert isinstance(driver, HttpDriver)

        marked = MarkedDriver(driver.client, driver.token_of)

        class Marked(History):
            service = replace(served, driver=marked)

            def __init__(self) -> None:
                super().__init__()
                begun.append(self)

        case = Marked.TestCase
        case.settings = settings(
            max_examples=sized(10, HISTORIES[backend]),
            stateful_step_count=sized(20, 15),
            deadline=None,
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
    "get one": lambda do, who, id_: do.get_message(who, id_, 1),
    "put": lambda do, who, id_: do.put_message(who, id_, 1, SAID[0]),
    "remove": lambda do, who, id_: do.remove_message(who, id_, LAST),
    "clear": lambda do, who, id_: do.clear_messages(who, id_),
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
