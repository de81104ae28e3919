"""What docs/operations.md has of other programs is taken by them."""

import re
from pathlib import Path

from tests.databases import server
from tests.serving import run, serving
from tests.system.pgbouncer import Pgbouncer

PAGE = (Path(__file__).parents[2] / "docs" / "operations.md").read_text()


def test_the_service_runs_on_pgbouncer_as_it_is_configured_there(tmp_path: Path) -> None:
    """Its password is asked for, and its schema is made through it."""
    section = PAGE.split("\n## pgbouncer\n")[1].split("\n## ")[0]
    ((configuration, exports),) = re.findall(
        r"^```ini\n(.*?)^```\n.*^```text\n(.*?)^```", section, re.MULTILINE | re.DOTALL
    )
    for documented, actual in (
        ("db.example port=5432", "127.0.0.1 port={server}"),
        ("listen_port = 6432", "listen_port = {port}"),
        ("/etc/pgbouncer/userlist.txt", "{users}"),
    ):
        assert documented in configuration
        configuration = configuration.replace(documented, actual)
    server().execute("CREATE ROLE chat LOGIN")
    server().execute("CREATE DATABASE chat OWNER chat")
    pooler = Pgbouncer(server(), configuration)
    try:
        settings = dict(re.findall(r"^export (\w+)=(.*)$", exports, re.MULTILINE))
        url = settings["CHAT_SESSIONS_DATABASE_URL"].replace("6432", str(pooler.port))
        settings["CHAT_SESSIONS_DATABASE_URL"] = url
        assert run("migrate", folder=tmp_path, **settings).returncode == 0
        with serving(tmp_path, **settings) as served, served.client() as client:
            assert client.post("/sessions", json={"title": "pooled"}).status_code == 201
        settings["CHAT_SESSIONS_DATABASE_URL"] = url.replace("secret", "wrong")
        refused = run("migrate", "--check", folder=tmp_path, **settings)
        assert refused.stderr.startswith("chat-sessions: cannot connect to PostgreSQL: ")
        assert "authentication failed" in refused.stderr
    finally:
        pooler.remove()
