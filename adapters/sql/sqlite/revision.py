import sqlite3

from sqlalchemy import Connection

from adapters.sql.schema import REVISION, is_complete
from adapters.sql.sqlite.file import SqliteFile
from adapters.sql.statements import GET_REVISION
from application.errors import StorageRefused

APPLICATION_ID = 0x63686174
"""The number that marks the service's files: "chat" (https://sqlite.org/pragma.html#pragma_application_id)."""


def recognized_revision(file: SqliteFile, connection: sqlite3.Connection) -> str | None:
    """Return the schema's revision, or None for a new file. Nothing is written.

    Raises StorageRefused for another program's file.
    """
    program = connection.execute("PRAGMA application_id").fetchone()[0]
    tables = connection.execute("SELECT count(*) FROM sqlite_schema").fetchone()[0]
    if not tables and program in {0, APPLICATION_ID}:
        return None
    if program != APPLICATION_ID:
        raise StorageRefused(f"{file.path} is another program's database")
    found = [row[0] for row in connection.execute(str(GET_REVISION))]
    if len(found) != 1:
        raise StorageRefused(f"{file.path} does not say which schema it has")
    return str(found[0])


def refuse_newer(file: SqliteFile, revision: str | None) -> None:
    """Raise StorageRefused for the schema of a newer release."""
    # Alembic takes a fifth of a second to import, so only a start that needs it pays.
    from adapters.sql import migrations  # noqa: PLC0415

    if revision is not None and not migrations.knows(revision):
        raise StorageRefused(
            f"{file.path} has a schema of a newer release; this one knows {REVISION}"
        )


def refuse_incomplete(file: SqliteFile, connection: Connection) -> None:
    if not is_complete(connection):
        raise StorageRefused(f"{file.path} lacks a part of the schema {REVISION}")
