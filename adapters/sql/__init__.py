"""Storage in a relational database, through SQLAlchemy Core."""

from adapters.sql.sqlite import SqliteStorage

__all__ = ["SqliteStorage"]
