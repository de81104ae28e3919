"""What a start imports: whatever it does not use makes every start slower."""

import re
from pathlib import Path

import pytest

from tests.databases import database_file, migrated_database
from tests.serving import serving

NEVER = {"alembic", "httpx2", "opentelemetry.exporter.otlp", "redis", "rich.console"}
"""For a new schema, an identity provider, traces, limits that processes share and a terminal."""

KEY = "chat-sessions-development-key.pem"

SQLITE = {"adapters.sql.sqlite"}
POSTGRESQL = {"adapters.sql.postgresql", "sqlalchemy.dialects.postgresql.asyncpg"}


def imported(folder: Path, url: str) -> set[str]:
    """The modules that a service has come to once it has answered."""
    with (
        serving(folder, CHAT_SESSIONS_DATABASE_URL=url, PYTHONPROFILEIMPORTTIME="1") as served,
        served.client() as client,
    ):
        assert client.post("/sessions", json={}).status_code == 201
        assert client.get("/metrics").status_code == 200
    told = served.welcome + (folder / "stderr").read_text()
    return set(re.findall(r"^import time: +\d+ \| +\d+ \| +(\S+)$", told, re.MULTILINE))


@pytest.mark.parametrize(
    ("database", "used", "unused"),
    [
        ("memory", {"adapters.memory"}, {"asyncpg", "sqlalchemy"}),
        ("sqlite", SQLITE, POSTGRESQL),
        ("postgresql", POSTGRESQL, SQLITE),
    ],
)
def test_what_was_not_chosen_is_not_imported(
    tmp_path: Path, database: str, used: set[str], unused: set[str]
) -> None:
    urls = {"memory": "memory://", "sqlite": f"sqlite:///{tmp_path}/chat.db"}
    url = urls.get(database) or migrated_database("plain")
    if database == "sqlite":
        database_file(tmp_path)
    found = imported(tmp_path, url)
    left = {path.name for path in tmp_path.iterdir()} - {"stdout", "stderr"}
    assert database == "sqlite" or left == {KEY}
    assert used <= found
    assert found & (NEVER | unused) == set()


def test_a_first_start_on_sqlite_has_what_makes_its_schema(tmp_path: Path) -> None:
    """So that the names above are those of what is imported late."""
    assert "alembic" in imported(tmp_path, f"sqlite:///{tmp_path}/chat.db")
