"""Writes that a client asks for again."""

from itertools import product
from typing import Any

import pytest

from tests.entrypoints.conftest import Api, before_storage, problem

REPLAYED = "idempotent-replayed"
SAID: dict[str, Any] = {
    "messages": [{"role": "user", "content": "Hello", "metadata": {"b": 1, "a": 2}}]
}


def keyed(key: str = "key") -> dict[str, str]:
    return {"Idempotency-Key": key}


async def test_a_creation_asked_again_is_the_first_one(api: Api) -> None:
    """To the letter, with its headers, also after it was renamed, continued or deleted."""
    body = {"title": " Lisbon ", "metadata": {"b": 1, "a": 2}, **SAID}
    first = await api.ask("POST", "/sessions", json=body, headers=keyed())
    assert first.status_code == 201
    assert REPLAYED not in first.headers
    path = f"/sessions/{first.json()['id']}"
    for meanwhile in (
        ("GET", path, None),
        ("PATCH", path, {"title": "Porto", "metadata": {"a": None}}),
        ("POST", f"{path}/messages", SAID),
        ("DELETE", path, None),
    ):
        await api.ask(meanwhile[0], meanwhile[1], json=meanwhile[2])
        api.clock.move(60)
        again = await api.ask("POST", "/sessions", json=body, headers=keyed())
        assert (again.status_code, again.text) == (201, first.text)
        assert again.headers[REPLAYED] == "true"
        for header in ("location", "etag"):
            assert again.headers[header] == first.headers[header]
    assert (await api.ask("GET", "/sessions")).json()["pagination"]["total"] == 0


async def test_an_append_asked_again_is_the_first_one(api: Api) -> None:
    path = f"/sessions/{(await api.create(**SAID))['id']}/messages"
    first = await api.ask("POST", path, json=SAID, headers=keyed())
    await api.ask("POST", path, json=SAID)
    api.clock.move(24 * 3600 - 1)
    again = await api.ask("POST", path, json=SAID, headers=keyed())
    assert (again.status_code, again.text) == (201, first.text)
    assert again.headers[REPLAYED] == "true"
    assert (await api.ask("GET", path)).json()["pagination"]["total"] == 3
    api.clock.move(1)
    anew = await api.ask("POST", path, json=SAID, headers=keyed())
    assert anew.json()["items"][0]["message_order"] == 4
    assert REPLAYED not in anew.headers


@pytest.mark.parametrize(
    "other",
    [
        {"messages": SAID["messages"] * 2},
        {"messages": [{"role": "assistant", "content": "Hello", "metadata": {"b": 1, "a": 2}}]},
        {"messages": [{"role": "user", "content": "Hello ", "metadata": {"b": 1, "a": 2}}]},
        {"messages": [{"role": "user", "content": "Hello", "metadata": {"b": True, "a": 2}}]},
    ],
)
async def test_another_request_under_the_key_is_refused(api: Api, other: dict[str, Any]) -> None:
    path = f"/sessions/{(await api.create())['id']}/messages"
    elsewhere = f"/sessions/{(await api.create())['id']}/messages"
    await api.ask("POST", path, json=SAID, headers=keyed())
    await api.ask("POST", "/sessions", json=SAID, headers=keyed())
    for where, body in ((path, other), (elsewhere, SAID), ("/sessions", other)):
        refused = problem(await api.ask("POST", where, json=body, headers=keyed()), 422)
        assert refused["errors"] == [
            {
                "detail": "was used before with another request",
                "parameter": "Idempotency-Key",
                "in": "header",
            }
        ]
    titled = {"title": "Lisbon", **SAID}
    problem(await api.ask("POST", "/sessions", json=titled, headers=keyed()), 422)
    assert (await api.ask("GET", elsewhere)).json()["pagination"]["total"] == 0


async def test_the_session_is_looked_at_before_the_key(api: Api) -> None:
    """A key does not open another's session, nor bring a deleted one back."""
    path = f"/sessions/{(await api.create())['id']}"
    await api.ask("POST", f"{path}/messages", json=SAID, headers=keyed())
    other = {"messages": [{"role": "user", "content": "other"}]}
    for body in (SAID, other):
        refused = await api.ask("POST", f"{path}/messages", "bob", json=body, headers=keyed())
        problem(refused, 403)
    await api.ask("DELETE", path)
    for body in (SAID, other):
        problem(await api.ask("POST", f"{path}/messages", json=body, headers=keyed()), 404)


@before_storage
@pytest.mark.parametrize("key", ["x" * 256, "schlüssel".encode(), b"\xff", "a\tb"])
async def test_a_key_that_is_none_is_refused(api: Api, key: str | bytes) -> None:
    path = f"/sessions/{(await api.create())['id']}/messages"
    for where in ("/sessions", path):
        refused = await api.ask("POST", where, json=SAID, headers={"Idempotency-Key": key})
        (error,) = problem(refused, 422)["errors"]
        assert (error["parameter"], error["in"]) == ("Idempotency-Key", "header")
    assert (await api.ask("GET", path)).json()["pagination"]["total"] == 0


async def test_two_keys_are_refused(api: Api) -> None:
    headers = [("Idempotency-Key", "a"), ("Idempotency-Key", "a"), *api.bearer("alice").items()]
    response = await api.client.request("POST", "/sessions", json={}, headers=headers)
    problem(response, 422)


async def test_a_key_at_the_bounds_is_taken(api: Api) -> None:
    keys = ("x", "x" * 255, '"8e03978e-40d5-43dd-bc93-6894a57f9324"', "a b")
    for key, replayed in product(keys, (False, True)):
        response = await api.ask("POST", "/sessions", json={}, headers=keyed(key))
        assert (response.status_code, REPLAYED in response.headers) == (201, replayed)


@before_storage
async def test_a_request_written_anew_is_the_same_request(api: Api) -> None:
    """Swift's and Rust's maps have no order."""
    headers = {"Content-Type": "application/json", "Idempotency-Key": "once"}
    made = [
        await api.ask("POST", "/sessions", content=body, headers=headers)
        for body in ('{"metadata":{"a":1,"b":2.50}}', '{"metadata":{"b":25e-1,"a":1.0}}')
    ]
    assert made[0].json() == made[1].json()
    assert made[1].headers["idempotent-replayed"] == "true"
