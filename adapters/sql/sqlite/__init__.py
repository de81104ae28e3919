"""SQLite as a database to trust: one service process, one writer, every commit on disk."""

from adapters.sql.sqlite.database import SqliteDatabase

__all__ = ["SqliteDatabase"]
