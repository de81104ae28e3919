"""Check a whole file. That takes some seconds a gigabyte, so its start is reported too."""

import logging
import sqlite3
from contextlib import suppress
from time import perf_counter

from adapters.sql.observer import Observer
from adapters.sql.sqlite.file import SqliteFile

_STOPPED = "not finished"

_COUNTS = (
    """SELECT 1 FROM sessions WHERE message_count - removed_count <> (SELECT count(*) FROM messages
    WHERE messages.owner = sessions.owner AND session_id = sessions.id) LIMIT 1""",
    """SELECT 1 FROM owners WHERE session_count <> (SELECT count(*) FROM sessions
    WHERE sessions.owner = owners.owner) LIMIT 1""",
)


def is_whole(connection: sqlite3.Connection, file: SqliteFile, observer: Observer) -> bool:
    """Whether each page is as SQLite writes it. Raises sqlite3.Error."""
    began, found, size = perf_counter(), _STOPPED, file.size
    observer.event("check_started", logging.INFO, path=str(file.path), bytes=size)
    try:
        (found,) = connection.execute("PRAGMA integrity_check(1)").fetchone()
    finally:
        level = logging.INFO if found in {"ok", _STOPPED} else logging.ERROR
        seconds = round(perf_counter() - began, 3)
        observer.event("check_finished", level, path=str(file.path), seconds=seconds, found=found)
    return bool(found == "ok")


def counts_agree(connection: sqlite3.Connection) -> bool:
    """Whether the stored counts match the sessions and messages: if they do not, the file's pages,
    each of them whole, come from two states of the database."""
    return not any(connection.execute(counts).fetchone() for counts in _COUNTS)


def interrupt(connection: sqlite3.Connection) -> None:
    """Interrupt the statement that runs on the connection, from another thread."""
    with suppress(sqlite3.Error):
        connection.interrupt()
