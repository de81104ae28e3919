"""Pages of sessions: sorts, cursors and filters, where all of an owner's sessions are at hand."""

from dataclasses import dataclass, replace
from datetime import datetime, timedelta, timezone
from typing import Any
from uuid import UUID

import pytest

from domain.errors import InvalidValue
from domain.instant import TICK
from domain.metadata import Metadata
from domain.owner import Owner
from domain.page import Page, SortOrder
from domain.session import NewSession, Session
from domain.session_page import Cursor, SessionFilter, SessionPageRequest, SessionSort, Side
from tests.clock import START

OWNER = Owner("issuer", "alice")


def test_a_cursor_goes_with_its_own_sort_and_no_offset() -> None:
    cursor = Cursor(
        sort_by=SessionSort.CREATED_AT, sort_order=SortOrder.ASC, side=Side.AFTER, key=None
    )
    sort = {"sort_by": cursor.sort_by, "sort_order": cursor.sort_order}
    assert SessionPageRequest(cursor=cursor, **sort).cursor == cursor  # type: ignore[arg-type]
    for refused, field in (
        ({**sort, "offset": 0}, "offset"),
        ({**sort, "sort_by": SessionSort.LAST_UPDATED}, "cursor"),
        ({**sort, "sort_order": SortOrder.DESC}, "cursor"),
    ):
        with pytest.raises(InvalidValue) as refusal:
            SessionPageRequest(cursor=cursor, **refused)
        assert refusal.value.field == (field,)


OTHER_FILTERS: list[dict[str, Any]] = [
    {"archived": True},
    {"archived": None},
    {"pinned": True},
    {"pinned": False},
    {"external_id": "a"},
    {"external_id": "b"},
    {"updated_after": START},
    {"updated_before": START},
    {"metadata": (("a", "1"),)},
    {"metadata": (("a", '"1"'),)},
    {"metadata": (("a", "1"), ("b", "1"))},
]


@dataclass(frozen=True, slots=True, kw_only=True)
class Titled(SessionFilter):
    title_contains: str | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class LaterRequest(SessionPageRequest):
    filters: SessionFilter = Titled()
    counts_hidden: bool = False


def test_a_cursor_goes_with_the_filter_that_it_was_made_under() -> None:
    """Also with one that is added later, to the filters or beside them. A cursor from before that
    goes on where none of them is set."""
    unfiltered = LaterRequest()
    requests = [
        unfiltered,
        LaterRequest(filters=Titled(title_contains="a")),
        LaterRequest(filters=Titled(title_contains="b")),
        LaterRequest(counts_hidden=True),
        *(LaterRequest(filters=replace(Titled(), **other)) for other in OTHER_FILTERS),
    ]
    page = Page.from_offset(0, SESSIONS[:1], total=2, limit=1)
    cursors = [request.cursors(page)[1] for request in requests]
    for made, cursor in zip(requests, cursors, strict=True):
        for request in requests:
            if request is made:
                assert replace(request, limit=7, cursor=cursor).cursor == cursor
                continue
            with pytest.raises(InvalidValue, match="was made for another filter") as refusal:
                replace(request, cursor=cursor)
            assert refusal.value.field == ("cursor",)
    assert cursors[0] == SessionPageRequest().cursors(page)[1]


SESSIONS = [
    Session.started(UUID(int=number), OWNER, START + (number // 2) * TICK, NewSession())[0]
    for number in range(5)
]
"""Their times tie in pairs, so that ids decide."""


def asked(side: Side, at: int | None, order: SortOrder, limit: int) -> SessionPageRequest:
    key = None if at is None else (SESSIONS[at].created_at, SESSIONS[at].id)
    by = SessionSort.CREATED_AT
    return SessionPageRequest(
        limit=limit,
        sort_by=by,
        sort_order=order,
        cursor=Cursor(sort_by=by, sort_order=order, side=side, key=key),
    )


@pytest.mark.parametrize(
    ("side", "at", "ascending", "has_previous", "has_next"),
    [
        (Side.AFTER, None, [0, 1], False, True),
        (Side.AFTER, 0, [1, 2], True, True),
        (Side.AFTER, 2, [3, 4], True, False),
        (Side.AFTER, 3, [4], True, False),
        (Side.AFTER, 4, [], True, False),
        (Side.BEFORE, None, [3, 4], True, False),
        (Side.BEFORE, 4, [2, 3], True, True),
        (Side.BEFORE, 2, [0, 1], False, True),
        (Side.BEFORE, 1, [0], False, True),
        (Side.BEFORE, 0, [], False, True),
    ],
)
def test_a_page_lies_beside_its_cursors_key(
    side: Side, at: int | None, ascending: list[int], *, has_previous: bool, has_next: bool
) -> None:
    page = asked(side, at, SortOrder.ASC, 2).page_of(SESSIONS)
    assert [session.id.int for session in page.items] == ascending
    assert (page.total, page.limit, page.offset) == (5, 2, None)
    assert (page.has_previous, page.has_next) == (has_previous, has_next)
    assert (page.next_offset, page.previous_offset) == (None, None)
    mirrored = asked(side, None if at is None else 4 - at, SortOrder.DESC, 2).page_of(SESSIONS)
    assert [4 - session.id.int for session in mirrored.items] == ascending
    assert (mirrored.has_previous, mirrored.has_next) == (has_previous, has_next)


@pytest.mark.parametrize("limit", [2, 3])
@pytest.mark.parametrize("order", SortOrder)
def test_following_the_cursors_walks_the_list_both_ways(order: SortOrder, limit: int) -> None:
    expected = sorted(SESSIONS, key=lambda one: one.id, reverse=order is SortOrder.DESC)
    for side, place in ((Side.AFTER, 1), (Side.BEFORE, 0)):
        request = asked(side, None, order, limit)
        walked = []
        while True:
            page = request.page_of(SESSIONS)
            walked += [*page.items] if side is Side.AFTER else [*reversed(page.items)]
            cursor = request.cursors(page)[place]
            if cursor is None:
                break
            assert (cursor.sort_by, cursor.sort_order, cursor.side) == (
                SessionSort.CREATED_AT,
                order,
                side,
            )
            request = replace(request, cursor=cursor)
        assert walked == (expected if side is Side.AFTER else expected[::-1])


def test_an_empty_page_leads_back_to_the_lists_end() -> None:
    for side, leads in ((Side.AFTER, Side.BEFORE), (Side.BEFORE, Side.AFTER)):
        request = asked(side, 4 if side is Side.AFTER else 0, SortOrder.ASC, 2)
        found = request.cursors(request.page_of(SESSIONS))
        (cursor,) = [one for one in found if one is not None]
        assert (cursor.side, cursor.key) == (leads, None)


def test_a_digest_of_a_filter_stays_across_releases() -> None:
    """A client goes on with the cursor that it holds."""
    chosen = SessionFilter(archived=None, external_id="a", metadata=(("a", "1"),))
    assert SessionPageRequest(filters=chosen).selection.hex() == "e25e0fd122b9e9c6"


PLAIN = SESSIONS[0]._replace(external_id="a", last_updated=START, metadata=Metadata('{"a":1}'))
SHELVED, STARRED = PLAIN._replace(archived=True), PLAIN._replace(pinned=True)


@pytest.mark.parametrize(
    ("chosen", "matches"),
    [
        ({}, [PLAIN, STARRED]),
        ({"archived": True}, [SHELVED]),
        ({"archived": None}, [PLAIN, SHELVED, STARRED]),
        ({"pinned": True}, [STARRED]),
        ({"pinned": False}, [PLAIN]),
        ({"archived": None, "pinned": False}, [PLAIN, SHELVED]),
        ({"external_id": "a"}, [PLAIN, STARRED]),
        ({"external_id": "A"}, []),
        ({"updated_after": START - TICK}, [PLAIN, STARRED]),
        ({"updated_after": START}, []),
        ({"updated_before": START}, []),
        ({"updated_before": START + TICK}, [PLAIN, STARRED]),
        ({"updated_after": START - TICK, "updated_before": START}, []),
        ({"metadata": (("a", "1"),)}, [PLAIN, STARRED]),
        ({"metadata": (("a", "1"), ("b", "1"))}, []),
    ],
)
def test_a_filter_leaves_what_it_names(chosen: dict[str, Any], matches: list[Session]) -> None:
    filters = SessionFilter(**chosen)
    assert [one for one in (PLAIN, SHELVED, STARRED) if filters.matches(one)] == matches


@pytest.mark.parametrize(
    ("metadata", "value", "holds"),
    [
        ('{"a":19.990}', "19.99", True),
        ('{"a":1}', "1.0", True),
        ('{"a":1e2}', "100", True),
        ('{"a":-0}', "0", True),
        ('{"a":0.12345678901234567890123}', "0.12345678901234567890124", False),
        ('{"a":12345678901234567890}', "12345678901234567891", False),
        ('{"a":true}', "1", False),
        ('{"a":1}', "true", False),
        ('{"a":null}', "null", True),
        ("{}", "null", False),
        ('{"b":{"a":1}}', "1", False),
        ('{"a":"1"}', "1", False),
        ('{"a":""}', '""', True),
        ('{"a":"é"}', '"\\u00e9"', True),
        ('{"a":{"b":[1,{"c":2,"d":3}]}}', '{"b":[1.0,{"d":3,"c":2}]}', True),
        ('{"a":{"b":[1,2]}}', '{"b":[2,1]}', False),
        ('{"a":{"b":1,"c":2}}', '{"b":1}', False),
        ('{"a":[]}', "{}", False),
    ],
)
def test_a_member_of_metadata_is_compared_as_a_json_value(
    metadata: str, value: str, *, holds: bool
) -> None:
    session = PLAIN._replace(metadata=Metadata(metadata))
    assert SessionFilter(metadata=(("a", value),)).matches(session) == holds


@pytest.mark.parametrize(
    ("members", "detail"),
    [
        ([("a", "")], "must have JSON values"),
        ([("a", "b")], "must have JSON values"),
        ([("a", "[" * 200)], "must have JSON values"),
        ([("a", '"\ud800"')], "must have JSON values"),
        ([("a", "NaN")], "must have JSON values"),
        ([("a", r'"\ud800"')], "must not contain a lone surrogate"),
        ([("a", r'"\u0000"')], "must not contain NUL"),
        ([("a\0", "1")], "must not contain NUL"),
        ([("a", f"0.{'1' * 16_384}")], "must not contain a number out of range"),
        ([("a", "[" * 101 + "]" * 101)], "must not nest more than 100 levels"),
        ([(str(place), "1") for place in range(11)], "must name at most 10 members"),
    ],
)
def test_what_no_metadata_has_is_no_filter_of_it(
    members: list[tuple[str, str]], detail: str
) -> None:
    SessionFilter(metadata=tuple((str(place), "1") for place in range(10)))
    SessionFilter(metadata=(("a", f"0.{'1' * 16_383}"),))
    with pytest.raises(InvalidValue, match=f"^{detail}$") as refusal:
        SessionFilter(metadata=tuple(members))
    assert refusal.value.field == ("metadata",)


def test_filters_that_mean_the_same_are_the_same() -> None:
    """However their values are spelt: so a cursor goes on under either."""
    one = SessionFilter(metadata=(("a", ' {"b": 1.50, "c": "\u00e9"}'),))
    assert one == SessionFilter(metadata=(("a", '{"c":"\\u00e9","b":15e-1}'),))


def test_a_filters_times_are_in_utc_and_its_external_id_is_one() -> None:
    local = START.astimezone(timezone(timedelta(hours=-3)))
    filters = SessionFilter(updated_after=local, updated_before=local)
    assert str(filters.updated_after) == str(filters.updated_before) == str(START)
    for name, wrong in (
        ("updated_after", START.replace(tzinfo=None)),
        ("updated_before", datetime(1, 1, 1, tzinfo=timezone(timedelta(hours=1)))),
        ("external_id", " a"),
    ):
        with pytest.raises(InvalidValue) as refusal:
            SessionFilter(**{name: wrong})  # type: ignore[arg-type]
        assert refusal.value.field == (name,)


def test_a_page_has_what_its_filter_leaves_and_the_total_of_that() -> None:
    """Under an offset as under a cursor."""
    shelved = [one._replace(archived=one.id.int % 2 == 1) for one in SESSIONS]
    request = SessionPageRequest(limit=2, sort_by=SessionSort.CREATED_AT, sort_order=SortOrder.ASC)
    page = request.page_of(shelved)
    assert ([one.id.int for one in page.items], page.total, page.limit) == ([0, 2], 3, 2)
    assert (page.has_previous, page.has_next) == (False, True)
    beside = replace(request, cursor=request.cursors(page)[1])
    rest = beside.page_of(shelved)
    assert ([one.id.int for one in rest.items], rest.total) == ([4], 3)
    assert (rest.has_previous, rest.has_next) == (True, False)
