"""Debian's PostgreSQL with TLS; that of the wheel is built without."""

import os
import shutil
import tempfile
from pathlib import Path

from tests.certificates import Authority
from tests.postgresql import PostgresqlServer

PROGRAMS = Path("/usr/lib/postgresql")

RULES = """
host     all postgres 127.0.0.1/32 trust
hostssl  all chat     127.0.0.1/32 trust
hostssl  all known    127.0.0.1/32 cert
hostssl  all asked    127.0.0.1/32 scram-sha-256
hostnossl all plain   127.0.0.1/32 trust
"""
"""pg_hba.conf: `chat` must speak TLS, `known` must have a certificate, `asked` a password."""


class TlsServer:
    """On a free port of loopback, with a certificate for localhost and 127.0.0.1 at first. The
    authority of its clients is that of `clients`."""

    def __init__(self, authority: Authority, clients: Authority) -> None:
        self._folder = Path(tempfile.mkdtemp(prefix="pg-tls-", dir="/tmp"))
        self._give("clients.pem", clients.pem)
        self._give("pg_hba.conf", RULES.encode())
        self.certify(*authority.issue("server", ["localhost", "127.0.0.1"]))
        settings = {
            "ssl": "on",
            "ssl_cert_file": str(self._folder / "server.pem"),
            "ssl_key_file": str(self._folder / "server.key"),
            "ssl_ca_file": str(self._folder / "clients.pem"),
            "hba_file": str(self._folder / "pg_hba.conf"),
            "fsync": "off",
        }
        newest = max(PROGRAMS.glob("*/bin"), key=lambda folder: int(folder.parent.name))
        self.server = PostgresqlServer(settings, programs=newest)
        for user in ("chat", "known", "asked", "plain"):
            self.server.execute(f"CREATE ROLE {user} LOGIN SUPERUSER PASSWORD 'secret'")

    def certify(self, certificate: bytes, key: bytes) -> None:
        """Have it show another from its next reload on."""
        self._give("server.pem", certificate)
        self._give("server.key", key)

    def reload(self) -> None:
        """Until it is in force for new connections."""
        before = self.server.execute("SELECT pg_conf_load_time()")
        self.server.execute("SELECT pg_reload_conf()")
        while self.server.execute("SELECT pg_conf_load_time()") == before:
            pass

    def url(self, user: str = "chat", host: str = "localhost", **query: object) -> str:
        tail = "&".join(f"{name}={value}" for name, value in query.items())
        return f"postgresql://{user}@{host}:{self.server.port}/chat?{tail}"

    def remove(self) -> None:
        self.server.remove()
        shutil.rmtree(self._folder, ignore_errors=True)

    def _give(self, name: str, content: bytes) -> None:
        """As a file that the server alone may read, all of it or the one before."""
        self._folder.chmod(0o755)
        made = self._folder / f"{name}.new"
        made.write_bytes(content)
        made.chmod(0o600)
        if os.geteuid() == 0:
            shutil.chown(made, "nobody")
        made.replace(self._folder / name)
