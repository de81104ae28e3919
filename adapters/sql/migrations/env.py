from alembic import context
from sqlalchemy import Connection, func, select

from adapters.sql.schema import metadata


def _schema(connection: Connection) -> str | None:
    """Return the schema that gets the tables. Another application's version table may be further
    down the search path."""
    if connection.dialect.name != "postgresql":
        return None
    return connection.scalar(select(func.current_schema()))


_connection = context.config.attributes["connection"]
context.configure(
    connection=_connection,
    target_metadata=metadata,
    transactional_ddl=False,
    version_table_schema=_schema(_connection),
)
context.run_migrations()
