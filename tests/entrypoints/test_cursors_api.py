"""Lists of sessions by cursor, as a client walks them."""

from base64 import urlsafe_b64encode
from datetime import UTC
from typing import Any
from urllib.parse import parse_qs, urlsplit

import pytest
from hypothesis import given
from hypothesis import strategies as st

from domain.errors import InvalidValue
from domain.page import SortOrder
from domain.session_page import Cursor, SessionSort, Side
from entrypoints.http.cursors import from_text, to_text
from tests.entrypoints.conftest import Api, before_storage, problem


async def ids(api: Api, query: str) -> tuple[list[str], dict[str, Any]]:
    response = await api.ask("GET", f"/sessions?{query}")
    assert response.status_code == 200, response.text
    page = response.json()
    return [item["id"] for item in page["items"]], page["pagination"]


async def made(api: Api, how_many: int, who: str = "alice") -> list[str]:
    """Their ids, the newest first."""
    sessions = []
    for _ in range(how_many):
        api.clock.move(1)
        sessions.append((await api.create(who))["id"])
    return sessions[::-1]


async def test_a_walk_by_created_at_sees_every_session_once(api: Api) -> None:
    """While others are created, changed and deleted."""
    sessions = await made(api, 7)
    seen, place = await ids(api, "sort_by=created_at&limit=2")
    while place["next_cursor"]:
        await made(api, 1)
        await api.ask("PATCH", f"/sessions/{sessions[6]}", json={"title": f"{len(seen)}"})
        await api.ask("DELETE", f"/sessions/{seen[-1]}")
        items, place = await ids(api, f"cursor={place['next_cursor']}&limit=2")
        assert (place["offset"], place["next_offset"], place["previous_offset"]) == (None,) * 3
        seen += items
    assert seen == sessions


async def test_a_walk_by_last_updated_sees_what_did_not_change_once(api: Api) -> None:
    """What did is at the newest end."""
    sessions = await made(api, 6)
    seen, place = await ids(api, "limit=2")
    api.clock.move(1)
    await api.ask("PATCH", f"/sessions/{sessions[4]}", json={"title": "changed"})
    while place["next_cursor"]:
        items, place = await ids(api, f"cursor={place['next_cursor']}&limit=2")
        seen += items
    assert seen == [session for session in sessions if session != sessions[4]]
    assert (await ids(api, "limit=1"))[0] == [sessions[4]]


async def test_back_from_the_end_is_the_same_walk(api: Api) -> None:
    sessions = await made(api, 5)
    _, place = await ids(api, "offset=5&limit=2")
    assert (place["has_next"], place["has_previous"]) == (False, True)
    seen: list[str] = []
    while place["previous_cursor"]:
        items, place = await ids(api, f"cursor={place['previous_cursor']}&limit=2")
        seen = items + seen
        assert place["total"] == 5
    assert seen == sessions


@pytest.mark.parametrize("repeated", ["", "&sort_by=created_at&sort_order=asc"])
async def test_links_of_a_page_by_cursor_lead_through_the_same_walk(
    api: Api, repeated: str
) -> None:
    """To its neighbours by cursor; and in its own sort, whether that was said again or not."""
    sessions = await made(api, 5)
    await api.ask("PATCH", f"/sessions/{sessions[4]}", json={"title": "changed last"})
    _, place = await ids(api, "sort_by=created_at&sort_order=asc&limit=2")
    path = f"/sessions?limit=2&cursor={place['next_cursor']}{repeated}"
    links = (await api.ask("GET", path)).links
    expected = {"first": [4, 3], "prev": [4, 3], "next": [0], "last": [0]}
    assert links.keys() == expected.keys()
    for relation, places in expected.items():
        query = urlsplit(links[relation]["url"]).query
        assert ("cursor" in parse_qs(query)) == (relation in {"prev", "next"})
        items, _ = await ids(api, query)
        assert items == [sessions[place] for place in places]


async def test_a_cursor_says_nothing_of_whose_list_it_is(api: Api) -> None:
    """Another's leads into one's own list."""
    await made(api, 3)
    theirs = await made(api, 2, "bob")
    _, place = await ids(api, "limit=1")
    response = await api.ask("GET", f"/sessions?cursor={place['next_cursor']}", "bob")
    assert {item["id"] for item in response.json()["items"]} <= set(theirs)
    assert response.json()["pagination"]["total"] == 2


async def test_a_cursor_goes_with_its_own_sort_alone(api: Api) -> None:
    await made(api, 3)
    _, place = await ids(api, "limit=1&sort_by=created_at&sort_order=asc")
    cursor = place["next_cursor"]
    for fits in ("", "&sort_by=created_at", "&sort_order=asc&sort_by=created_at", "&limit=200"):
        await ids(api, f"cursor={cursor}{fits}")
    for unfit in ("&sort_by=last_updated", "&sort_order=desc", "&offset=0", "&offset=1"):
        problem(await api.ask("GET", f"/sessions?cursor={cursor}{unfit}"), 422)


@before_storage
async def test_what_is_no_cursor_is_refused(api: Api) -> None:
    for cursor in ("abc", "A" * 35, "_" * 35, "A" * 46, "A" * 10_000, "é", "a=b", "%00"):
        refused = problem(await api.ask("GET", f"/sessions?cursor={cursor}"), 422)
        assert refused["errors"][0]["parameter"] == "cursor"


CURSORS = st.builds(
    Cursor,
    sort_by=st.sampled_from(SessionSort),
    sort_order=st.sampled_from(SortOrder),
    side=st.sampled_from(Side),
    key=st.none() | st.tuples(st.datetimes(timezones=st.just(UTC)), st.uuids()),
    selection=st.just(b"") | st.binary(min_size=8, max_size=8),
)


@given(cursor=CURSORS)
def test_a_cursor_comes_back_as_it_was(cursor: Cursor) -> None:
    assert from_text(to_text(cursor)) == cursor


@given(
    flags=st.integers(0, 31),
    rest=st.sampled_from([24, 32]).flatmap(lambda size: st.binary(min_size=size, max_size=size)),
)
def test_any_other_bytes_are_a_cursor_of_this_list_or_refused(flags: int, rest: bytes) -> None:
    raw = bytes([1, flags]) + rest
    text = urlsafe_b64encode(raw).decode().rstrip("=")
    try:
        cursor = from_text(text)
    except InvalidValue:
        return
    assert to_text(cursor) == text
