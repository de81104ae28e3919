"""The statements that both databases run for a search."""

from collections.abc import Sequence
from functools import cache
from typing import Any

from sqlalchemy import (
    BigInteger,
    ColumnElement,
    Select,
    Text,
    and_,
    bindparam,
    case,
    false,
    func,
    literal,
    null,
    or_,
    select,
    tuple_,
)

from adapters.sql.column_types import Instant, Key
from adapters.sql.database import Values
from adapters.sql.entities import ROLE
from adapters.sql.functions import HasKeys
from adapters.sql.message_statements import OF_SESSION, ORDER
from adapters.sql.observer import labelled
from adapters.sql.schema import messages, sessions
from adapters.sql.statements import OWNER, SESSION, directed
from domain.page import SortOrder
from domain.search import SEARCH_LIMIT_MAX, Place

LIMIT = bindparam("limit_", type_=BigInteger)
KEYS = bindparam("keys_", type_=Text)
_OLDER_THAN = tuple_(bindparam("at_", type_=Instant), bindparam("id_", type_=Key), ORDER)

SHORT_TEXT = 2000
"""Characters of a text that is read along with its place."""

TITLE = literal(0, BigInteger)
"""The place of a title among the orders of its session's messages."""


def _has_keys(words: ColumnElement[str]) -> ColumnElement[bool]:
    """Looked up in the row itself, in a form that no index has, and of which PostgreSQL expects
    that every second row is so: it then reads the newest first, and stops."""
    return func.coalesce(HasKeys(words, KEYS), false())


def short_text(*, wanted: bool) -> ColumnElement[Any]:
    """A message's text, if it is wanted and short."""
    is_short = func.length(messages.c.content) <= SHORT_TEXT
    return case((is_short, messages.c.content), else_=null()) if wanted else null()


@cache
def newest_messages(*, of_session: bool) -> Select[Any]:
    """The newest messages with the keys, of those older than a place or, in one session, of lower
    orders."""
    place = (messages.c.timestamp, messages.c.session_id, messages.c.message_order)
    if of_session:
        chosen = and_(OF_SESSION, messages.c.message_order < ORDER)
    else:
        chosen = and_(messages.c.owner == OWNER, tuple_(*place) < _OLDER_THAN)
    newest = directed(SortOrder.DESC, *(place[2:] if of_session else place))
    return labelled(
        "NEWEST_MESSAGES",
        select(*place, short_text(wanted=True))
        .where(chosen, _has_keys(messages.c.words))
        .order_by(*newest)
        .limit(LIMIT),
    )


@cache
def newest_titles(*, of_session: bool) -> Select[Any]:
    """The newest sessions whose titles have the keys, of those older than a place, since a time."""
    place = (sessions.c.created_at, sessions.c.id)
    chosen: list[ColumnElement[bool]] = [
        sessions.c.owner == OWNER,
        sessions.c.created_at >= bindparam("since_", type_=Instant),
        tuple_(*place, TITLE) < _OLDER_THAN,
    ]
    if of_session:
        chosen.append(sessions.c.id == SESSION)
    return labelled(
        "NEWEST_TITLES",
        select(*place, TITLE, sessions.c.title)
        .where(*chosen, _has_keys(sessions.c.words))
        .order_by(*directed(SortOrder.DESC, *place))
        .limit(LIMIT),
    )


_SLOTS = range(SEARCH_LIMIT_MAX)
_ids = [bindparam(f"id_{slot}_", type_=Key) for slot in _SLOTS]
_orders = [bindparam(f"order_{slot}_", type_=BigInteger) for slot in _SLOTS]
_any_place = or_(
    *[
        and_(
            messages.c.owner == OWNER,
            messages.c.session_id == id_,
            messages.c.message_order == order,
        )
        for id_, order in zip(_ids, _orders, strict=True)
    ]
)

READ_MESSAGES = labelled(
    "READ_MESSAGES",
    select(messages.c.session_id, messages.c.message_order, ROLE, messages.c.content).where(
        _any_place
    ),
)
READ_TITLES = labelled(
    "READ_TITLES",
    select(sessions.c.id, sessions.c.title).where(
        sessions.c.owner == OWNER, sessions.c.id.in_(_ids)
    ),
)


def slots(places: Sequence[Place]) -> Values:
    """Return one to fifty places as the parameters of what reads the hits there."""
    filled = [*places, *[places[-1]] * (SEARCH_LIMIT_MAX - len(places))]
    ids = {f"id_{slot}_": session_id for slot, (_, session_id, _) in enumerate(filled)}
    return ids | {f"order_{slot}_": order for slot, (_, _, order) in enumerate(filled)}
