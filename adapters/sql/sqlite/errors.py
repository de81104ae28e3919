import sqlite3
from collections.abc import Iterator
from contextlib import contextmanager

from sqlalchemy.exc import DBAPIError

from application.errors import Unavailable

_PRIMARY = 0xFF
"""The low byte of an extended result code (https://sqlite.org/rescode.html)."""

_AWAY = {
    sqlite3.SQLITE_BUSY,
    sqlite3.SQLITE_LOCKED,
    sqlite3.SQLITE_NOMEM,
    sqlite3.SQLITE_READONLY,
    sqlite3.SQLITE_INTERRUPT,
    sqlite3.SQLITE_IOERR,
    sqlite3.SQLITE_CORRUPT,
    sqlite3.SQLITE_FULL,
    sqlite3.SQLITE_CANTOPEN,
    sqlite3.SQLITE_PROTOCOL,
    sqlite3.SQLITE_NOTADB,
}

DRIVER_ERRORS = (DBAPIError, sqlite3.Error)

_NOT_TEXT = "Could not decode to UTF-8"
"""How Python's sqlite3 begins to complain of a damaged text, which it then shows."""


@contextmanager
def translated() -> Iterator[None]:
    """Raise Unavailable for a driver's error that says the database cannot be used just now.

    Any other driver's error is a mistake of ours and passes as it is.
    """
    try:
        yield
    except DRIVER_ERRORS as error:
        check(error)
        raise


def check(error: Exception) -> None:
    """The same, of an error that was caught."""
    origin = getattr(error, "orig", error)
    if str(origin).startswith(_NOT_TEXT):
        raise Unavailable("a text in the file is damaged") from None
    code = getattr(origin, "sqlite_errorcode", None)
    if code is not None and code & _PRIMARY in _AWAY:
        raise Unavailable(str(origin)) from error
