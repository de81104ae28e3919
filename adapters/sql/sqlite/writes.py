"""What is one statement on PostgreSQL, as SQLite has it: several in a transaction of the writer."""

from collections.abc import Collection, Sequence
from datetime import datetime
from uuid import UUID

from sqlalchemy import BigInteger, Connection, bindparam, insert, update

from adapters.sql.column_types import instant_of
from adapters.sql.database import Named, Rows, Values
from adapters.sql.entities import MESSAGE_COLUMNS, NEW_MESSAGE_COLUMNS
from adapters.sql.message_statements import (
    ADD_MESSAGES,
    ADD_RECEIPT,
    REMOVE_SESSION,
    SET_SAID,
    UNCOUNT_SESSION,
    get_message,
)
from adapters.sql.observer import labelled
from adapters.sql.receipts import claimed
from adapters.sql.schema import owners, sessions
from adapters.sql.statements import (
    FIND_SESSION,
    FORGET_RECEIPTS,
    GET_SESSION,
    OWNER,
    RESERVE_ORDERS,
    TOUCH_SESSION,
)
from application.idempotency import RETENTION
from domain.instant import TICK

_PLACE = ("owner", "session_id", "message_order", "timestamp")
_STORED = (*_PLACE, *[column.key for column in NEW_MESSAGE_COLUMNS])

PURGED_AT_ONCE = 10
"""Old receipts that each new one takes with it: no one need stop the service to purge them."""

INCREMENT_SESSION_COUNT = labelled(
    "COUNT_ONE_MORE",
    update(owners)
    .where(owners.c.owner == OWNER)
    .values(
        session_count=owners.c.session_count + 1,
        archived_count=owners.c.archived_count + bindparam("more_", type_=BigInteger),
    ),
)
ADD_OWNER = labelled("ADD_OWNER", insert(owners))
ADD_SESSION = labelled("ADD_SESSION", insert(sessions))


def add(
    connection: Connection,
    owner: Values,
    session: Values,
    messages: Sequence[Values],
    receipt: Values | None,
) -> bool:
    if receipt and claimed(connection, receipt):
        return False
    if session["external_id"] is not None:
        asked = {"owner_": owner["owner"], "external_id_": session["external_id"]}
        if connection.execute(FIND_SESSION, asked).one_or_none() is not None:
            return False
    archived = int(session["archived"])
    counted = {"owner_": owner["owner"], "more_": archived}
    if not connection.execute(INCREMENT_SESSION_COUNT, counted).rowcount:
        connection.execute(ADD_OWNER, {**owner, "session_count": 1, "archived_count": archived})
    connection.execute(ADD_SESSION, session)
    if receipt:
        _claim(connection, receipt, first_order=1)
    if messages:
        connection.execute(ADD_MESSAGES, messages)
    return True


def append(
    connection: Connection, head: Values, messages: Rows, receipt: Values | None
) -> Sequence[int] | None:
    if receipt and claimed(connection, receipt):
        return None
    last = connection.execute(RESERVE_ORDERS, head).one_or_none()
    if last is None:
        return None
    last_order, last_time = last
    first_order = last_order - len(messages) + 1
    first_time = instant_of(last_time - (len(messages) - 1))
    if receipt:
        _claim(connection, receipt, first_order)
    session = head["owner_"], head["session_"]
    _store(connection, session, messages, first_order, first_time)
    return last_order, last_time


def replace(
    connection: Connection,
    named: Named,
    values: Values,
    expected: Collection[datetime] | None,
) -> Rows:
    rows = connection.execute(get_message(named), values).all()
    for found in MESSAGE_COLUMNS.read(rows, values["session_"]):
        if expected is not None and found.version not in expected:
            return ()
        (last_time,) = connection.execute(TOUCH_SESSION, values).one()
        changed = {**values, "order_": found.message_order, "edited_at_": instant_of(last_time)}
        connection.execute(SET_SAID, changed)
        return [(last_time, *rows[0])]
    return ()


def remove(connection: Connection, session: Values) -> bool:
    found = connection.execute(GET_SESSION, session).one_or_none()
    if found is None:
        return False
    connection.execute(REMOVE_SESSION, session)
    counted = {"owner_": session["owner_"], "gone_": 1, "less_": int(found.archived)}
    connection.execute(UNCOUNT_SESSION, counted)
    return True


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
