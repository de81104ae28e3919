"""How long a read may take, from the outside in, in seconds.

Each limit leaves the one around it time to answer. docs/operations.md has them in a table.
"""

REQUEST_TIMEOUT = 4.75
"""For all that one request asks of the storage, which bounds each act for itself."""

DATABASE_TIMEOUT = 4.5
"""For one act of the database: a connection, its statements, and what is tried again."""

PRIMARY_TIMEOUT = 2.0
"""For the primary to answer a read, where there is a standby, before it counts as down."""

STANDBY_TIMEOUT = 2.25
"""For the standby, after the primary has had its time."""
