"""How a page of a list is asked for and answered."""

import re
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from typing import Annotated, Any
from urllib.parse import urlencode

from fastapi import Query
from pydantic import BeforeValidator, Field
from starlette.requests import Request

from domain.errors import InvalidValue
from domain.message import Message
from domain.page import (
    LIMIT_DEFAULT,
    LIMIT_MAX,
    OFFSET_MAX,
    MessagePageRequest,
    MessageSort,
    Page,
    PageRequest,
    SessionPageRequest,
    SessionSort,
    SortOrder,
)
from domain.session import Session
from entrypoints.http.cursors import from_text, to_text
from entrypoints.http.models import (
    CURSOR,
    CURSOR_EXAMPLE,
    CURSOR_MAX,
)
from entrypoints.http.problems import in_query, invalid

_PLAIN_QUERY = re.compile(r"[A-Za-z0-9_&=-]*")
"""There is nothing to encode in it."""

_PLAIN_INTEGER = re.compile(r"0|[1-9][0-9]*")


def _plain_integer(value: object) -> object:
    if isinstance(value, str) and not _PLAIN_INTEGER.fullmatch(value):
        raise ValueError("must be an integer written in plain digits")
    return value


Limit = Annotated[
    int,
    Field(ge=1, le=LIMIT_MAX),
    BeforeValidator(_plain_integer),
    Query(description="How many items at most.", examples=[20]),
]
Place = Annotated[int, Field(ge=0, le=OFFSET_MAX), BeforeValidator(_plain_integer)]
Offset = Annotated[
    Place | None,
    Query(description="How many items to pass over, from the list's beginning.", examples=[100]),
]
# These three have their example in words: who sends the examples of all parameters together, as
# tools do, sends a request that is answered.
After = Annotated[
    Place | None,
    Query(
        description="A `message_order`, in place of an offset: what follows it in the order asked "
        "for, such as `after=2`.",
    ),
]
Before = Annotated[
    Place | None,
    Query(
        description="A `message_order`, in place of an offset: what comes right before it in the "
        "order asked for, such as `before=40`.",
    ),
]
SessionCursor = Annotated[
    Annotated[str, Field(pattern=CURSOR, max_length=CURSOR_MAX)] | None,
    Query(
        description="A `next_cursor` or `previous_cursor`, in place of an offset. It keeps the "
        f"sort that it was made for; with another it is refused. Such as `{CURSOR_EXAMPLE}`.",
    ),
]
SessionsBy = Annotated[
    SessionSort | None,
    Query(
        description="By default `last_updated`, or what the cursor was made for.",
        examples=[SessionSort.CREATED_AT],
    ),
]
SessionsOrder = Annotated[
    SortOrder | None,
    Query(
        description="By default `desc`, or what the cursor was made for.", examples=[SortOrder.ASC]
    ),
]
MessagesBy = Annotated[
    MessageSort,
    Query(
        description="Two names of one order, since both grow together.",
        examples=[MessageSort.MESSAGE_ORDER],
    ),
]
MessagesOrder = Annotated[
    SortOrder, Query(description="`asc` is the oldest first.", examples=[SortOrder.DESC])
]

Links = dict[str, tuple[str, int | str]]

_PLACES = frozenset({"offset", "after", "before", "cursor"})


async def page_of_sessions(
    limit: Limit = LIMIT_DEFAULT,
    offset: Offset = None,
    sort_by: SessionsBy = None,
    sort_order: SessionsOrder = None,
    cursor: SessionCursor = None,
) -> SessionPageRequest:
    with _invalid_query():
        place = None if cursor is None else from_text(cursor)
        return SessionPageRequest(
            limit=limit,
            offset=offset,
            sort_by=sort_by or (place.sort_by if place else SessionSort.LAST_UPDATED),
            sort_order=sort_order or (place.sort_order if place else SortOrder.DESC),
            cursor=place,
        )


async def page_of_messages(  # noqa: PLR0913, PLR0917 - a parameter of the query each
    limit: Limit = LIMIT_DEFAULT,
    offset: Offset = None,
    sort_by: MessagesBy = MessageSort.TIMESTAMP,
    sort_order: MessagesOrder = SortOrder.ASC,
    after: After = None,
    before: Before = None,
) -> MessagePageRequest:
    with _invalid_query():
        return MessagePageRequest(
            limit=limit,
            offset=offset,
            sort_by=sort_by,
            sort_order=sort_order,
            after=after,
            before=before,
        )


@contextmanager
def _invalid_query() -> Iterator[None]:
    """What the domain refuses of a page was asked for in the query."""
    try:
        yield
    except InvalidValue as error:
        raise invalid([in_query(error.detail, str(error.field[0]))]) from None


def links_by_offset(page: Page[Any]) -> Links:
    """Which page each relation leads to, by the parameter that finds it.

    A page that was not found by offset has no neighbours so.
    """
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
    if page.has_previous:
        links["prev"] = ("before", page.items[0].message_order if page.items else end)
    if page.has_next:
        links["next"] = ("after", page.items[-1].message_order if page.items else beginning)
    return links


def links_by_cursor(page: Page[Session], asked: SessionPageRequest) -> Links:
    """The same, where the neighbours are found by cursors."""
    links = links_by_offset(page)
    for relation, cursor in zip(("prev", "next"), asked.cursors(page), strict=True):
        if cursor is not None:
            links[relation] = ("cursor", to_text(cursor))
    return links


def link_header(request: Request, asked: PageRequest, links: Links, public_url: str) -> str:
    """The neighbouring pages as web links (RFC 8288), every other parameter kept."""
    query = dict(request.scope["state"]["query"])
    if isinstance(asked, SessionPageRequest) and asked.cursor:  # which brings its sort with it
        query |= {"sort_by": asked.sort_by.value, "sort_order": asked.sort_order.value}
    path = request.scope["path"]
    return ", ".join(
        f'<{public_url}{path}?{_query(query, name, place)}>; rel="{relation}"'
        for relation, (name, place) in links.items()
    )


def _query(given: Mapping[str, str], name: str, place: int | str) -> str:
    others = _PLACES - {name}
    kept = {key: value for key, value in given.items() if key not in others}
    query = "&".join([f"{key}={value}" for key, value in {**kept, name: place}.items()])
    return query if _PLAIN_QUERY.fullmatch(query) else urlencode({**kept, name: place})
