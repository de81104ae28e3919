"""Writes and parses cursors: opaque text in base64url without padding (RFC 4648 section 5)."""

import re
import struct
from base64 import urlsafe_b64decode, urlsafe_b64encode
from datetime import UTC, datetime, timedelta
from uuid import UUID

from domain.errors import InvalidValue
from domain.page import SortOrder
from domain.session_page import Cursor, SessionSort, Side

_FORM = struct.Struct(">BBq16s")
"""A packed cursor: the kind of list; flags for the sort, the direction, the side and whether there
is a key; microseconds since 1970; the session's id. The digest of a filter follows, if there is
one."""

_SESSIONS = 1
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
