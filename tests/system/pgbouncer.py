"""A real pgbouncer in transaction mode, before the PostgreSQL server of the tests."""

import atexit
import os
import shutil
import signal
import subprocess
import tempfile
from dataclasses import replace
from functools import cache
from pathlib import Path

from adapters.sql import SqlStorage
from adapters.sql.postgresql import PostgresqlDatabase
from tests.databases import patient, server
from tests.ports import free_port, wait_for_port
from tests.postgresql import PostgresqlServer
from tests.waiting import WAIT_SECONDS

CONNECTIONS = 3
"""Of the server, for each database and user, however many clients there are."""

LIFE_SECONDS = 1800
"""One that nobody stopped ends by itself after that."""

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


class Pgbouncer:
    """On a free port of loopback, for the users that it lists. It does not run as root."""

    def __init__(self, before: PostgresqlServer, configuration: str = CONFIGURATION) -> None:
        self._user = "nobody" if os.geteuid() == 0 else None
        self._folder = Path(tempfile.mkdtemp(prefix="pgbouncer-"))
        self._process: subprocess.Popen[bytes] | None = None
        self.port = free_port()
        users = self._folder / "users"
        users.write_text('"postgres" ""\n"app" ""\n"chat" "secret"\n')
        written = configuration.format(
            server=before.port, port=self.port, users=users, connections=CONNECTIONS
        )
        (self._folder / "pgbouncer.ini").write_text(written)
        self._folder.chmod(0o755)
        atexit.register(self.remove)
        self.start()

    def url(self, database: str, user: str = "postgres") -> str:
        return f"postgresql://{user}@127.0.0.1:{self.port}/{database}"

    def start(self) -> None:
        program = shutil.which("pgbouncer", path=f"{os.environ['PATH']}:/usr/sbin")
        assert program, "make test-system installs it"
        limit = ["timeout", str(LIFE_SECONDS)] if shutil.which("timeout") else []
        with (self._folder / "log").open("ab") as log:
            self._process = subprocess.Popen(
                [*limit, program, self._folder / "pgbouncer.ini"],
                user=self._user,
                stdout=log,
                stderr=log,
                start_new_session=True,
            )
        wait_for_port(self.port, self._process, self._folder / "log")

    def kill(self) -> None:
        assert self._process
        self._signal(signal.SIGKILL)
        self._process.wait(timeout=WAIT_SECONDS)

    def hang(self) -> None:
        self._signal(signal.SIGSTOP)

    def go_on(self) -> None:
        self._signal(signal.SIGCONT)

    def remove(self) -> None:
        atexit.unregister(self.remove)
        if self._process and self._process.poll() is None:
            self.kill()
        shutil.rmtree(self._folder, ignore_errors=True)

    def _signal(self, how: signal.Signals) -> None:
        """To it and to the one that limits its life: they are a process group of their own."""
        assert self._process
        os.killpg(self._process.pid, how)


@cache
def pooler() -> Pgbouncer:
    """The one that all tests of a run share, before the server that they share."""
    return Pgbouncer(server())


def pooled_storage(database: str) -> SqlStorage:
    options = replace(patient(pooler().url(database)), transaction_pooler=True)
    return SqlStorage(PostgresqlDatabase(options))
