"""Pages as a client walks them."""

import re
from itertools import chain
from typing import Any

import pytest

from tests.entrypoints.conftest import Api, before_storage, problem
from tests.routes import ROUTES

LINK = re.compile(r'<([^>]*)>; rel="([a-z]+)"')


def links(header: str) -> dict[str, str]:
    return {relation: target for target, relation in LINK.findall(header)}


async def conversation(api: Api, how_many: int) -> str:
    said = [{"role": "user", "content": str(place)} for place in range(how_many)]
    session = await api.create(messages=said)
    return f"/sessions/{session['id']}/messages"


@pytest.mark.parametrize("limit", [1, 3, 7, 200])
@pytest.mark.parametrize("sort_order", ["asc", "desc"])
async def test_following_next_visits_each_message_once(
    api: Api, limit: int, sort_order: str
) -> None:
    path = await conversation(api, 7)
    target = f"{path}?sort_order={sort_order}&limit={limit}"
    contents = []
    while target:
        response = await api.ask("GET", target)
        page = response.json()
        contents += [int(message["content"]) for message in page["items"]]
        assert page["pagination"]["total"] == 7
        target = links(response.headers["link"]).get("next", "")
        assert page["pagination"]["has_next"] == bool(target)
    assert contents == (list(range(7)) if sort_order == "asc" else list(range(6, -1, -1)))


async def test_both_sort_fields_give_one_order(api: Api) -> None:
    path = await conversation(api, 3)
    by_time = (await api.ask("GET", f"{path}?sort_by=timestamp")).json()
    assert (await api.ask("GET", f"{path}?sort_by=message_order")).json() == by_time


@pytest.mark.parametrize(
    ("query", "expected"),
    [
        ("limit=2", {"has_next": True, "next_offset": 2, "previous_offset": None}),
        ("limit=2&offset=1", {"has_previous": True, "next_offset": 3, "previous_offset": 0}),
        ("limit=2&offset=3", {"has_next": False, "next_offset": None, "previous_offset": 1}),
        ("limit=2&offset=99", {"has_next": False, "has_previous": True, "previous_offset": 3}),
        ("offset=2147483647&limit=200", {"total": 5, "previous_offset": 0}),
        ("", {"total": 5, "limit": 50, "offset": 0, "has_next": False, "has_previous": False}),
    ],
)
async def test_a_page_knows_its_neighbours(api: Api, query: str, expected: dict[str, Any]) -> None:
    path = await conversation(api, 5)
    pagination = (await api.ask("GET", f"{path}?{query}")).json()["pagination"]
    assert list(pagination) == [
        "total",
        "limit",
        "offset",
        "has_next",
        "has_previous",
        "next_offset",
        "previous_offset",
    ]
    assert expected.items() <= pagination.items()


async def test_links_keep_every_other_parameter(api: Api) -> None:
    path = await conversation(api, 5)
    response = await api.ask("GET", f"{path}?sort_order=desc&offset=2&limit=2")
    query = f"{path}?sort_order=desc&offset={{}}&limit=2"
    assert links(response.headers["link"]) == {
        "first": query.format(0),
        "prev": query.format(0),
        "next": query.format(4),
        "last": query.format(4),
    }


@pytest.mark.parametrize("sort_order", ["asc", "desc"])
async def test_a_walk_by_order_misses_nothing_while_others_write(api: Api, sort_order: str) -> None:
    """Forth to the end, then back to the beginning, with a message said at every step."""
    path = await conversation(api, 7)
    said = {"messages": [{"role": "user", "content": "meanwhile"}]}
    start = "after=0" if sort_order == "asc" else "before=8"
    target = f"{path}?sort_order={sort_order}&limit=2&{start}"

    async def walk(target: str, relation: str, steps: int) -> tuple[list[list[int]], str]:
        pages = []
        for _ in range(steps):
            response = await api.ask("GET", target)
            pages.append([message["message_order"] for message in response.json()["items"]])
            await api.ask("POST", path, json=said)
            last, target = target, links(response.headers["link"]).get(relation, "")
        return pages, last

    forth, last = await walk(target, "next", 4)
    response = await api.ask("GET", last)
    back, _ = await walk(links(response.headers["link"])["prev"], "prev", 3)
    expected = list(range(1, 8)) if sort_order == "asc" else list(range(7, 0, -1))
    assert list(chain(*forth))[:7] == expected
    assert list(chain(*back[::-1])) == expected[:6]


@pytest.mark.parametrize(
    ("query", "relation", "orders"),
    [
        ("after=10", "prev", [4, 5]),
        ("before=1", "next", [1, 2]),
        ("sort_order=desc&before=1", "prev", [2, 1]),
        ("sort_order=desc&after=9", "next", [5, 4]),
    ],
)
async def test_an_empty_page_leads_back_to_the_list(
    api: Api, query: str, relation: str, orders: list[int]
) -> None:
    path = await conversation(api, 5)
    response = await api.ask("GET", f"{path}?limit=2&{query}")
    assert response.json()["items"] == []
    page = (await api.ask("GET", links(response.headers["link"])[relation])).json()
    assert [message["message_order"] for message in page["items"]] == orders


async def test_give_me_what_i_lack(api: Api) -> None:
    path = await conversation(api, 5)
    page = (await api.ask("GET", f"{path}?after=3")).json()
    assert [message["message_order"] for message in page["items"]] == [4, 5]
    assert page["pagination"] == {
        "total": 5,
        "limit": 50,
        "offset": None,
        "has_next": False,
        "has_previous": True,
        "next_offset": None,
        "previous_offset": None,
    }
    nothing = (await api.ask("GET", f"{path}?after=5")).json()
    assert (nothing["items"], nothing["pagination"]["total"]) == ([], 5)


@before_storage
@pytest.mark.parametrize("query", [
    "after=1&before=3", "after=1&offset=0", "before=1&offset=2", "after=-1", "before=1.0",
    "after=2147483648", "after=1&after=1", "cursor=abc",
])  # fmt: skip
async def test_places_that_do_not_go_together_are_refused(api: Api, query: str) -> None:
    path = await conversation(api, 1)
    problem(await api.ask("GET", f"{path}?{query}"), 422)
    problem(await api.ask("GET", "/sessions?after=1"), 422)


async def test_an_empty_list_has_no_neighbours(api: Api) -> None:
    response = await api.ask("GET", "/sessions?offset=5")
    assert "link" not in response.headers
    assert response.json() == {
        "items": [],
        "pagination": {
            "total": 0,
            "limit": 50,
            "offset": 5,
            "has_next": False,
            "has_previous": False,
            "next_offset": None,
            "previous_offset": None,
            "next_cursor": None,
            "previous_cursor": None,
        },
    }


async def test_sessions_are_sorted_as_asked(api: Api) -> None:
    """The first is touched last; two of one microsecond go by id, the same way round."""
    ids = [(await api.create())["id"] for _ in range(2)]
    api.clock.move(1)
    ids.append((await api.create())["id"])
    await api.ask("PATCH", f"/sessions/{ids[0]}", json={"title": "touched"})
    first, second, third = ids

    async def order(query: str) -> list[str]:
        page = (await api.ask("GET", f"/sessions?{query}")).json()
        return [session["id"] for session in page["items"]]

    assert await order("") == [first, third, second] or await order("") == [third, first, second]
    assert await order("sort_by=created_at&sort_order=asc") == [*sorted([first, second]), third]
    assert await order("sort_by=created_at") == [third, *sorted([first, second], reverse=True)]
    assert await order("sort_by=last_updated&sort_order=asc") == (await order(""))[::-1]


REFUSED = ["limit=0", "offset=1&offset=1", "sort_by=id", "unknown=1", "=1", "limit=%FF"]
"""One of each kind: hostile ones of every parameter are in tests/security."""


@before_storage
@pytest.mark.parametrize("query", REFUSED)
async def test_a_query_that_breaks_a_rule_is_refused(api: Api, query: str) -> None:
    for path in ("/sessions", await conversation(api, 1)):
        body = problem(await api.ask("GET", f"{path}?{query}"), 422)
        for error in body["errors"]:
            assert error.keys() == {"detail", "parameter", "in"}
            assert error["in"] == "query"
            assert error["parameter"] in {"limit", "offset", "sort_by", "sort_order", "*"}


async def test_a_sort_field_of_the_other_list_is_refused(api: Api) -> None:
    path = await conversation(api, 1)
    problem(await api.ask("GET", f"{path}?sort_by=last_updated"), 422)
    problem(await api.ask("GET", "/sessions?sort_by=timestamp"), 422)


async def test_no_route_under_sessions_takes_an_unknown_parameter(api: Api) -> None:
    session = await api.create()
    for route in ROUTES:
        for name in {"unknown", "limit"} - route.parameters:
            target = route.target(session["id"])
            target += f"&{name}=1" if route.query else f"?{name}=1"
            problem(await api.ask(route.method, target, json=route.body), 422)
    assert (await api.ask("GET", "/livez?limit=1", None)).status_code == 200


@pytest.mark.parametrize("backend", ["memory"])
async def test_an_empty_parameter_counts_as_absent(api: Api) -> None:
    """Some clients write null so."""
    session = await api.create(messages=[{"role": "user", "content": "hello"}])
    for path in ("/sessions", f"/sessions/{session['id']}/messages"):
        whole = (await api.ask("GET", path)).json()
        names = ["limit", "offset", "sort_by", "sort_order"]
        names += ["cursor"] if path == "/sessions" else ["after", "before"]
        for query in (*(f"{name}=" for name in names), "=&".join([*names, ""])[:-1], "limit"):
            assert (await api.ask("GET", f"{path}?{query}")).json() == whole
        problem(await api.ask("GET", f"{path}?limit=&limit="), 422)
        problem(await api.ask("GET", f"{path}?unknown="), 422)


@pytest.mark.parametrize("backend", ["memory"])
async def test_null_counts_as_absent_where_a_session_is_made(api: Api) -> None:
    """Clients in many languages write members that are not set as null."""
    body = {"title": None, "metadata": None, "messages": None}
    headers = {"Idempotency-Key": ""}
    made = await api.ask("POST", "/sessions", json=body, headers=headers)
    assert (made.status_code, made.json()["metadata"]) == (201, {})
    said = {"messages": [{"role": "user", "content": "hello", "metadata": None}]}
    path = f"/sessions/{made.json()['id']}/messages"
    for order in (1, 2):
        added = await api.ask("POST", path, json=said, headers=headers)
        assert added.json()["items"][0]["message_order"] == order
