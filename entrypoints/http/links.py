"""The links between the pages of a list (RFC 8288)."""

import re
from collections.abc import Mapping
from types import MappingProxyType
from typing import Any
from urllib.parse import urlencode

from starlette.requests import Request

from domain.message import Message
from domain.message_page import MessagePageRequest
from domain.page import OFFSET_MAX, Page, SortOrder
from domain.session import Session
from domain.session_page import SessionPageRequest
from entrypoints.http.context import app_context
from entrypoints.http.cursors import to_text
from entrypoints.telemetry.request_context import request_context

_PLAIN_QUERY = re.compile(r"[A-Za-z0-9_&=.-]*")
"""A query in which nothing needs percent-encoding."""

NOTHING_MORE: Mapping[str, str] = MappingProxyType({})

Links = dict[str, tuple[str, int | str]]

_PLACES = frozenset({"offset", "after", "before", "around", "cursor", "wait"})
"""What a link has for its own page, or not at all."""


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


def links_by_order(page: Page[Message], asked: MessagePageRequest) -> Links:
    """The same, where the neighbours are found by the orders at the page's edges: those of its
    items or, where it has none, the one that was asked for."""
    orders = sorted(item.message_order for item in page.items)
    lowest = orders[0] if orders else min((asked.after or 0) + 1, OFFSET_MAX)
    highest = orders[-1] if orders else max((asked.before or 0) - 1, 0)
    lower, higher = ("before", lowest), ("after", highest)
    is_ascending = asked.sort_order is SortOrder.ASC
    previous, following = (lower, higher) if is_ascending else (higher, lower)
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


def link_header(
    request: Request, path: str, links: Links, more: Mapping[str, str] = NOTHING_MORE
) -> str:
    """Return the Link header (RFC 8288), whose links keep every other parameter, and `more`."""
    query = {**request_context(request).query, **more}
    path = app_context(request).public_url + path
    return ", ".join(
        f'<{path}?{_query(query, name, place)}>; rel="{relation}"'
        for relation, (name, place) in links.items()
    )


def _query(given: Mapping[str, str], name: str, place: int | str) -> str:
    others = _PLACES - {name}
    kept = {key: value for key, value in given.items() if key not in others}
    query = "&".join([f"{key}={value}" for key, value in {**kept, name: place}.items()])
    return query if _PLAIN_QUERY.fullmatch(query) else urlencode({**kept, name: place})
