"""What removes a session's messages, in a transaction in which the session is locked."""

from collections.abc import Collection
from datetime import datetime

from sqlalchemy import Connection

from adapters.sql import message_statements as statements
from adapters.sql.database import Values
from adapters.sql.entities import MESSAGE_COLUMNS, SESSION_COLUMNS
from domain.errors import MessageNotFound, SessionNotFound
from domain.message import Message, MessageRef
from domain.owner import Owner
from domain.session import Session, Version


def locked(connection: Connection, owner: Owner, key: Values) -> tuple[Session, int]:
    """The session, and the lowest order of its messages or the next to be given. Nobody else
    changes either until the transaction ends. Raises SessionNotFound."""
    row = connection.execute(statements.LOCK_ORDERS, key).one_or_none()
    if row is None:
        raise SessionNotFound
    (session,) = SESSION_COLUMNS.read([row[:-1]], owner)
    return session, row[-1]


def message_of(connection: Connection, session: Session, key: Values, ref: MessageRef) -> Message:
    """Raises MessageNotFound."""
    named, name = statements.how_named(ref)
    rows = connection.execute(statements.get_message(named), {**key, **name}).all()
    for message in MESSAGE_COLUMNS.read(rows, session.id):
        return message
    raise MessageNotFound


def remove(  # noqa: PLR0913, PLR0917 - the command, and where it happens
    connection: Connection,
    owner: Owner,
    key: Values,
    ref: MessageRef,
    now: datetime,
    expected: Collection[datetime] | None,
) -> Message:
    """As MessageRepository.remove has it."""
    session, first_order = locked(connection, owner, key)
    message = message_of(connection, session, key, ref).check_version(expected)
    order, changed = message.message_order, session.changed(now, removed=1)
    connection.execute(statements.REMOVE_MESSAGE, {**key, "order_": order})
    if order != first_order:
        removal = {"message_order": order, "removed_at": changed.last_updated}
        place = {"owner": owner.key, "session_id": session.id, **removal}
        connection.execute(statements.ADD_REMOVED, place)
    shrink(connection, key, changed, is_first=order == first_order)
    return message


def clear(  # noqa: PLR0913, PLR0917 - the command, and where it happens
    connection: Connection,
    owner: Owner,
    key: Values,
    before: int | None,
    now: datetime,
    expected: Collection[Version] | None,
) -> int:
    """As MessageRepository.clear has it."""
    session, _ = locked(connection, owner, key)
    session.check_version(expected)
    removed = (
        connection.execute(statements.CLEAR_MESSAGES, key)
        if before is None
        else connection.execute(
            statements.CLEAR_MESSAGES_BEFORE, {**key, "order_": statements.known_order(before)}
        )
    ).rowcount
    if removed:
        shrink(connection, key, session.changed(now, removed=removed), is_first=True)
    return removed


def remove_session(
    connection: Connection,
    owner: Owner,
    key: Values,
    expected: Collection[Version] | None,
) -> bool:
    """Remove and uncount a session at one of the `expected` versions, if any. False if there is
    none. Raises VersionMismatch."""
    try:
        session, _ = locked(connection, owner, key)
    except SessionNotFound:
        return False
    session.check_version(expected)
    connection.execute(statements.REMOVE_SESSION, key)
    counted = {"owner_": owner.key, "gone_": 1, "less_": int(session.archived)}
    connection.execute(statements.UNCOUNT_SESSION, counted)
    return True


def shrink(connection: Connection, key: Values, session: Session, *, is_first: bool) -> None:
    """Store what the session became; below its first message no removed order counts."""
    first_order = 1
    if is_first:
        lowest = connection.execute(statements.LOWEST_ORDER, key).scalar()
        first_order = session.last_order + 1 if lowest is None else lowest
        connection.execute(statements.FORGET_REMOVED, {**key, "order_": first_order})
    store_orders(connection, key, session, first_order=first_order)


def store_orders(
    connection: Connection, key: Values, session: Session, *, first_order: int = 1, largest: int = 0
) -> None:
    """Store a session's orders and last change, and the lowest order and the largest message where
    these are higher than what is known."""
    changed = {
        "last_order_": session.last_order,
        "removed_count_": session.removed_count,
        "last_updated_": session.last_updated,
        "first_order_": first_order,
        "largest_": largest,
    }
    connection.execute(statements.SET_ORDERS, {**key, **changed})
