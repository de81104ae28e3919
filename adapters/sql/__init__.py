"""Storage in a relational database, through SQLAlchemy Core.

Each database is in its own package, and imported by those who use it.
"""

from adapters.sql.storage import SqlStorage

__all__ = ["SqlStorage"]
