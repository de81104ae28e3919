"""What a session of the server must run under, and whether it does."""

import asyncpg

from adapters.sql.postgresql.options import PostgresqlOptions

FORGOTTEN = (
    "a pooler in between, such as pgbouncer in transaction mode: "
    "set CHAT_SESSIONS_DATABASE_TRANSACTION_POOLER=true"
)

AT_LEAST_ON_DISK = (
    "CASE current_setting('synchronous_commit') WHEN 'off' THEN 'on'"
    " ELSE current_setting('synchronous_commit') END"
)
"""A commit that is acknowledged is on a disk. What else it waits for is the operator's to say."""

_IN_FORCE = f"""
SELECT name, setting, set_config('synchronous_commit', {AT_LEAST_ON_DISK}, false)
  FROM pg_settings WHERE name = ANY($1::text[])
"""  # noqa: S608 - a constant of ours


class NotAsAsked(asyncpg.InterfaceError):  # type: ignore[misc]  # the driver has no types
    """The server runs the session under other settings than those it was asked for."""


async def settle(connection: asyncpg.Connection, options: PostgresqlOptions) -> None:
    """See that a new session has what it was asked for, and that it commits to disk.

    Raises NotAsAsked. What does not reach the server, its pooler has left out, and the next
    transaction may run in a session that another process has prepared its statements in.
    """
    asked = options.limits
    try:
        rows = await connection.fetch(_IN_FORCE, list(asked), timeout=options.connect_timeout)
    except (asyncpg.InvalidSQLStatementNameError, asyncpg.DuplicatePreparedStatementError) as error:
        raise NotAsAsked(f"{error} ({FORGOTTEN})") from error
    found = {row["name"]: row["setting"] for row in rows}
    for name, value in asked.items():
        if found.get(name) != value:
            raise NotAsAsked(
                f"the server was asked for {name} = {value} and has {found.get(name, 'none')}, "
                f"which tells of {FORGOTTEN}"
            )
