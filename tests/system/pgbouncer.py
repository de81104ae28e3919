"""A real pgbouncer in transaction mode, before the PostgreSQL server of the tests."""

from dataclasses import replace
from functools import cache

from adapters.sql import SqlStorage
from adapters.sql.postgresql import PostgresqlDatabase
from tests.databases import patient, server
from tests.ports import free_port
from tests.postgresql import PostgresqlServer
from tests.programs import Program, new_folder

CONNECTIONS = 3
"""Of the server, for each database and user, however many clients there are."""

CONFIGURATION = """
[databases]
* = host=127.0.0.1 port={server}
[pgbouncer]
listen_addr = 127.0.0.1
listen_port = {port}
unix_socket_dir =
auth_type = trust
auth_file = {users}
pool_mode = transaction
default_pool_size = {connections}
max_client_conn = 200
server_login_retry = 1
"""


class Pgbouncer(Program):
    """On a free port of loopback, for the users that it lists."""

    def __init__(self, before: PostgresqlServer, configuration: str = CONFIGURATION) -> None:
        folder, port = new_folder("pgbouncer"), free_port()
        users = folder / "users"
        users.write_text('"postgres" ""\n"app" ""\n"chat" "secret"\n')
        written = configuration.format(
            server=before.port, port=port, users=users, connections=CONNECTIONS
        )
        (folder / "pgbouncer.ini").write_text(written)
        super().__init__(folder, ["pgbouncer", folder / "pgbouncer.ini"], port=port)

    def url(self, database: str, user: str = "postgres") -> str:
        return f"postgresql://{user}@127.0.0.1:{self.port}/{database}"


@cache
def pooler() -> Pgbouncer:
    """The one that all tests of a run share, before the server that they share."""
    return Pgbouncer(server())


def pooled_storage(database: str) -> SqlStorage:
    options = replace(patient(pooler().url(database)), transaction_pooler=True)
    return SqlStorage(PostgresqlDatabase(options))
