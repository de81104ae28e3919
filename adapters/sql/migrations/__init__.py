"""The schema's history, run by Alembic. It travels inside the package."""

from pathlib import Path

from alembic import command
from alembic.config import Config
from alembic.util import CommandError
from sqlalchemy import Connection


class UnknownRevision(Exception):
    """The schema is at a revision that this release does not have."""


def upgrade(connection: Connection, revision: str = "head") -> None:
    """Bring the schema to `revision` inside the connection's own transaction.

    Raises UnknownRevision.
    """
    try:
        command.upgrade(_config(connection), revision)
    except CommandError as error:
        raise UnknownRevision(str(error)) from error


def downgrade(connection: Connection, revision: str) -> None:
    """Take the schema back to `revision` inside the connection's own transaction."""
    command.downgrade(_config(connection), revision)


def _config(connection: Connection) -> Config:
    config = Config()
    config.set_main_option("script_location", str(Path(__file__).parent))
    config.set_main_option("path_separator", "os")
    config.attributes["connection"] = connection
    return config
