"""Run reads with the standard library's driver alone, on the reader's connection: SQLAlchemy takes
longer around a statement than reading one row does."""

import sqlite3
from time import perf_counter
from typing import cast

from sqlalchemy import Connection, Executable

from adapters.sql.compiled import compile_statement
from adapters.sql.database import Rows, Values
from adapters.sql.observer import Observer


class Driver:
    """The driver runs reads, and notifies the observer of each that has a label."""

    def __init__(self, connection: Connection, observer: Observer) -> None:
        self._dialect = connection.dialect
        self._connection = driver_of(connection)
        self._observer = observer

    def rows(self, statement: Executable, parameters: Values) -> Rows:
        """Run the statement and return its rows. Raises the errors of sqlite3."""
        sent = compile_statement(statement, self._dialect)
        began, failure = perf_counter(), None
        try:
            return self._connection.execute(sent.sql, sent.values(parameters)).fetchall()
        except BaseException as error:
            failure = error
            raise
        finally:
            if sent.label is not None:
                self._observer.statement(sent.label, perf_counter() - began, failure)


def driver_of(connection: Connection) -> sqlite3.Connection:
    return cast("sqlite3.Connection", connection.connection.driver_connection)
