"""Check that a new session runs with the settings that it asked for."""

import asyncpg

from adapters.sql.postgresql.options import PostgresqlOptions

POOLER_ADVICE = (
    "a pooler in between, such as pgbouncer in transaction mode: "
    "set CHAT_SESSIONS_DATABASE_TRANSACTION_POOLER=true"
)

AT_LEAST_ON_DISK = (
    "CASE current_setting('synchronous_commit') WHEN 'off' THEN 'on'"
    " ELSE current_setting('synchronous_commit') END"
)
"""The operator's synchronous_commit, but never `off`: an acknowledged commit is on disk."""

_IN_FORCE = f"""
SELECT name, setting, set_config('synchronous_commit', {AT_LEAST_ON_DISK}, false)
  FROM pg_settings WHERE name = ANY($1::text[])
"""  # noqa: S608 - a constant of ours


class SettingsNotApplied(asyncpg.InterfaceError):  # type: ignore[misc]  # the driver has no types
    """The server runs the session with other settings than those it was asked for."""


async def check_settings(connection: asyncpg.Connection, options: PostgresqlOptions) -> None:
    """Check that a new session has the settings it asked for, and have it commit to disk.

    Raises SettingsNotApplied: a pooler has dropped the settings, and the next transaction may run
    in a session in which another process has prepared its statements.
    """
    asked = options.limits
    try:
        rows = await connection.fetch(_IN_FORCE, list(asked), timeout=options.connect_timeout)
    except (asyncpg.InvalidSQLStatementNameError, asyncpg.DuplicatePreparedStatementError) as error:
        raise SettingsNotApplied(f"{error} ({POOLER_ADVICE})") from error
    found = {row["name"]: row["setting"] for row in rows}
    for name, value in asked.items():
        if found.get(name) != value:
            raise SettingsNotApplied(
                f"the server was asked for {name} = {value} and has {found.get(name, 'none')}, "
                f"which tells of {POOLER_ADVICE}"
            )
