"""Turn a driver's errors into the application's; `sqlstates` has what each means."""

from asyncio import CancelledError
from collections.abc import Iterator, Mapping
from contextlib import contextmanager

from sqlalchemy.dialects.postgresql.asyncpg import AsyncAdapt_asyncpg_dbapi
from sqlalchemy.exc import DBAPIError
from sqlalchemy.exc import TimeoutError as PoolTimeoutError

from adapters.sql.postgresql.connection_failures import DRIVER_ERRORS, CannotConnect
from adapters.sql.postgresql.session_settings import POOLER_ADVICE
from adapters.sql.postgresql.sqlstates import FOREIGN_SESSION, Meaning, meaning_of
from application.errors import Unavailable, Unreachable

FAULTS = (DBAPIError, OSError, *DRIVER_ERRORS)
"""The errors that asyncpg raises, by itself or wrapped by SQLAlchemy."""

UNREACHED = (
    *FAULTS,
    AsyncAdapt_asyncpg_dbapi.Error,
    PoolTimeoutError,
    ValueError,
    OverflowError,
)
"""The errors that connecting raises. Those of a raw connection of the pool are no DBAPIError."""


class NotReached(Unreachable):
    """There was no connection, so nothing was sent. `is_transient`: that may pass by itself."""

    def __init__(self, text: str, *, is_transient: bool = False) -> None:
        super().__init__(text)
        self.is_transient = is_transient


class ConnectionLost(Unreachable):
    """The connection was lost, and whether the database carried the statement out is not known."""


class Undone(Unavailable):
    """The database rolled the work back, and it may be repeated: a deadlock and the like."""


_NOT_ENCODED = "22000"
"""The state of a value that the driver could not encode. The server waits in mid-statement, with
its locks, until the connection is used again or closed."""

_KINDS: Mapping[Meaning, type[Unavailable] | None] = {
    Meaning.UNDONE: Undone,
    Meaning.ENDED: ConnectionLost,
    Meaning.AWAY: ConnectionLost,
    Meaning.UNAVAILABLE: Unavailable,
    Meaning.OURS: None,
}

_OTHER_ARGUMENTS = "bind message supplies"
"""How an error 08P01 begins if the server has another statement under this statement's name."""


def _is_refused(error: BaseException) -> bool:
    """Whether the driver sent nothing, since the server is about to close the connection."""
    return type(_origin(error)).__name__ == "InternalClientError"


@contextmanager
def translated() -> Iterator[None]:
    """Raise Unavailable in place of an error that means the database cannot be used now.

    Any other error is the service's own mistake, and passes as it is.
    """
    try:
        yield
    except FAULTS as error:
        check(error)
        raise


def check(error: Exception) -> None:
    """Raise Unavailable if the error means that the database cannot be used now."""
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
    """Raise Unavailable in place of any error of connecting."""
    try:
        yield
    except UNREACHED as error:
        raise unreached(error) from error


def unreached(error: Exception) -> Unavailable:
    """Return what to raise for an error of connecting."""
    if isinstance(error, PoolTimeoutError):
        return Unavailable("every connection of the pool is in use")
    if isinstance(error, CannotConnect):
        unfit = Unavailable(error.causes)
        return (
            unfit if error.was_reached else NotReached(str(error), is_transient=error.is_transient)
        )
    if isinstance(error, ValueError | OverflowError):  # their text may show a part of the URL
        return NotReached("cannot use the database: its URL cannot be used")
    reason = _origin(error)
    text = str(reason) or type(reason).__name__
    return NotReached(f"cannot use the database: {text}{_advice(reason)}")


def is_lost(error: BaseException) -> bool:
    """Whether the connection must not be used again, as a statement may still be running on it."""
    state = _state(_origin(error))
    unfit = state == _NOT_ENCODED or state in FOREIGN_SESSION
    gone = state is not None and meaning_of(state) in {Meaning.ENDED, Meaning.AWAY}
    return isinstance(error, OSError | CancelledError) or unfit or gone or _is_refused(error)


def is_servers_end(error: BaseException) -> bool:
    """Whether the error means that the server is away, is stopping, or is a standby now."""
    state = _state(error)
    is_away = state is not None and meaning_of(state) is Meaning.AWAY
    return isinstance(error, OSError) or is_away


def _kind(error: DBAPIError) -> type[Unavailable] | None:
    if error.connection_invalidated and not _is_refused(error):
        return ConnectionLost
    return _kind_of(error.orig)


def _kind_of(error: BaseException | None) -> type[Unavailable] | None:
    """Return what to raise for asyncpg's error, or None if it is the service's own mistake."""
    if error is not None and _is_refused(error):
        return NotReached
    if type(error).__name__ == "InvalidCachedStatementError":
        return Undone
    state = _state(error)
    return None if state is None else _KINDS[meaning_of(state)]


def _advice(origin: BaseException) -> str:
    """Return advice about poolers if the error shows that sessions are shared with others."""
    state = _state(origin)
    exchanged = state == "08P01" and str(origin).startswith(_OTHER_ARGUMENTS)
    return f" ({POOLER_ADVICE})" if state in FOREIGN_SESSION or exchanged else ""


def _origin(error: BaseException) -> BaseException:
    """Return asyncpg's error where SQLAlchemy has wrapped it."""
    return getattr(error, "orig", None) or error


def _state(error: BaseException | None) -> str | None:
    return getattr(error, "sqlstate", None) or None
