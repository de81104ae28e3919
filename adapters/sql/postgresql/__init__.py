"""PostgreSQL 15 and later, or what speaks its protocol and SQL."""

from adapters.sql.postgresql.database import PostgresqlDatabase
from adapters.sql.postgresql.options import PostgresqlOptions

__all__ = ["PostgresqlDatabase", "PostgresqlOptions"]
