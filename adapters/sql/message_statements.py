"""The statements on single messages, and on those that are removed or appended with care."""

from functools import cache
from typing import Any

from sqlalchemy import (
    BigInteger,
    ColumnElement,
    Select,
    and_,
    bindparam,
    delete,
    func,
    insert,
    select,
    update,
)

from adapters.sql.column_types import Instant
from adapters.sql.database import Named, Values
from adapters.sql.entities import MESSAGE_COLUMNS, NEW_MESSAGE_COLUMNS
from adapters.sql.functions import Larger
from adapters.sql.observer import labelled
from adapters.sql.schema import messages, owners, receipts, removed_orders, sessions
from adapters.sql.statements import EXTERNAL_ID, LOCK_SESSION, OWN_SESSION, OWNER, SESSION
from domain.external_id import ExternalId
from domain.message import Last, MessageRef

ORDER = bindparam("order_", type_=BigInteger)
_ORDER_MAX = 2**63 - 1

OF_SESSION = and_(messages.c.owner == OWNER, messages.c.session_id == SESSION)
OF_SESSION_REMOVED = and_(removed_orders.c.owner == OWNER, removed_orders.c.session_id == SESSION)
_highest = select(func.max(messages.c.message_order)).where(OF_SESSION).scalar_subquery()

SAID_COLUMNS = [column for column in NEW_MESSAGE_COLUMNS if column.key not in {"id", "external_id"}]
"""What a replacement replaces."""


def how_named(message: MessageRef) -> tuple[Named, Values]:
    """What the message is named by, and the parameters that `is_named` needs for it."""
    match message:
        case int():
            return Named.ORDER, {"order_": known_order(message)}
        case ExternalId(value):
            return Named.EXTERNAL_ID, {"external_id_": value}
        case Last.LAST:
            return Named.LAST, {}


def known_order(order: int) -> int:
    """The order or, for one that no message is ever given, one that fits a column."""
    return max(0, min(order, _ORDER_MAX))


def is_named(named: Named) -> ColumnElement[bool]:
    """What a row of the session's must be to be the message."""
    if named is Named.EXTERNAL_ID:
        return messages.c.external_id == EXTERNAL_ID
    return messages.c.message_order == (ORDER if named is Named.ORDER else _highest)


@cache
def get_message(named: Named) -> Select[Any]:
    """The message; a row of NULLs where the session has none, and no row where there is no such
    session."""
    of_session = and_(OF_SESSION, is_named(named))
    return labelled(
        "GET_MESSAGE",
        select(*MESSAGE_COLUMNS.selected)
        .select_from(sessions.outerjoin(messages, of_session))
        .where(OWN_SESSION),
    )


LOCK_ORDERS = labelled("LOCK_ORDERS", LOCK_SESSION.add_columns(sessions.c.first_order))

EXISTING_MESSAGES = labelled(
    "EXISTING_MESSAGES",
    select(*MESSAGE_COLUMNS.selected).where(
        OF_SESSION, messages.c.external_id.in_(bindparam("external_ids_", expanding=True))
    ),
)
LAST_SAID = labelled(
    "LAST_SAID", select(messages.c.timestamp).where(OF_SESSION, is_named(Named.LAST))
)
ADD_MESSAGES = labelled("ADD_MESSAGES", insert(messages))
ADD_RECEIPT = labelled("ADD_RECEIPT", insert(receipts))

SET_ORDERS = labelled(
    "SET_ORDERS",
    update(sessions)
    .where(OWN_SESSION)
    .values(
        last_order=bindparam("last_order_", type_=BigInteger),
        removed_count=bindparam("removed_count_", type_=BigInteger),
        last_updated=bindparam("last_updated_", type_=Instant),
        first_order=Larger(sessions.c.first_order, bindparam("first_order_", type_=BigInteger)),
        largest_message=Larger(sessions.c.largest_message, bindparam("largest_", type_=BigInteger)),
    ),
)

SET_SAID = labelled(
    "SET_SAID",
    update(messages)
    .where(OF_SESSION, messages.c.message_order == ORDER)
    .values(
        {
            column.key: bindparam(f"{column.key}_", type_=column.type)
            for column in [*SAID_COLUMNS, messages.c.edited_at]
        }
    ),
)

REMOVE_MESSAGE = labelled(
    "REMOVE_MESSAGE", delete(messages).where(OF_SESSION, messages.c.message_order == ORDER)
)
CLEAR_MESSAGES = labelled("CLEAR_MESSAGES", delete(messages).where(OF_SESSION))
CLEAR_MESSAGES_BEFORE = labelled(
    "CLEAR_MESSAGES_BEFORE", CLEAR_MESSAGES.where(messages.c.message_order < ORDER)
)
LOWEST_ORDER = labelled(
    "LOWEST_ORDER", select(func.min(messages.c.message_order)).where(OF_SESSION)
)
REMOVE_SESSION = labelled("REMOVE_SESSION", delete(sessions).where(OWN_SESSION))
UNCOUNT_SESSION = labelled(
    "COUNT_ONE_LESS",
    update(owners)
    .where(owners.c.owner == OWNER)
    .values(
        session_count=owners.c.session_count - bindparam("gone_", type_=BigInteger),
        archived_count=owners.c.archived_count - bindparam("less_", type_=BigInteger),
    ),
)
ADD_REMOVED = labelled("ADD_REMOVED", insert(removed_orders))
FORGET_REMOVED = labelled(
    "FORGET_REMOVED",
    delete(removed_orders).where(OF_SESSION_REMOVED, removed_orders.c.message_order < ORDER),
)
