"""What a driver's error means for a request: see adapters.sql.postgresql.sqlstates."""

from asyncio import CancelledError
from collections.abc import Iterator, Mapping
from contextlib import contextmanager

from sqlalchemy.dialects.postgresql.asyncpg import AsyncAdapt_asyncpg_dbapi
from sqlalchemy.exc import DBAPIError
from sqlalchemy.exc import TimeoutError as PoolTimeoutError

from adapters.sql.postgresql.failures import DRIVER_ERRORS, CannotConnect
from adapters.sql.postgresql.session import FORGOTTEN
from adapters.sql.postgresql.sqlstates import FOREIGN_SESSION, Meaning, meaning_of
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
    """No connection was to be had, and so nothing was asked of the database. `may_heal`: it may
    pass by itself."""

    def __init__(self, text: str, *, may_heal: bool = False) -> None:
        super().__init__(text)
        self.may_heal = may_heal


class ConnectionLost(Unreachable):
    """Whether the database did what it was asked is not known."""


class Undone(Unavailable):
    """The database undid the work and it may be done again: a deadlock and the like."""


_NOT_ENCODED = "22000"
"""A value that the driver could not send. The server waits in the middle of a statement, with its
locks, until the connection is used again or closed."""

_KINDS: Mapping[Meaning, type[Unavailable] | None] = {
    Meaning.UNDONE: Undone,
    Meaning.ENDED: ConnectionLost,
    Meaning.AWAY: ConnectionLost,
    Meaning.UNAVAILABLE: Unavailable,
    Meaning.OURS: None,
}

_OTHER_ARGUMENTS = "bind message supplies"
"""How 08P01 begins where the server has another statement under the name of ours."""


def _is_refused(error: BaseException) -> bool:
    """Whether the driver would not send, since the server is about to close the connection."""
    return type(_origin(error)).__name__ == "InternalClientError"


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
        raise kind(text + _advice(_origin(error))) from error


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
    if isinstance(error, CannotConnect):
        unfit = Unavailable(error.causes)
        return unfit if error.was_reached else NotReached(str(error), may_heal=error.may_heal)
    if isinstance(error, ValueError | OverflowError):  # their text may show a part of the URL
        return NotReached("cannot use the database: its URL cannot be used")
    reason = _origin(error)
    told = str(reason) or type(reason).__name__
    return NotReached(f"cannot use the database: {told}{_advice(reason)}")


def is_lost(error: BaseException) -> bool:
    """Whether the connection is not to be used again: a statement may still be on its way."""
    state = _state(_origin(error))
    unfit = state == _NOT_ENCODED or state in FOREIGN_SESSION
    gone = state is not None and meaning_of(state) in {Meaning.ENDED, Meaning.AWAY}
    return isinstance(error, OSError | CancelledError) or unfit or gone or _is_refused(error)


def is_servers_end(error: BaseException) -> bool:
    """Whether it says that the server is away, stops, or is a standby now."""
    state = _state(error)
    is_away = state is not None and meaning_of(state) is Meaning.AWAY
    return isinstance(error, OSError) or is_away


def _kind(error: DBAPIError) -> type[Unavailable] | None:
    if error.connection_invalidated and not _is_refused(error):
        return ConnectionLost
    return _kind_of(error.orig)


def _kind_of(error: BaseException | None) -> type[Unavailable] | None:
    """What a driver's error is, bare or as SQLAlchemy has it."""
    if error is not None and _is_refused(error):
        return NotReached
    if type(error).__name__ == "InvalidCachedStatementError":
        return Undone
    state = _state(error)
    return None if state is None else _KINDS[meaning_of(state)]


def _advice(origin: BaseException) -> str:
    """What else to say of a connection that leads to sessions of others."""
    state = _state(origin)
    exchanged = state == "08P01" and str(origin).startswith(_OTHER_ARGUMENTS)
    return f" ({FORGOTTEN})" if state in FOREIGN_SESSION or exchanged else ""


def _origin(error: BaseException) -> BaseException:
    """The driver's own, where SQLAlchemy has wrapped it."""
    return getattr(error, "orig", None) or error


def _state(error: BaseException | None) -> str | None:
    return getattr(error, "sqlstate", None) or None
