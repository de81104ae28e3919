"""These constants limit how long a read may take, from the outside in, in seconds.

Each limit leaves the one around it time to answer. docs/operations.md has them in a table.
"""

REQUEST_TIMEOUT = 4.75
"""The limit for everything that one request asks of the storage."""

DATABASE_TIMEOUT = 4.5
"""The limit for one operation of the database: connecting, its statements, and retries."""

PRIMARY_TIMEOUT = 2.0
"""The limit for the primary to answer a read before the standby is asked, if there is one."""

STANDBY_TIMEOUT = 2.25
"""The limit for the standby, after the primary has had its time."""
