"""Nobody can say whom they are: not in a path, a query, a header, a cookie or a body."""

import re
from collections.abc import Iterator
from functools import partial
from typing import Any

import pytest

from entrypoints.http.app import routed_app
from tests.entrypoints.conftest import Api, problem
from tests.routes import ROUTES, requests
from tests.security.kept import Kept
from tests.security.people import people

NAMES_A_PERSON = re.compile(
    r"(^|[_-])(account|actor|as|author|caller|customer|email|identity|iss|issuer|login|member"
    r"|on-behalf-of|organi[sz]ation|owner|person|principal|realm|sub|subject|tenant|uid|user"
    r"|users|who|workspace)([_-]|$)|user|owner",
    re.IGNORECASE,
)
SAID = ("user_id", "user", "owner", "subject", "sub", "issuer", "iss", "tenant", "as")
HEADERS = (
    "From", "Remote-User", "X-Auth-Request-User", "X-Authenticated-Userid", "X-Forwarded-User",
    "X-On-Behalf-Of", "X-Owner", "X-Tenant-ID", "X-User", "X-User-ID",
)  # fmt: skip


def parameters() -> Iterator[tuple[str, str]]:
    """Where a request can say anything by name, and the name, as the description has them."""
    described = routed_app().openapi()
    for path, operations in described["paths"].items():
        for method, operation in operations.items():
            where = f"{method} {path}"
            for parameter in operation.get("parameters", []):
                yield f"{where}, {parameter['in']}", parameter["name"]
            for content in operation.get("requestBody", {}).get("content", {}).values():
                for name in _members(content["schema"], described):
                    yield f"{where}, body", name


def _members(schema: Any, described: Any) -> Iterator[str]:
    """Of every object in it. The description's schemas do not hold themselves."""
    if isinstance(schema, list):
        for part in schema:
            yield from _members(part, described)
    elif isinstance(schema, dict):
        if "$ref" in schema:
            yield from _members(_at(described, schema["$ref"]), described)
        yield from schema.get("properties", {})
        for part in schema.values():
            yield from _members(part, described)


def _at(described: Any, reference: str) -> Any:
    for name in reference.removeprefix("#/").split("/"):
        described = described[name]
    return described


def test_no_parameter_names_a_person() -> None:
    found = list(parameters())
    assert {"session_id", "limit", "Idempotency-Key", "title", "role"} <= {
        name for _, name in found
    }
    assert not [(where, name) for where, name in found if NAMES_A_PERSON.search(name)]


@pytest.mark.parametrize("name", ["user_id", "X-User-ID", "owner", "sub", "tenant", "on-behalf-of"])
def test_a_name_of_a_person_would_be_seen(name: str) -> None:
    assert NAMES_A_PERSON.search(name)


async def test_a_query_that_names_a_person_is_refused(api: Api, kept: Kept) -> None:
    alice, bob = (people(api)[who] for who in ("owner", "other"))
    session_id = await alice.new_session()
    before = await kept.contents()
    for method, target, body in requests(session_id):
        for name in SAID:
            asked = f"{target}{'&' if '?' in target else '?'}{name}=alice"
            answer = await bob.ask(method, asked, json=body)
            assert answer.status_code == 422, (method, target, name)
    assert await kept.contents() == before


async def test_a_body_that_names_a_person_is_refused(api: Api, kept: Kept) -> None:
    alice, bob = (people(api)[who] for who in ("owner", "other"))
    session_id = await alice.new_session()
    before = await kept.contents()
    for route in ROUTES:
        if isinstance(route.body, dict):
            ask = partial(bob.ask, route.method, route.target(session_id))
            for name in SAID:
                problem(await ask(json={**route.body, name: "alice"}), 422)
            for message in route.body.get("messages", []):
                problem(await ask(json={"messages": [{**message, "user_id": "alice"}]}), 422)
    assert await kept.contents() == before


async def test_headers_and_cookies_that_name_a_person_mean_nothing(api: Api, kept: Kept) -> None:
    """To the one whose token it is they are not there, and without a token nothing is."""
    everyone = people(api)
    alice, bob, nobody = (everyone[who] for who in ("owner", "other", "none"))
    session_id = await alice.new_session()
    said = dict.fromkeys(HEADERS, "alice") | {"Cookie": "user_id=alice; owner=alice; sub=alice"}
    before = await kept.contents()
    for method, target, body in requests(session_id):
        assert (await nobody.ask(method, target, json=body, headers=said)).status_code == 401
        if session_id in target:
            assert (await bob.ask(method, target, json=body, headers=said)).status_code == 403
    assert await kept.contents() == before
    created = await bob.ask("POST", "/sessions", json={}, headers=said)
    assert created.json()["user_id"] == "bob"
    listed = await bob.ask("GET", "/sessions", headers=said)
    assert [session["id"] for session in listed.json()["items"]] == [created.json()["id"]]
