"""Storage in a relational database, through SQLAlchemy Core."""

from adapters.sql.postgresql import PostgresqlDatabase, PostgresqlOptions
from adapters.sql.sqlite import SqliteDatabase
from adapters.sql.storage import SqlStorage

__all__ = ["PostgresqlDatabase", "PostgresqlOptions", "SqlStorage", "SqliteDatabase"]
