"""The query parameters of lists, and the links between their pages."""

import re
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from typing import Annotated, Any
from urllib.parse import urlencode

from pydantic import BaseModel, BeforeValidator, Field, model_validator
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
from entrypoints.http.context import app_context
from entrypoints.http.cursors import from_text, to_text
from entrypoints.http.problems import in_query, invalid
from entrypoints.http.schemas import (
    CURSOR,
    CURSOR_EXAMPLE,
    CURSOR_MAX,
)
from entrypoints.telemetry.request_context import request_context

_PLAIN_QUERY = re.compile(r"[A-Za-z0-9_&=-]*")
"""A query in which nothing needs percent-encoding."""

_PLAIN_INTEGER = re.compile(r"0|[1-9][0-9]*")


def _plain_integer(value: object) -> object:
    if isinstance(value, str) and not _PLAIN_INTEGER.fullmatch(value):
        raise ValueError("must be an integer written in plain digits")
    return value


Place = Annotated[
    int,
    BeforeValidator(_plain_integer),
    Field(json_schema_extra={"maximum": OFFSET_MAX, "minimum": 0}),
]
"""The domain checks its bounds."""


class _PageQuery(BaseModel):
    """An empty parameter counts as absent: some clients write null so."""

    @model_validator(mode="before")
    @classmethod
    def _without_empty(cls, given: dict[str, str]) -> dict[str, str]:
        return {name: value for name, value in given.items() if value}

    limit: Annotated[
        int,
        BeforeValidator(_plain_integer),
        Field(
            description="How many items at most.",
            examples=[20],
            json_schema_extra={"maximum": LIMIT_MAX, "minimum": 1},
        ),
    ] = LIMIT_DEFAULT
    offset: Annotated[
        Place | None,
        Field(
            description="How many items to pass over, from the list's beginning.", examples=[100]
        ),
    ] = None


class SessionPageQuery(_PageQuery):
    """The query parameters of a list of sessions."""

    sort_by: Annotated[
        SessionSort | None,
        Field(
            description="By default `last_updated`, or what the cursor was made for.",
            examples=[SessionSort.CREATED_AT],
        ),
    ] = None
    sort_order: Annotated[
        SortOrder | None,
        Field(
            description="By default `desc`, or what the cursor was made for.",
            examples=[SortOrder.ASC],
        ),
    ] = None
    # An example in words: a tool that sends the examples of all parameters together then sends a
    # request that is answered.
    cursor: Annotated[
        Annotated[str, Field(json_schema_extra={"maxLength": CURSOR_MAX, "pattern": CURSOR})]
        | None,
        Field(
            description="A `next_cursor` or `previous_cursor`, in place of an offset. It keeps the "
            f"sort that it was made for; with another it is refused. Such as `{CURSOR_EXAMPLE}`.",
        ),
    ] = None

    def to_domain(self) -> SessionPageRequest:
        """Return the domain's request. Raises a Problem: 422."""
        with _invalid_query():
            cursor = None if self.cursor is None else from_text(self.cursor)
            return SessionPageRequest(
                limit=self.limit,
                offset=self.offset,
                sort_by=self.sort_by or (cursor.sort_by if cursor else SessionSort.LAST_UPDATED),
                sort_order=self.sort_order or (cursor.sort_order if cursor else SortOrder.DESC),
                cursor=cursor,
            )


class MessagePageQuery(_PageQuery):
    """The query parameters of a list of messages."""

    sort_by: Annotated[
        MessageSort,
        Field(
            description="Two names of one order, since both grow together.",
            examples=[MessageSort.MESSAGE_ORDER],
        ),
    ] = MessageSort.TIMESTAMP
    sort_order: Annotated[
        SortOrder, Field(description="`asc` is the oldest first.", examples=[SortOrder.DESC])
    ] = SortOrder.ASC
    after: Annotated[
        Place | None,
        Field(
            description="A `message_order`, in place of an offset: the messages with higher "
            "orders that are next to it, whichever way the page is sorted, such as `after=2`.",
        ),
    ] = None
    before: Annotated[
        Place | None,
        Field(
            description="A `message_order`, in place of an offset: the messages with lower "
            "orders that are next to it, whichever way the page is sorted, such as `before=40`.",
        ),
    ] = None

    def to_domain(self) -> MessagePageRequest:
        """Return the domain's request. Raises a Problem: 422."""
        with _invalid_query():
            return MessagePageRequest(
                limit=self.limit,
                offset=self.offset,
                sort_by=self.sort_by,
                sort_order=self.sort_order,
                after=self.after,
                before=self.before,
            )


Links = dict[str, tuple[str, int | str]]

_PLACES = frozenset({"offset", "after", "before", "cursor"})


@contextmanager
def _invalid_query() -> Iterator[None]:
    """Turn InvalidValue into a Problem, 422, that names the query parameter."""
    try:
        yield
    except InvalidValue as error:
        raise invalid([in_query(error.detail, str(error.field[0]))]) from None


def links_by_offset(page: Page[Any]) -> Links:
    """Map each link relation to the parameter, and its value, that find its page.

    A page that was not requested by offset has no `prev` and no `next` here.
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
    orders = sorted(item.message_order for item in page.items)
    lower = ("before", orders[0] if orders else page.total + 1)
    higher = ("after", orders[-1] if orders else 0)
    previous, following = (lower, higher) if sort_order is SortOrder.ASC else (higher, lower)
    links = links_by_offset(page)
    if page.has_previous:
        links["prev"] = previous
    if page.has_next:
        links["next"] = following
    return links


def links_by_cursor(page: Page[Session], asked: SessionPageRequest) -> Links:
    """Map relations as `links_by_offset` does, but find `prev` and `next` by cursor."""
    links = links_by_offset(page)
    for relation, cursor in zip(("prev", "next"), asked.cursors(page), strict=True):
        if cursor is not None:
            links[relation] = ("cursor", to_text(cursor))
    return links


def link_header(request: Request, asked: PageRequest, links: Links) -> str:
    """Return the Link header (RFC 8288), whose links keep every other parameter."""
    query = dict(request_context(request).query)
    if isinstance(asked, SessionPageRequest) and asked.cursor:  # which brings its sort with it
        query |= {"sort_by": asked.sort_by.value, "sort_order": asked.sort_order.value}
    path = app_context(request).public_url + request.scope["path"].lower()
    return ", ".join(
        f'<{path}?{_query(query, name, place)}>; rel="{relation}"'
        for relation, (name, place) in links.items()
    )


def _query(given: Mapping[str, str], name: str, place: int | str) -> str:
    others = _PLACES - {name}
    kept = {key: value for key, value in given.items() if key not in others}
    query = "&".join([f"{key}={value}" for key, value in {**kept, name: place}.items()])
    return query if _PLAIN_QUERY.fullmatch(query) else urlencode({**kept, name: place})
