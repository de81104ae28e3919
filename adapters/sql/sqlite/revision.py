import sqlite3

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
