"""What a driver's error means for a request, by its SQLSTATE (PostgreSQL's manual, appendix A)."""

from asyncio import CancelledError
from collections.abc import Iterator
from contextlib import contextmanager

from sqlalchemy.dialects.postgresql.asyncpg import AsyncAdapt_asyncpg_dbapi
from sqlalchemy.exc import DBAPIError
from sqlalchemy.exc import TimeoutError as PoolTimeoutError

from adapters.sql.postgresql.connect import DRIVER_ERRORS
from application.errors import Unavailable, Unreachable

FAULTS = (DBAPIError, OSError, *DRIVER_ERRORS)
"""What a driver raises, bare or through SQLAlchemy."""

UNREACHED = (
    *FAULTS,
    AsyncAdapt_asyncpg_dbapi.Error,
    PoolTimeoutError,
    ValueError,
    OverflowError,
)
"""On the way to a connection; what a bare one of the pool's raises is no DBAPIError."""


class NotReached(Unreachable):
    """No connection was to be had, and so nothing was asked of the database."""


class ConnectionLost(Unreachable):
    """Whether the database did what it was asked is not known."""


class Undone(Unavailable):
    """The database undid the work and it may be done again: a deadlock and the like."""


_UNDONE = {
    "40001",  # serialization_failure
    "40P01",  # deadlock_detected
    "0A000",  # a cached plan whose result has changed its type
}
_LOST = {
    "57P01",  # admin_shutdown
    "57P02",  # crash_shutdown
    "25006",  # read_only_sql_transaction: the server is a standby now
}
_NOT_ENCODED = "22000"
"""A value that the driver could not send. The server waits in the middle of a statement, with its
locks, until the connection is used again or closed."""

_AWAY_CLASSES = {
    "08",  # connection exception
    "53",  # insufficient resources: disk, memory, connections
    "57",  # operator intervention, a statement's timeout too
    "58",  # system error
    "XX",  # internal error, corrupt data
}
_AWAY = {
    "55P03",  # lock_not_available
    "42501",  # insufficient_privilege: the operator's to give
}
_UNFIT = _LOST | {_NOT_ENCODED}


def _is_refused(error: BaseException) -> bool:
    """Whether the driver would not send, since the server is about to close the connection."""
    return type(getattr(error, "orig", error)).__name__ == "InternalClientError"


@contextmanager
def translated() -> Iterator[None]:
    """Raise Unavailable for an error that says the database cannot be used just now.

    Any other is a mistake of ours and passes as it is.
    """
    try:
        yield
    except FAULTS as error:
        check(error)
        raise


def check(error: Exception) -> None:
    """The same, of an error that was caught."""
    if isinstance(error, DBAPIError):
        kind, text = _kind(error), str(error.orig)
    elif isinstance(error, OSError):
        kind, text = ConnectionLost, str(error) or type(error).__name__
    else:
        kind, text = _kind_of(error), str(error)
    if kind is not None:
        raise kind(text) from error


@contextmanager
def connecting() -> Iterator[None]:
    """Raise Unavailable for any error on the way to a connection."""
    try:
        yield
    except UNREACHED as error:
        raise unreached(error) from error


def unreached(error: Exception) -> Unavailable:
    """What an error on the way to a connection means."""
    if isinstance(error, PoolTimeoutError):
        return Unavailable("every connection of the pool is in use")
    if isinstance(error, ValueError | OverflowError):  # their text may show a part of the URL
        return NotReached("its URL cannot be used")
    reason = getattr(error, "orig", None) or error
    return NotReached(str(reason) or type(reason).__name__)


def is_lost(error: BaseException) -> bool:
    """Whether the connection is not to be used again: a statement may still be on its way."""
    origin = getattr(error, "orig", error)
    state = getattr(origin, "sqlstate", None)
    return isinstance(error, OSError | CancelledError) or state in _UNFIT or _is_refused(error)


def is_servers_end(error: BaseException) -> bool:
    """Whether it says that the server is away, stops, or is a standby now."""
    state = getattr(error, "sqlstate", None) or ""
    return isinstance(error, OSError) or state in _LOST or state.startswith("08")


def _kind(error: DBAPIError) -> type[Unavailable] | None:
    if error.connection_invalidated and not _is_refused(error):
        return ConnectionLost
    return _kind_of(error.orig)


def _kind_of(error: BaseException | None) -> type[Unavailable] | None:
    """What a driver's error is, bare or as SQLAlchemy has it."""
    state = getattr(error, "sqlstate", None) or ""
    if error is not None and _is_refused(error):
        return NotReached
    if state in _UNDONE or type(error).__name__ == "InvalidCachedStatementError":
        return Undone
    if state in _LOST or state.startswith("08"):
        return ConnectionLost
    if state[:2] in _AWAY_CLASSES or state in _AWAY:
        return Unavailable
    return None
