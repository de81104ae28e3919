"""How a page of a list is asked for and answered."""

import re
from collections.abc import Iterator
from typing import Annotated, Any
from urllib.parse import urlencode

from pydantic import BeforeValidator, Field
from starlette.requests import Request

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

_PLAIN_INTEGER = re.compile(r"0|[1-9][0-9]*")


def _plain_integer(value: object) -> object:
    if isinstance(value, str) and not _PLAIN_INTEGER.fullmatch(value):
        raise ValueError("must be an integer written in plain digits")
    return value


Limit = Annotated[int, Field(ge=1, le=LIMIT_MAX), BeforeValidator(_plain_integer)]
Offset = Annotated[int, Field(ge=0, le=OFFSET_MAX), BeforeValidator(_plain_integer)]


def page_of_sessions(
    limit: Limit = LIMIT_DEFAULT,
    offset: Offset = 0,
    sort_by: SessionSort = SessionSort.LAST_UPDATED,
    sort_order: SortOrder = SortOrder.DESC,
) -> SessionPageRequest:
    return SessionPageRequest(limit=limit, offset=offset, sort_by=sort_by, sort_order=sort_order)


def page_of_messages(
    limit: Limit = LIMIT_DEFAULT,
    offset: Offset = 0,
    sort_by: MessageSort = MessageSort.TIMESTAMP,
    sort_order: SortOrder = SortOrder.ASC,
) -> MessagePageRequest:
    return MessagePageRequest(limit=limit, offset=offset, sort_by=sort_by, sort_order=sort_order)


def pagination(page: Page[Any]) -> Pagination:
    return Pagination(
        total=page.total,
        limit=page.limit,
        offset=page.offset,
        has_next=page.has_next,
        has_previous=page.has_previous,
        next_offset=page.next_offset,
        previous_offset=page.previous_offset,
    )


def link_header(request: Request, page: Page[Any], public_url: str) -> str:
    """The neighbouring pages as web links (RFC 8288), every other parameter kept."""
    return ", ".join(
        f'<{public_url}{request.url.path}?{_query(request, offset)}>; rel="{relation}"'
        for relation, offset in _relations(page)
    )


def _relations(page: Page[Any]) -> Iterator[tuple[str, int]]:
    offsets = {
        "first": 0 if page.total else None,
        "prev": page.previous_offset,
        "next": page.next_offset,
        "last": page.last_offset,
    }
    return ((relation, offset) for relation, offset in offsets.items() if offset is not None)


def _query(request: Request, offset: int) -> str:
    return urlencode({**request.query_params, "offset": offset})
