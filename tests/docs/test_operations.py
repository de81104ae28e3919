"""What docs/operations.md says is so: its commands are run as they stand, where they matter on data
that is being written."""

import asyncio
import json
import os
import re
import signal
import subprocess
from collections.abc import Iterator
from dataclasses import replace
from functools import partial
from pathlib import Path
from tempfile import TemporaryDirectory

import pytest

from adapters.sql.migrations import downgrade
from entrypoints.settings import PREFIX, Settings
from tests.databases import in_transaction, patient
from tests.faults.ledger import Ledger
from tests.faults.service import Service, running
from tests.postgresql import PostgresqlServer
from tests.serving import COMMAND, Served, environment, run_here, serving
from tests.tally import Tally
from tests.waiting import WAIT_SECONDS

PAGE = (Path(__file__).parents[2] / "docs" / "operations.md").read_text()
BLOCK = re.compile(r"^```(\w+)\n(.*?)^```$", re.MULTILINE | re.DOTALL)
URL = "CHAT_SESSIONS_DATABASE_URL"


def blocks(title: str, language: str = "sh") -> list[str]:
    """The fenced blocks under a heading, up to the next of any depth."""
    section = rf"^#+ {re.escape(title)}\n(.*?)(?=^#+ |\Z)"
    (text,) = re.findall(section, PAGE, re.MULTILINE | re.DOTALL)
    return [block for found, block in BLOCK.findall(text) if found == language]


def pasted(script: str, folder: Path, **settings: str) -> str:
    """What a shell prints in a folder where `.venv` is the project's."""
    if not (folder / ".venv").exists():
        (folder / ".venv").symlink_to(COMMAND.parents[1])
    done = subprocess.run(
        ["/bin/sh", "-e"],
        cwd=folder,
        env=environment(**settings),
        input=script,
        capture_output=True,
        text=True,
        check=False,
        timeout=WAIT_SECONDS,
    )
    assert done.returncode == 0, done.stderr
    return done.stdout


def test_every_setting_it_names_is_one() -> None:
    named = set(re.findall(rf"\b{PREFIX}(\w+)", PAGE))
    assert {name.lower() for name in named} <= set(Settings.model_fields)


def test_its_contents_are_its_headings() -> None:
    listed = re.findall(r"^\d+\. \[(.+?)\]\(#(.+?)\)", PAGE, re.MULTILINE)
    headings = re.findall(r"^## (.+)$", PAGE, re.MULTILINE)
    assert [title for title, _ in listed] == headings
    anchors = [re.sub(r"[^\w -]", "", title.lower()).replace(" ", "-") for title in headings]
    assert [anchor for _, anchor in listed] == anchors


CODE = [
    path.read_text()
    for folder in ("adapters", "entrypoints")
    for path in sorted((Path(__file__).parents[2] / folder).rglob("*.py"))
]


def logged() -> set[str]:
    """The events that the code has: those of an observer are the database's, as are a part's."""
    found = set(re.findall(r'\.event\(\s*"(\w+)"', "".join(CODE)))
    found.update(re.findall(r'f"\{self\._part\}\.(\w+)"', "".join(CODE)))
    events = {f"database.{name}" for name in found}
    for module in CODE:
        if "structlog.get_logger" in module:
            events.update(re.findall(r'"((?!http|db|error)[a-z]+\.[a-z_]+)"', module))
    return events


def test_every_event_of_the_log_is_told() -> None:
    section = PAGE.partition("### Every event of the log\n")[2].partition("\n## ")[0]
    told = re.findall(r"^\| `([a-z.]+[a-z_.]+)` \|", section, re.MULTILINE)
    assert len(told) == len(set(told))
    assert set(told) == logged()


async def backed_up(ledger: Ledger, script: str, folder: Path, **settings: str) -> Ledger:
    """What was acknowledged before the backup began, taken while writers write."""
    async with ledger.writing():
        await asyncio.sleep(0.5)
        known = list(ledger.acknowledged)
        await asyncio.to_thread(pasted, script, folder, **settings)
        before = len(ledger.acknowledged)
        while len(ledger.acknowledged) == before:
            ledger.progress.clear()
            await ledger.progress.wait()
    assert len(known) < len(ledger.acknowledged)
    return replace(ledger, acknowledged=known)


async def check(ledger: Ledger, service: Service, where: str) -> None:
    """All of it is there, whole and in order, and it can be written to."""
    restored = replace(ledger, service=service)
    await restored.check(Tally(), where)
    async with restored.writing(1):
        restored.progress.clear()
        await restored.progress.wait()


async def test_a_backup_of_sqlite_taken_under_load_is_restored(tmp_path: Path) -> None:
    """The old file, and its log, are out of the way. Another backup does not overwrite one."""
    backup, restore = blocks("Back up and restore SQLite")
    key = tmp_path / "key.pem"
    async with running(tmp_path, key) as service:
        known = await backed_up(Ledger(service), backup, tmp_path)
        assert (tmp_path / "backup.db").stat().st_mode & 0o777 == 0o600
        with pytest.raises(AssertionError, match="already exists"):
            pasted(backup, tmp_path)
        await service.kill()
        pasted(restore, tmp_path)
        await service.start()
        await check(known, service, "a restored SQLite")
    assert (tmp_path / "before" / "chat-sessions.db-wal").exists()


@pytest.fixture(scope="module")
def archive() -> Iterator[Path]:
    """A folder that the server's user may write to."""
    with TemporaryDirectory(prefix="archive-") as folder:
        Path(folder).chmod(0o777)
        yield Path(folder)


def configured(block: str, archive: Path) -> dict[str, str]:
    """The settings of a fenced block of postgresql.conf."""
    found = re.findall(r"^(\w+) = '?(.*?)'?$", block, re.MULTILINE)
    return {name: value.replace("/archive", str(archive)) for name, value in found}


@pytest.fixture(scope="module")
def server(archive: Path) -> Iterator[PostgresqlServer]:
    archiving, _ = blocks("Back up and restore PostgreSQL", "ini")
    started = PostgresqlServer(configured(archiving, archive))
    yield started
    started.remove()


class Operator:
    """At a shell, before a PostgreSQL server of their own."""

    def __init__(self, server: PostgresqlServer, folder: Path) -> None:
        self.server = server
        self.folder = folder

    def url(self, user: str, database: str = "chat") -> str:
        return self.server.url(database).replace("postgres@", f"{user}@")

    @property
    def environment(self) -> dict[str, str]:
        return {
            "PATH": f"{self.server.programs}:{os.environ['PATH']}",
            "PGHOST": "127.0.0.1",
            "PGPORT": str(self.server.port),
            "PGUSER": "postgres",
        }

    def here(self, script: str) -> str:
        return script.replace("db.example:5432", f"127.0.0.1:{self.server.port}")

    def paste(self, script: str) -> str:
        return pasted(self.here(script), self.folder, **self.environment)


@pytest.fixture(scope="module")
def operator(server: PostgresqlServer, tmp_path_factory: pytest.TempPathFactory) -> Operator:
    """One who has made the role, the database and its schema as the page says."""
    operator = Operator(server, tmp_path_factory.mktemp("operator"))
    making, grants = blocks("PostgreSQL")
    operator.paste(making)
    operator.paste(grants)
    return operator


def writes(folder: Path, url: str) -> bool:
    """Whether a service starts with that URL and stores a message."""
    with serving(folder, **{URL: url}) as served, served.client() as client:
        said = {"messages": [{"role": "user", "content": "Hello"}]}
        return client.post("/sessions", json=said).status_code == 201


def test_it_serves_as_a_role_that_cannot_change_the_schema(
    operator: Operator, tmp_path: Path
) -> None:
    assert writes(tmp_path, operator.url("chat_app"))
    refused = run_here("migrate", folder=tmp_path, **{URL: operator.url("chat_app")})
    assert refused.returncode == 0  # there is nothing to do
    with pytest.raises(RuntimeError, match="must be owner"):
        operator.server.execute("SET ROLE chat_app; DROP TABLE messages", "chat")


async def test_a_dump_of_postgresql_taken_under_load_is_restored(
    operator: Operator, tmp_path: Path
) -> None:
    """The old database is still there."""
    dump, restore, _ = blocks("Back up and restore PostgreSQL")
    key = tmp_path / "key.pem"
    operator.server.execute("DELETE FROM owners", "chat")
    async with running(tmp_path, key, **{URL: operator.url("chat")}) as service:
        backup = operator.here(dump)
        known = await backed_up(Ledger(service), backup, tmp_path, **operator.environment)
    operator.folder = tmp_path
    operator.paste(restore)
    restored = operator.url("chat", "chat_restored")
    async with running(tmp_path, key, **{URL: restored}) as service:
        await check(known, service, "a restored dump")
    assert operator.server.execute("SELECT count(*) FROM owners", "chat") == "1"


async def test_a_base_backup_and_the_archive_lead_to_a_moment(
    operator: Operator, archive: Path, tmp_path: Path
) -> None:
    """After which everything was erased by mistake: all that was acknowledged before is there."""
    _, _, base = blocks("Back up and restore PostgreSQL")
    _, recovery = blocks("Back up and restore PostgreSQL", "ini")
    key = tmp_path / "key.pem"
    operator.server.execute("DELETE FROM owners", "chat")
    async with running(tmp_path, key, **{URL: operator.url("chat")}) as service:
        ledger = Ledger(service)
        await backed_up(ledger, base, tmp_path, **operator.environment)
    moment = operator.server.execute("SELECT clock_timestamp()")
    operator.server.execute("DELETE FROM owners", "chat")
    wal = operator.server.execute("SELECT pg_walfile_name(pg_current_wal_lsn())")
    operator.server.stop()  # which waits for the archive
    operator.server.start()
    assert (archive / wal).exists()
    settings = configured(recovery, archive) | {"recovery_target_time": moment}
    recovered = PostgresqlServer(settings, tmp_path / "base")
    try:
        waiting = "DO 'BEGIN WHILE pg_is_in_recovery() LOOP PERFORM pg_sleep(0.05); END LOOP; END'"
        recovered.execute(waiting)
        async with running(tmp_path, key, **{URL: recovered.url("chat")}) as service:
            await check(ledger, service, "a moment recovered")
    finally:
        recovered.remove()


def said_by_both(served: Served) -> None:
    for who in ("alice", "bob"):
        with served.client(who) as client:
            said = {"messages": [{"role": "user", "content": f"{who} said"}]}
            assert client.post("/sessions", json=said).status_code == 201


def erased(folder: Path, **settings: str) -> int:
    """How many messages the receipt has."""
    receipt = pasted(".venv/bin/chat-sessions erase --subject alice", folder, **settings)
    removed: int = json.loads(receipt)["removed"]["messages"]
    return removed


def test_a_person_is_erased_and_nobody_else(operator: Operator, tmp_path: Path) -> None:
    """On PostgreSQL while it is served."""
    operator.server.execute("DELETE FROM owners", "chat")
    url = {URL: operator.url("chat")}
    with serving(tmp_path, **url) as served:
        said_by_both(served)
        assert erased(tmp_path, **url) == 1
        for who, left in (("alice", 0), ("bob", 1)):
            with served.client(who) as client:
                assert client.get("/sessions").json()["pagination"]["total"] == left


def test_on_sqlite_not_even_the_bytes_of_who_is_erased_are_left(tmp_path: Path) -> None:
    purge, *_ = blocks("Now and then")
    with serving(tmp_path) as served:
        said_by_both(served)
        served.stop(signal.SIGINT)
    assert erased(tmp_path) == 1
    assert pasted(purge, tmp_path) == "forgot 0 idempotency keys\n"
    assert "bob said" in run_here("export", "--subject", "bob", folder=tmp_path).stdout
    assert b"alice" not in (tmp_path / "chat-sessions.db").read_bytes()


def test_a_sqlite_file_gives_back_what_was_deleted(tmp_path: Path) -> None:
    """And what was kept is still served."""
    _, vacuum, *_ = blocks("Now and then")
    file = tmp_path / "chat-sessions.db"
    said = {"messages": [{"role": "user", "content": "x" * 100_000}] * 8}
    with serving(tmp_path) as served, served.client() as client:
        kept, *others = (client.post("/sessions", json=said).json()["id"] for _ in range(5))
        for session in others:
            assert client.delete(f"/sessions/{session}").status_code == 204
        served.stop(signal.SIGINT)
    before = file.stat().st_size
    pasted(vacuum, tmp_path)
    assert file.stat().st_size < before / 2
    with serving(tmp_path) as served, served.client() as client:
        assert client.get(f"/sessions/{kept}").json()["message_count"] == 8


def test_the_database_gets_a_new_password(operator: Operator, tmp_path: Path) -> None:
    """While both roles may come in they do the same; in the end the first may not."""
    *_, second, shut = blocks("Now and then")
    operator.paste(second)
    assert writes(tmp_path, operator.url("chat"))
    assert writes(tmp_path, operator.url("chat_2"))
    options = patient(operator.url("chat"))
    asyncio.run(in_transaction(options, partial(downgrade, revision="0001")))
    assert run_here("migrate", folder=tmp_path, **{URL: operator.url("chat_2")}).returncode == 0
    operator.paste(shut)
    try:
        assert writes(tmp_path, operator.url("chat_2"))
        refused = run_here("migrate", folder=tmp_path, **{URL: operator.url("chat")})
        assert "not permitted to log in" in refused.stderr
    finally:
        operator.server.execute("ALTER ROLE chat LOGIN")
