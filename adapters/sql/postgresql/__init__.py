"""Store sessions in PostgreSQL 15 and later, or what speaks its protocol and SQL."""

from adapters.sql.postgresql.database import PostgresqlDatabase
from adapters.sql.postgresql.options import PostgresqlOptions
from adapters.sql.postgresql.parameters import UrlRefused
from adapters.sql.postgresql.probe import probe
from adapters.sql.postgresql.resolve import resolve

__all__ = ["PostgresqlDatabase", "PostgresqlOptions", "UrlRefused", "probe", "resolve"]
