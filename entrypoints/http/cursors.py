"""Writes and parses cursors: opaque text in base64url without padding (RFC 4648 section 5)."""

import re
import struct
from base64 import urlsafe_b64decode, urlsafe_b64encode
from datetime import UTC, datetime, timedelta
from uuid import UUID

from domain.errors import InvalidValue
from domain.page import SortOrder
from domain.search import Place
from domain.session_page import Cursor, SessionSort, Side

_FORM = struct.Struct(">BBq16s")
"""A packed cursor: the kind of list; flags for the sort, the direction, the side and whether there
is a key; microseconds since 1970; the session's id. The digest of a filter follows, if there is
one."""

_PLACE = struct.Struct(">Bq16sq")
"""A packed place among hits: the kind of list; microseconds since 1970; the session's id; the
message's order. The digest of the search follows."""

_SESSIONS = 1
_SEARCH = 2
_TEXT = re.compile(r"[A-Za-z0-9_-]{35}|[A-Za-z0-9_-]{46}")
_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
_MICROSECOND = timedelta(microseconds=1)
_NO_KEY = (_EPOCH, UUID(int=0))


def to_text(cursor: Cursor) -> str:
    at, id_ = cursor.key or _NO_KEY
    flags = (
        (cursor.sort_by is SessionSort.CREATED_AT)
        | (cursor.sort_order is SortOrder.ASC) << 1
        | (cursor.side is Side.BEFORE) << 2
        | (cursor.key is not None) << 3
    )
    packed = _FORM.pack(_SESSIONS, flags, (at - _EPOCH) // _MICROSECOND, id_.bytes)
    return urlsafe_b64encode(packed + cursor.selection).decode().rstrip("=")


def from_text(text: str) -> Cursor:
    """Parse a cursor. Raises InvalidValue for text that `to_text` does not write."""
    try:
        cursor = _parsed(text)
    except (ValueError, OverflowError):
        cursor = None
    if cursor is None or to_text(cursor) != text:
        raise InvalidValue("is no cursor of this list", "cursor")
    return cursor


def place_to_text(place: Place, selection: bytes) -> str:
    """Write a place among the hits of the search that `selection` tells from others."""
    at, session_id, order = place
    packed = _PLACE.pack(_SEARCH, (at - _EPOCH) // _MICROSECOND, session_id.bytes, order)
    return urlsafe_b64encode(packed + selection).decode().rstrip("=")


def place_from_text(text: str, selection: bytes) -> Place:
    """Parse a place. Raises InvalidValue for text that `place_to_text` does not write, or not for
    this search."""
    try:
        kind, microseconds, id_, order = _PLACE.unpack(urlsafe_b64decode(text + "===")[:-8])
        place = (_EPOCH + microseconds * _MICROSECOND, UUID(bytes=id_), order)
    except (ValueError, OverflowError, struct.error):
        place = None
    if place is None or kind != _SEARCH or place_to_text(place, selection) != text:
        raise InvalidValue("is no cursor of this search", "cursor")
    return place


def _parsed(text: str) -> Cursor | None:
    if not _TEXT.fullmatch(text):
        return None
    packed = urlsafe_b64decode(text + "==")
    _, flags, microseconds, id_ = _FORM.unpack_from(packed)
    key = (_EPOCH + microseconds * _MICROSECOND, UUID(bytes=id_))
    return Cursor(
        sort_by=SessionSort.CREATED_AT if flags & 1 else SessionSort.LAST_UPDATED,
        sort_order=SortOrder.ASC if flags & 2 else SortOrder.DESC,
        side=Side.BEFORE if flags & 4 else Side.AFTER,
        key=key if flags & 8 else None,
        selection=packed[_FORM.size :],
    )
