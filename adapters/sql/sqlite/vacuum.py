"""Write a file anew: SQLite's balancing of pages leaves copies of rows in their unused parts, which
`secure_delete` does not reach (https://sqlite.org/lang_vacuum.html)."""

import sqlite3
from contextlib import closing
from pathlib import Path

from adapters.sql.sqlite.file import SqliteFile
from application.errors import StorageRefused


def vacuum(path: Path) -> None:
    """Leave in the file only what is stored. Nobody may serve it meanwhile. Raises StorageRefused;
    the file is then as it was."""
    file = SqliteFile(path)
    file.lock()
    try:
        with closing(file.connect(read_only=False)) as connection:
            connection.execute("VACUUM")
            connection.execute("PRAGMA wal_checkpoint(TRUNCATE)").fetchall()
    except sqlite3.Error as error:
        raise StorageRefused(f"cannot write {path} anew: {error}") from error
    finally:
        file.unlock()
