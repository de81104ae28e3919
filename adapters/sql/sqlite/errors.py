import sqlite3

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
    sqlite3.SQLITE_FULL,
    sqlite3.SQLITE_CANTOPEN,
    sqlite3.SQLITE_PROTOCOL,
}

_DAMAGED = {sqlite3.SQLITE_CORRUPT, sqlite3.SQLITE_NOTADB}


class Damaged(Unavailable):
    """The file has content that SQLite did not write."""


DRIVER_ERRORS = (DBAPIError, sqlite3.Error)

_NOT_TEXT = "Could not decode to UTF-8"
"""How sqlite3's error for a damaged text begins. The rest would repeat the text."""


def check(error: Exception) -> None:
    """Raise Unavailable in place of a driver's error that means the database cannot be used now.

    Any other driver's error is the service's own mistake, and nothing is raised.
    """
    origin = getattr(error, "orig", error)
    if str(origin).startswith(_NOT_TEXT):
        raise Unavailable("a text in the file is damaged") from None
    if is_damage(origin):
        raise Damaged(str(origin)) from error
    if _code_of(origin) in _AWAY:
        raise Unavailable(str(origin)) from error


def is_damage(origin: object) -> bool:
    """Whether the driver says that the file is not as SQLite writes it."""
    return _code_of(origin) in _DAMAGED


def _code_of(origin: object) -> int | None:
    code: int | None = getattr(origin, "sqlite_errorcode", None)
    return None if code is None else code & _PRIMARY
