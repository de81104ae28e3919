"""GET /search, on every storage."""

import json
from base64 import urlsafe_b64decode, urlsafe_b64encode

import pytest

from tests.entrypoints.conftest import Api, problem

TITLE = "Weekend in Lisbon"
SAID = ["Where is a good hotel?", "In the <b>Alfama</b>, say: Casa São Jorge.", "A hotel, thanks"]


async def told(api: Api, who: str = "alice") -> str:
    messages = [{"role": "user", "content": text} for text in SAID]
    session = await api.create(who, title=TITLE, messages=messages)
    return str(session["id"])


async def test_a_hit_has_its_session_its_message_and_the_text_around_it(api: Api) -> None:
    session_id = await told(api)
    found = (await api.ask("GET", "/search?q=sao+alfa")).json()
    (hit,) = found["items"]
    assert hit["session"] == {"id": session_id, "title": TITLE}
    assert hit["message"].keys() == {"message_order", "role", "timestamp"}
    assert (hit["message"]["message_order"], hit["message"]["role"]) == (2, "user")
    assert hit["snippet"] == [
        {"text": "In the <b>", "match": False},
        {"text": "Alfama", "match": True},
        {"text": "</b>, say: Casa ", "match": False},
        {"text": "São", "match": True},
        {"text": " Jorge.", "match": False},
    ]
    assert found["pagination"] == {
        "total": 1,
        "limit": 50,
        "offset": None,
        "has_next": False,
        "has_previous": False,
        "next_offset": None,
        "previous_offset": None,
        "next_cursor": None,
        "previous_cursor": None,
    }


async def test_a_title_is_a_hit_without_a_message(api: Api) -> None:
    await told(api)
    (hit,) = (await api.ask("GET", "/search?q=lisbon")).json()["items"]
    assert hit["message"] is None
    assert hit["snippet"][-1] == {"text": "Lisbon", "match": True}


async def test_a_walk_by_cursor_or_link_has_every_hit_once(api: Api) -> None:
    await told(api)
    await told(api)
    orders, target = [], "/search?q=hotel&limit=1"
    while target:
        answer = await api.ask("GET", target)
        page = answer.json()
        orders += [item["message"]["message_order"] for item in page["items"]]
        link = answer.headers.get("link", "")
        target = link.removeprefix("<").partition(">")[0]
        cursor = page["pagination"]["next_cursor"]
        assert (cursor or "") in target
        assert bool(cursor) == page["pagination"]["has_next"] == ('rel="next"' in link)
    assert sorted(orders) == [1, 1, 3, 3]


async def test_a_search_may_be_of_one_session(api: Api) -> None:
    session_id = await told(api)
    await told(api)
    found = (await api.ask("GET", f"/search?q=hotel&session_id={session_id}")).json()
    assert {hit["session"]["id"] for hit in found["items"]} == {session_id}
    await api.ask("POST", "/sessions", json={"external_id": "a b/c"})
    none = await api.ask("GET", "/search?q=hotel&session_id=ext:a%20b%2Fc")
    assert none.json()["items"] == []


async def test_a_session_of_anothers_is_refused_and_nothing_of_others_found(api: Api) -> None:
    session_id = await told(api, "bob")
    assert (await api.ask("GET", "/search?q=hotel")).json()["items"] == []
    problem(await api.ask("GET", f"/search?q=hotel&session_id={session_id}"), 403)
    for missing in ("01a20abe-9819-7728-aa45-2446966d66bb", "nonsense", "ext:none"):
        problem(await api.ask("GET", f"/search?q=hotel&session_id={missing}"), 404)


@pytest.mark.parametrize(
    ("query", "parameter"),
    [
        ("", "q"),
        ("q=", "q"),
        ("q=%21%3F", "q"),
        ("q=a%00", "q"),
        (f"q={'a' * 501}", "q"),
        (f"q={'a+' * 33}", "q"),
        ("q=a&limit=0", "limit"),
        ("q=a&limit=51", "limit"),
        ("q=a&cursor=nonsense", "cursor"),
        ("q=a&cursor=%C3%A9", "cursor"),
        ("q=a&offset=1", "*"),
    ],
)
@pytest.mark.parametrize("backend", ["memory"])
async def test_what_is_no_search_is_refused(api: Api, query: str, parameter: str) -> None:
    answer = problem(await api.ask("GET", f"/search?{query}"), 422)
    assert [error["parameter"] for error in answer["errors"]] == [parameter]


async def test_a_cursor_is_for_its_own_search(api: Api) -> None:
    await told(api)
    page = (await api.ask("GET", "/search?q=hotel&limit=1")).json()
    cursor = page["pagination"]["next_cursor"]
    assert (await api.ask("GET", f"/search?q=hotel&cursor={cursor}")).status_code == 200
    problem(await api.ask("GET", f"/search?q=good&cursor={cursor}"), 422)
    packed = urlsafe_b64decode(cursor + "=")
    forged = urlsafe_b64encode(packed[:25] + b"\xff" * 8 + packed[33:]).decode().rstrip("=")
    assert (await api.ask("GET", f"/search?q=hotel&cursor={forged}")).status_code in {200, 422}


async def test_what_is_changed_or_removed_is_found_as_it_is_at_once(api: Api) -> None:
    session_id = await told(api)
    path = f"/sessions/{session_id}/messages"

    async def orders(query: str) -> list[int]:
        found = (await api.ask("GET", f"/search?q={query}")).json()
        return [hit["message"]["message_order"] for hit in found["items"] if hit["message"]]

    body = {"text": "a hostel", "role": "user"}
    await api.ask("PUT", f"{path}/1", json={"role": "user", "body": body})
    assert (await orders("hotel"), await orders("hostel")) == ([3], [1])
    await api.ask("DELETE", f"{path}/last")
    assert await orders("hotel") == []
    await api.ask("PATCH", f"/sessions/{session_id}", json={"title": "Porto"})
    assert (await api.ask("GET", "/search?q=lisbon")).json()["items"] == []
    await api.ask("DELETE", f"/sessions/{session_id}")
    assert json.loads((await api.ask("GET", "/search?q=porto")).content)["items"] == []
