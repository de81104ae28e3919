"""Run statements with asyncpg alone, on connections of SQLAlchemy's pool: SQLAlchemy takes some ten
times as long for a statement as the driver's own call."""

from time import perf_counter

from asyncpg import Connection
from sqlalchemy import Executable

from adapters.sql.compiled import compile_statement
from adapters.sql.database import Rows, Values
from adapters.sql.observer import Observer
from adapters.sql.postgresql.engine import Dialect, limits_statement
from adapters.sql.postgresql.options import PostgresqlOptions

_DIALECT = Dialect()  # type: ignore[no-untyped-call]


class Driver:
    """The driver runs each statement as a transaction of its own, and reports those with a label.

    Statements stay prepared, unless a pooler in transaction mode is in between.
    """

    def __init__(self, options: PostgresqlOptions, observer: Observer) -> None:
        self._options = options
        self._observer = observer

    async def rows(self, connection: Connection, statement: Executable, parameters: Values) -> Rows:
        """Run the statement and return its rows. Raises asyncpg's errors."""
        if not self._options.transaction_pooler:
            return await self._fetched(connection, statement, parameters)
        async with connection.transaction(isolation="read_committed"):
            await self._fetched(connection, limits_statement(self._options), {})
            return await self._fetched(connection, statement, parameters)

    async def _fetched(
        self, connection: Connection, statement: Executable, parameters: Values
    ) -> Rows:
        sent = compile_statement(statement, _DIALECT)
        values = sent.values(parameters)
        began = perf_counter()
        try:
            rows: Rows = await connection.fetch(sent.sql, *values)
        except BaseException as error:
            self._report(sent.label, began, error)
            raise
        self._report(sent.label, began, None)
        return rows

    def _report(self, label: str | None, began: float, error: BaseException | None) -> None:
        if label is not None:
            self._observer.statement(label, perf_counter() - began, error)
