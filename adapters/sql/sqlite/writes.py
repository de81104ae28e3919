"""What is one statement on PostgreSQL, as SQLite has it: several in a transaction of the writer."""

from collections.abc import Collection, Sequence
from datetime import datetime
from uuid import UUID

from sqlalchemy import Connection, delete, insert, update

from adapters.sql.database import Rows, Values
from adapters.sql.entities import NEW_MESSAGE_COLUMNS
from adapters.sql.observer import labelled
from adapters.sql.schema import instant_of, owners, receipts, sessions
from adapters.sql.schema import messages as message_table
from adapters.sql.statements import (
    FIND_RECEIPT,
    FORGET_RECEIPTS,
    GET_SESSION,
    OWN_SESSION,
    OWNER,
    RESERVE_ORDERS,
)
from application.idempotency import RETENTION
from domain.instant import TICK

_PLACE = ("owner", "session_id", "message_order", "timestamp")
_STORED = (*_PLACE, *[column.name for column in NEW_MESSAGE_COLUMNS])

PURGED_AT_ONCE = 10
"""Old receipts that each new one takes with it: no one need stop the service to purge them."""

INCREMENT_SESSION_COUNT = labelled(
    "COUNT_ONE_MORE",
    update(owners).where(owners.c.owner == OWNER).values(session_count=owners.c.session_count + 1),
)
DECREMENT_SESSION_COUNT = labelled(
    "COUNT_ONE_LESS",
    update(owners).where(owners.c.owner == OWNER).values(session_count=owners.c.session_count - 1),
)
ADD_OWNER = labelled("ADD_OWNER", insert(owners))
ADD_SESSION = labelled("ADD_SESSION", insert(sessions))
ADD_MESSAGES = labelled("ADD_MESSAGES", insert(message_table))
ADD_RECEIPT = labelled("ADD_RECEIPT", insert(receipts))
REMOVE_SESSION = labelled("REMOVE_SESSION", delete(sessions).where(OWN_SESSION))


def add(
    connection: Connection,
    owner: Values,
    session: Values,
    messages: Rows,
    receipt: Values | None,
) -> bool:
    if receipt and _is_claimed(connection, receipt):
        return False
    if not connection.execute(INCREMENT_SESSION_COUNT, {"owner_": owner["owner"]}).rowcount:
        connection.execute(ADD_OWNER, {**owner, "session_count": 1})
    connection.execute(ADD_SESSION, session)
    if receipt:
        _claim(connection, receipt, first_order=1)
    first_time = session["created_at"] + TICK
    _store(connection, (session["owner"], session["id"]), messages, 1, first_time)
    return True


def append(
    connection: Connection, head: Values, messages: Rows, receipt: Values | None
) -> Sequence[int] | None:
    if receipt and _is_claimed(connection, receipt):
        return None
    last = connection.execute(RESERVE_ORDERS, head).one_or_none()
    if last is None:
        return None
    first_order = last.message_count - len(messages) + 1
    first_time = instant_of(last.last_updated - (len(messages) - 1))
    if receipt:
        _claim(connection, receipt, first_order)
    session = head["owner_"], head["session_"]
    _store(connection, session, messages, first_order, first_time)
    return tuple(last)


def remove(connection: Connection, session: Values, expected: Collection[datetime] | None) -> bool:
    found = connection.execute(GET_SESSION, session).one_or_none()
    if found is None:
        return False
    if expected is not None and instant_of(found.last_updated) not in expected:
        return False
    connection.execute(REMOVE_SESSION, session)
    connection.execute(DECREMENT_SESSION_COUNT, {"owner_": session["owner_"]})
    return True


def _is_claimed(connection: Connection, receipt: Values) -> bool:
    claim = {f"{name}_": receipt[name] for name in ("owner", "operation", "key")}
    return connection.execute(FIND_RECEIPT, claim).one_or_none() is not None


def _claim(connection: Connection, receipt: Values, first_order: int) -> None:
    connection.execute(ADD_RECEIPT, {**receipt, "first_order": first_order})
    old = {"until_": receipt["claimed_at"] - RETENTION, "limit_": PURGED_AT_ONCE}
    connection.execute(FORGET_RECEIPTS, old)


def _store(
    connection: Connection,
    session: tuple[UUID, UUID],
    messages: Rows,
    first_order: int,
    first_time: datetime,
) -> None:
    rows = [
        dict(
            zip(
                _STORED,
                (*session, first_order + past, first_time + past * TICK, *message),
                strict=True,
            )
        )
        for past, message in enumerate(messages)
    ]
    if rows:
        connection.execute(ADD_MESSAGES, rows)
