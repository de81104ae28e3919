"""How a page of a list is asked for and answered."""

import re
from typing import Annotated, Any
from urllib.parse import urlencode

from pydantic import BeforeValidator, Field
from starlette.requests import Request

from domain.message import Message
from domain.page import (
    LIMIT_DEFAULT,
    LIMIT_MAX,
    OFFSET_MAX,
    MessagePageRequest,
    MessageSort,
    Page,
    SessionPageRequest,
    SessionSort,
    SortOrder,
)
from entrypoints.http.models import Pagination
from entrypoints.http.problems import in_query, invalid

_PLAIN_INTEGER = re.compile(r"0|[1-9][0-9]*")


def _plain_integer(value: object) -> object:
    if isinstance(value, str) and not _PLAIN_INTEGER.fullmatch(value):
        raise ValueError("must be an integer written in plain digits")
    return value


Limit = Annotated[int, Field(ge=1, le=LIMIT_MAX), BeforeValidator(_plain_integer)]
Offset = Annotated[int, Field(ge=0, le=OFFSET_MAX), BeforeValidator(_plain_integer)]
Order = Annotated[
    int,
    Field(ge=0, le=OFFSET_MAX, description="A message_order, in place of an offset."),
    BeforeValidator(_plain_integer),
]

Links = dict[str, tuple[str, int]]

_PLACES = frozenset({"offset", "after", "before"})


def page_of_sessions(
    limit: Limit = LIMIT_DEFAULT,
    offset: Offset = 0,
    sort_by: SessionSort = SessionSort.LAST_UPDATED,
    sort_order: SortOrder = SortOrder.DESC,
) -> SessionPageRequest:
    return SessionPageRequest(limit=limit, offset=offset, sort_by=sort_by, sort_order=sort_order)


def page_of_messages(  # noqa: PLR0913, PLR0917 - a parameter of the query each
    limit: Limit = LIMIT_DEFAULT,
    offset: Offset | None = None,
    sort_by: MessageSort = MessageSort.TIMESTAMP,
    sort_order: SortOrder = SortOrder.ASC,
    after: Order | None = None,
    before: Order | None = None,
) -> MessagePageRequest:
    given = {"after": after, "before": before, "offset": offset}
    first, *others = [name for name, value in given.items() if value is not None] or ["offset"]
    if others:
        raise invalid([in_query(f"does not go with {first}", other) for other in others])
    return MessagePageRequest(
        limit=limit,
        offset=offset or 0,
        sort_by=sort_by,
        sort_order=sort_order,
        after=after,
        before=before,
    )


def pagination(page: Page[Any], *, by_offset: bool = True) -> Pagination:
    return Pagination(
        total=page.total,
        limit=page.limit,
        offset=page.offset if by_offset else None,
        has_next=page.has_next,
        has_previous=page.has_previous,
        next_offset=page.next_offset if by_offset else None,
        previous_offset=page.previous_offset if by_offset else None,
    )


def links_by_offset(page: Page[Any]) -> Links:
    """Which page each relation leads to, by the parameter that finds it."""
    offsets = {
        "first": 0 if page.total else None,
        "prev": page.previous_offset,
        "next": page.next_offset,
        "last": page.last_offset,
    }
    return {name: ("offset", offset) for name, offset in offsets.items() if offset is not None}


def links_by_order(page: Page[Message], sort_order: SortOrder) -> Links:
    """The same, where the neighbours are found by the orders at the page's edges: those of its
    items, or the list's own where it has none."""
    beginning, end = (0, page.total + 1) if sort_order is SortOrder.ASC else (page.total + 1, 0)
    links = links_by_offset(page)
    for relation in {"prev", "next"} & links.keys():
        del links[relation]
    if page.has_previous:
        links["prev"] = ("before", page.items[0].message_order if page.items else end)
    if page.has_next:
        links["next"] = ("after", page.items[-1].message_order if page.items else beginning)
    return links


def link_header(request: Request, links: Links, public_url: str) -> str:
    """The neighbouring pages as web links (RFC 8288), every other parameter kept."""
    return ", ".join(
        f'<{public_url}{request.url.path}?{_query(request, name, place)}>; rel="{relation}"'
        for relation, (name, place) in links.items()
    )


def _query(request: Request, name: str, place: int) -> str:
    others = _PLACES - {name}
    kept = {key: value for key, value in request.query_params.items() if key not in others}
    return urlencode({**kept, name: place})
