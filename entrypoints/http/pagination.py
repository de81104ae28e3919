"""The query parameters of lists."""

import re
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from datetime import datetime
from typing import Annotated

from pydantic import (
    AfterValidator,
    BeforeValidator,
    ConfigDict,
    Field,
    PlainValidator,
    WithJsonSchema,
)

from domain.errors import InvalidValue
from domain.instant import parse_instant
from domain.message_page import MessagePageRequest, MessageSort
from domain.page import LIMIT_DEFAULT, LIMIT_MAX, SortOrder
from domain.session_page import SessionFilter, SessionPageRequest, SessionSort
from domain.strict_json import JsonError, dump, parse_document
from entrypoints.http.cursors import from_text
from entrypoints.http.problems import in_query, invalid
from entrypoints.http.query_types import (
    METADATA,
    Marked,
    Maybe,
    OptionalQuery,
    Place,
    plain_integer,
)
from entrypoints.http.schema_types import (
    CHANGED,
    CREATED,
    CURSOR,
    CURSOR_EXAMPLE,
    CURSOR_MAX,
)
from entrypoints.http.serializers import View

_SPACED_OFFSET = re.compile(r" (?=\d{2}:\d{2}$)", re.ASCII)


class _PageQuery(OptionalQuery):
    limit: Annotated[
        int,
        BeforeValidator(plain_integer),
        Field(
            description="How many items at most.",
            examples=[20],
            json_schema_extra={"maximum": LIMIT_MAX, "minimum": 1},
        ),
    ] = LIMIT_DEFAULT
    offset: Annotated[
        Maybe[Place],
        Field(
            description="How many items to pass over, from the list's beginning.", examples=[100]
        ),
    ] = None


def _query_instant(value: str | None) -> datetime | None:
    """Parse a time. A plus sign that was not percent-encoded arrives as a space."""
    return None if value is None else parse_instant(_SPACED_OFFSET.sub("+", value))


_Instant = Annotated[
    Maybe[datetime],
    PlainValidator(_query_instant),
    WithJsonSchema({"type": "string"}),  # a client's own type of time may have too few digits
]


class SessionPageQuery(_PageQuery):
    """The query parameters of a list of sessions, beside those about members of metadata."""

    model_config = ConfigDict(extra="allow")

    sort_by: Annotated[
        Maybe[SessionSort],
        Field(
            description="By default `last_updated`, or what the cursor was made for.",
            examples=[SessionSort.CREATED_AT],
        ),
    ] = None
    sort_order: Annotated[
        Maybe[SortOrder],
        Field(
            description="By default `desc`, or what the cursor was made for.",
            examples=[SortOrder.ASC],
        ),
    ] = None
    # An example in words: a tool that sends the examples of all parameters together then sends a
    # request that is answered.
    cursor: Annotated[
        Maybe[
            Annotated[str, Field(json_schema_extra={"maxLength": CURSOR_MAX, "pattern": CURSOR})]
        ],
        Field(
            description="A `next_cursor` or `previous_cursor`, in place of an offset. It keeps the "
            "sort that it was made for; with another, or with other filters, it is refused. Such "
            f"as `{CURSOR_EXAMPLE}`.",
        ),
    ] = None
    archived: Annotated[
        Marked,
        Field(
            description="`false`, the default, leaves out those that are archived, `true` the "
            "others.",
            examples=[Marked.FALSE],
        ),
    ] = Marked.FALSE
    pinned: Annotated[
        Marked,
        Field(
            description="`true` are those that are pinned, `false` the others.",
            examples=[Marked.ANY],
        ),
    ] = Marked.ANY
    external_id: Annotated[
        Maybe[str], Field(description="The one with this external id, such as `chat-42`.")
    ] = None
    updated_after: Annotated[
        _Instant,
        Field(
            description="Those whose `last_updated` is later: an RFC 3339 time with any offset, "
            f"such as `{CREATED}`.",
        ),
    ] = None
    updated_before: Annotated[
        _Instant,
        Field(
            description=f"Those whose `last_updated` is earlier, likewise, such as `{CHANGED}`.",
        ),
    ] = None

    def to_domain(self) -> SessionPageRequest:
        """Return the domain's request. Raises a Problem: 422."""
        with invalid_query():
            cursor = None if self.cursor is None else from_text(self.cursor)
            return SessionPageRequest(
                limit=self.limit,
                offset=self.offset,
                sort_by=self.sort_by or (cursor.sort_by if cursor else SessionSort.LAST_UPDATED),
                sort_order=self.sort_order or (cursor.sort_order if cursor else SortOrder.DESC),
                filters=SessionFilter(
                    archived=self.archived.wanted,
                    pinned=self.pinned.wanted,
                    external_id=self.external_id,
                    updated_after=self.updated_after,
                    updated_before=self.updated_before,
                    metadata=tuple(sorted(_members(self.model_extra or {}))),
                ),
                cursor=cursor,
            )


WAIT_MAX = 30
"""Seconds: less than proxies let an answer take."""


def _checked_wait(seconds: int) -> int:
    if not 0 <= seconds <= WAIT_MAX:
        raise InvalidValue(f"must be 0 to {WAIT_MAX} seconds")
    return seconds


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
        Maybe[Place],
        Field(
            description="A `message_order`, in place of an offset: the messages with higher "
            "orders that are next to it, whichever way the page is sorted, such as `after=2`.",
        ),
    ] = None
    before: Annotated[
        Maybe[Place],
        Field(
            description="A `message_order`, in place of an offset: the messages with lower "
            "orders that are next to it, whichever way the page is sorted, such as `before=40`.",
        ),
    ] = None

    around: Annotated[
        Maybe[Place],
        Field(
            description="A `message_order`, in place of an offset: the messages next to it on "
            "either side, with its own, such as `around=17`.",
        ),
    ] = None
    wait: Annotated[
        int,
        BeforeValidator(plain_integer),
        AfterValidator(_checked_wait),
        Field(
            description="With `after`: how many seconds to wait for a message, if there is none "
            "yet, such as `wait=30`. The page is empty if none comes.",
            json_schema_extra={"maximum": WAIT_MAX, "minimum": 0},
        ),
    ] = 0
    view: Annotated[
        View,
        WithJsonSchema({"type": "string", "enum": ["full", "text"], "examples": ["full"]}),
        Field(
            description="`text` leaves the bodies out: `body` is null, and a message that is put "
            "back so loses its body. With `body` each item is the message's body alone or, where "
            "it has none, `role`, `content` and `name`: what goes to a model as it stands, in "
            "whatever shape it has, and so none that a client could be generated for.",
        ),
    ] = View.FULL

    def to_domain(self) -> MessagePageRequest:
        """Return the domain's request. Raises a Problem: 422."""
        with invalid_query():
            if self.wait and self.after is None:
                raise InvalidValue("goes with after alone", "wait")
            return MessagePageRequest(
                limit=self.limit,
                offset=self.offset,
                sort_by=self.sort_by,
                sort_order=self.sort_order,
                after=self.after,
                before=self.before,
                around=self.around,
                with_bodies=self.view is not View.TEXT,
            )


def _members(given: Mapping[str, str]) -> Iterator[tuple[str, str]]:
    """The members of metadata that a query asks for, each with its value as JSON. What is no JSON
    is text."""
    for parameter, text in given.items():
        try:
            value = parse_document(text.encode())
        except JsonError:
            value = text
        yield parameter.removeprefix(METADATA), dump(value)


@contextmanager
def invalid_query() -> Iterator[None]:
    """Turn InvalidValue into a Problem, 422, that names the query parameter."""
    try:
        yield
    except InvalidValue as error:
        name = str(error.field[0])
        parameter = f"{METADATA}*" if name == "metadata" else name
        raise invalid([in_query(error.detail, parameter)]) from None
