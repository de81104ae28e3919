"""SQLite as a database to trust."""

import asyncio
import os
import resource
import sqlite3
import struct
import subprocess
import sys
import threading
from collections.abc import AsyncIterator
from contextlib import closing
from pathlib import Path
from types import SimpleNamespace

import pytest
from sqlalchemy.exc import OperationalError

from adapters.sql import SqlStorage
from adapters.sql.observer import Observer
from adapters.sql.sqlite import SqliteDatabase
from adapters.sql.sqlite.access import unusable
from adapters.sql.sqlite.file import QUICK_BYTES, SqliteFile
from application.errors import StorageRefused, Unavailable
from domain.session import Session
from tests.clock import START
from tests.contract.examples import ALICE, new_messages, new_session, stored_session
from tests.waiting import WAIT_SECONDS, await_until


@pytest.fixture
def path(tmp_path: Path) -> Path:
    return tmp_path / "chat.db"


@pytest.fixture
async def storage(path: Path) -> AsyncIterator[SqlStorage]:
    opened = SqlStorage(SqliteDatabase(path))
    await opened.open()
    yield opened
    await opened.close()


def database_of(storage: SqlStorage) -> SqliteDatabase:
    database = storage._database  # noqa: SLF001 - no one else may see it
    assert isinstance(database, SqliteDatabase)
    return database


async def reopened(path: Path) -> SqlStorage:
    again = SqlStorage(SqliteDatabase(path))
    await again.open()
    return again


async def refusal(path: Path) -> str:
    """Why the storage does not open: one line that names the file, the file is let go, and no file
    is left behind that was not there."""
    own = (path, path.with_name(f"{path.name}-lock"))
    before = [os.path.lexists(file) for file in own]
    for _ in range(2):
        with pytest.raises(StorageRefused) as refused:
            await SqlStorage(SqliteDatabase(path)).open()
        assert [os.path.lexists(file) for file in own] == before
    line = str(refused.value)
    assert "\n" not in line
    assert path.name in line
    return line


async def test_the_file_is_for_its_owners_eyes(storage: SqlStorage, path: Path) -> None:
    await stored_session(storage)
    for name in ("chat.db", "chat.db-wal", "chat.db-shm"):
        assert (path.with_name(name).stat().st_mode & 0o777) == 0o600


async def test_the_promised_settings_are_in_force(storage: SqlStorage) -> None:
    connections = database_of(storage)._connections()  # noqa: SLF001 - no one else may see them
    for connection, expected in (
        (
            connections.writing,
            {"journal_mode": "wal", "synchronous": 2, "foreign_keys": 1, "busy_timeout": 2000},
        ),
        (connections.reader, {"query_only": 1, "wal_autocheckpoint": 0}),
    ):
        for pragma, value in expected.items():
            assert connection.exec_driver_sql(f"PRAGMA {pragma}").scalar() == value
        connection.rollback()


async def test_a_clean_stop_leaves_one_file_and_the_next_start_is_quick(path: Path) -> None:
    storage = await reopened(path)
    await stored_session(storage)
    await storage.close()
    await storage.close()
    assert not path.with_name("chat.db-wal").exists()


async def test_a_second_process_is_told_of_postgresql(storage: SqlStorage, path: Path) -> None:
    await stored_session(storage)
    assert "PostgreSQL" in await refusal(path)
    await storage.close()
    await (await reopened(path)).close()


async def test_a_file_that_is_no_database_is_refused(path: Path) -> None:
    path.write_text("Dear diary, this is not a database but it is long enough to be one.")
    assert "no SQLite database" in await refusal(path)
    assert path.read_text().startswith("Dear diary")


@pytest.mark.parametrize("mark", ["CREATE TABLE recipes (name)", "PRAGMA application_id=5"])
async def test_another_programs_database_is_refused(path: Path, mark: str) -> None:
    with sqlite3.connect(path) as other:
        other.execute(mark)
    other.close()
    before = path.read_bytes()
    assert "another program" in await refusal(path)
    assert path.read_bytes() == before


async def test_another_programs_log_is_left_to_it(path: Path) -> None:
    """As an unclean stop leaves it: the log beside the file, and in it what the file lacks."""
    source = path.with_name("running.db")
    log = path.with_name("chat.db-wal")
    with closing(sqlite3.connect(source)) as other:
        other.execute("PRAGMA journal_mode=WAL")
        other.execute("CREATE TABLE recipes (name)")
        path.write_bytes(source.read_bytes())
        log.write_bytes(source.with_name("running.db-wal").read_bytes())
    before = path.read_bytes(), log.read_bytes()
    assert "another program" in await refusal(path)
    assert (path.read_bytes(), log.read_bytes()) == before


@pytest.mark.parametrize("name", ["symbolic", "hard"])
async def test_a_second_name_of_the_file_is_no_way_around_the_lock(
    storage: SqlStorage, path: Path, name: str
) -> None:
    await stored_session(storage)
    other = path.with_name("other.db")
    if name == "symbolic":
        other.symlink_to(path)
    else:
        other.hardlink_to(path)
    with pytest.raises(StorageRefused):
        await SqlStorage(SqliteDatabase(other)).open()


@pytest.mark.parametrize(
    "change",
    [
        "DELETE FROM alembic_version",
        "INSERT INTO alembic_version VALUES ('0000')",
        "UPDATE alembic_version SET version_num = ''",
        "DROP TABLE alembic_version",
        "DROP TABLE messages",
        "ALTER TABLE sessions RENAME COLUMN title TO name",
        "DROP INDEX ix_sessions_id",
    ],
)
async def test_a_schema_that_is_not_what_it_says_is_refused(path: Path, change: str) -> None:
    await (await reopened(path)).close()
    with sqlite3.connect(path) as other:
        other.execute(change)
    other.close()
    line = await refusal(path)
    with pytest.raises(StorageRefused) as told:
        await SqliteDatabase(path).is_current()
    assert str(told.value) == line


async def test_what_was_said_is_in_no_error(storage: SqlStorage, path: Path) -> None:
    session = await stored_session(storage)
    with sqlite3.connect(path) as other:
        other.execute("DROP TABLE messages")
    other.close()
    with pytest.raises(OperationalError) as mistake:
        await storage.messages.append(ALICE, session.id, new_messages("SECRET"), START)
    assert "SECRET" not in str(mistake.value)


async def test_a_link_that_leads_to_itself_is_no_file(path: Path) -> None:
    path.symlink_to(path)
    await refusal(path)


async def test_a_pipe_is_no_file(path: Path) -> None:
    os.mkfifo(path)
    assert "no regular file" in await refusal(path)


async def test_a_folder_that_is_not_there_is_refused(path: Path) -> None:
    assert "No such file" in await refusal(path / "chat.db")
    with pytest.raises(StorageRefused, match="No such file"):
        await SqliteDatabase(path / "chat.db").is_current()


@pytest.mark.parametrize("is_mounted", [False, True])
async def test_a_folder_is_no_file(path: Path, *, is_mounted: bool) -> None:
    """Nor is one that is mounted, as /data in a container."""
    if is_mounted:
        path = Path("/proc")
    else:
        path.mkdir()
    told = f"{path} is a folder: name a file in it"
    assert await refusal(path) == told
    with pytest.raises(StorageRefused, match=told):
        await SqliteDatabase(path).is_current()


async def test_a_check_of_the_file_refuses_what_a_start_refuses_and_makes_nothing(
    path: Path,
) -> None:
    database = SqliteDatabase(path)
    assert not await database.is_current()
    assert not list(path.parent.iterdir())
    await (await reopened(path)).close()
    assert await database.is_current()
    path.with_name("second.db").hardlink_to(path)
    with pytest.raises(StorageRefused, match="has a second name"):
        await database.is_current()


def test_a_file_system_that_is_read_only_is_told(
    path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    path.touch()
    monkeypatch.setattr(os, "access", lambda *_, **__: False)
    assert str(unusable([path])).startswith(f"cannot write {path}: it belongs to ")
    found = os.statvfs(path)
    told = SimpleNamespace(f_flag=found.f_flag | os.ST_RDONLY)
    monkeypatch.setattr(os, "statvfs", lambda _: told)
    assert unusable([path]) == f"cannot write {path}: Read-only file system"


async def test_a_new_file_whose_making_was_cut_off_is_made(path: Path) -> None:
    """With its first page written, and SQLite's journal of that still there."""
    with closing(sqlite3.connect(path)) as begun:
        begun.execute("PRAGMA journal_mode=WAL")
    header = struct.pack(">8s5I", bytes.fromhex("d9d505f920a163d7"), 0, 0, 0, 512, 4096)
    path.with_name(f"{path.name}-journal").write_bytes(header.ljust(512, b"\0"))
    await (await reopened(path)).close()
    assert await SqliteDatabase(path).is_current()


def test_a_log_that_a_stop_has_just_removed_is_none(
    path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A check may run while another process stops."""
    monkeypatch.setattr(Path, "exists", lambda _: True)
    assert not SqliteFile(path).has_log()


async def test_a_file_that_cannot_be_written_is_refused(path: Path) -> None:
    """A file-size limit binds root too, where file modes do not."""
    program = (
        "import asyncio, pathlib, signal, sys; "
        "from adapters.sql import SqlStorage; from adapters.sql.sqlite import SqliteDatabase; "
        "signal.signal(signal.SIGXFSZ, signal.SIG_IGN); "
        "asyncio.run(SqlStorage(SqliteDatabase(pathlib.Path(sys.argv[1]))).open())"
    )
    for is_there in (False, True):
        if is_there:
            await (await reopened(path)).close()
        done = subprocess.run(
            [sys.executable, "-c", program, path],
            capture_output=True,
            text=True,
            check=False,
            preexec_fn=lambda: resource.setrlimit(resource.RLIMIT_FSIZE, (100, 100)),
        )
        assert f"StorageRefused: cannot use {path}: " in done.stderr
        assert is_there or not list(path.parent.iterdir())


async def test_a_large_file_is_checked_whole_only_after_an_unclean_stop(
    path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    storage = await reopened(path)
    monkeypatch.setattr("adapters.sql.sqlite.file.QUICK_BYTES", 1)
    file = database_of(storage)._file  # noqa: SLF001 - the decision is the file's
    await stored_session(storage)
    assert file.is_suspect()
    await storage.close()
    assert not file.is_suspect()
    assert QUICK_BYTES == 64 << 20


async def test_a_lock_held_too_long_is_unavailable_and_heals(
    storage: SqlStorage, path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    session = await stored_session(storage)
    database_of(storage)._connections().writing.exec_driver_sql("PRAGMA busy_timeout=50")  # noqa: SLF001
    database_of(storage)._connections().writing.rollback()  # noqa: SLF001
    holder = sqlite3.connect(path, isolation_level=None)
    holder.execute("BEGIN IMMEDIATE")
    with monkeypatch.context() as briefly:
        briefly.setattr("adapters.sql.sqlite.writer.QUEUE_SECONDS", 0.02)
        waiting = [
            storage.messages.append(ALICE, session.id, new_messages("late"), START)
            for _ in range(3)
        ]
        outcomes = await asyncio.gather(*waiting, return_exceptions=True)
    assert [type(outcome) for outcome in outcomes] == [Unavailable] * 3
    assert await storage.sessions.get(ALICE, session.id) == session
    holder.execute("ROLLBACK")
    holder.close()
    await storage.messages.append(ALICE, session.id, new_messages("now"), START)


async def test_a_write_whose_caller_is_gone_is_carried_through(storage: SqlStorage) -> None:
    """Also one that still waits for its turn."""
    session = await stored_session(storage)
    turn = threading.Event()

    def wait(found: Session) -> Session:
        turn.wait(WAIT_SECONDS)
        return found._replace(title="renamed")

    begun = asyncio.ensure_future(storage.sessions.update(ALICE, session.id, wait))
    queued = asyncio.ensure_future(
        storage.messages.append(ALICE, session.id, new_messages("said"), START)
    )
    await asyncio.sleep(0.05)
    for write in (begun, queued):
        write.cancel()
    await asyncio.gather(begun, queued, return_exceptions=True)
    turn.set()
    await storage.messages.append(ALICE, session.id, new_messages("next"), START)
    found = await storage.sessions.get(ALICE, session.id)
    assert (found.title, found.message_count) == ("renamed", 2)


async def test_a_file_replaced_under_the_service_takes_no_more_writes(
    storage: SqlStorage, path: Path
) -> None:
    """They would be acknowledged and gone with the process."""
    path.rename(path.with_name("moved.db"))
    with pytest.raises(Unavailable):
        await storage.check()
    with pytest.raises(Unavailable):
        await storage.sessions.add(new_session(), ())
    path.touch()
    with pytest.raises(Unavailable):
        await storage.sessions.add(new_session(), ())


async def test_a_schema_changed_under_the_service_is_not_ready(
    storage: SqlStorage, path: Path
) -> None:
    await storage.check()
    for change in ("UPDATE alembic_version SET version_num = '9999'", "DROP TABLE alembic_version"):
        with sqlite3.connect(path) as other:
            other.execute(change)
        other.close()
        with pytest.raises(Unavailable):
            await storage.check()


@pytest.mark.parametrize("was_open", [True, False])
async def test_a_storage_that_is_not_open_is_unavailable(path: Path, *, was_open: bool) -> None:
    storage = SqlStorage(SqliteDatabase(path))
    if was_open:
        await storage.open()
        await storage.open()
        await storage.close()
    for ask in (storage.sessions.get(ALICE, new_session().id), storage.check()):
        with pytest.raises(Unavailable):
            await ask
    with pytest.raises(Unavailable):
        await storage.sessions.add(new_session(), ())


async def test_a_mistake_of_ours_is_not_called_unavailable(storage: SqlStorage) -> None:
    session = await stored_session(storage)
    with pytest.raises(Exception, match="UNIQUE"):
        await storage.sessions.add(session, ())
    assert (await storage.sessions.get(ALICE, session.id)) == session


class Alarm(Observer):
    """Heeds the events alone. Once it has told of one, whoever tells goes on when it was heard."""

    def __init__(self) -> None:
        self.told: list[str] = []
        self.heard = threading.Event()

    def statement(self, *_: object) -> None: ...
    def pool(self, *_: object) -> None: ...
    def event(self, name: str, level: int, **about: object) -> None:  # noqa: ARG002 - an observer's
        self.told.append(": ".join((name, str(about["found"]))) if "found" in about else name)
        self.heard.wait(WAIT_SECONDS)


async def test_a_long_check_is_told_and_can_be_given_up(path: Path) -> None:
    """The event loop is free meanwhile, the log stays, and the file can be opened again at once."""
    await (await reopened(path)).close()
    with closing(sqlite3.connect(path, isolation_level=None)) as other:
        other.execute("CREATE TABLE notes (said TEXT UNIQUE)")
        other.execute(
            "WITH RECURSIVE n (i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n WHERE i < 100000) "
            "INSERT INTO notes SELECT hex(randomblob(8)) FROM n"
        )
        killed = path.with_name("killed.db")
        killed.write_bytes(path.read_bytes())
        log = killed.with_name("killed.db-wal")
        log.write_bytes(path.with_name("chat.db-wal").read_bytes())
    alarm = Alarm()
    storage = SqlStorage(SqliteDatabase(killed, alarm))
    opening = asyncio.ensure_future(storage.open())
    await await_until(lambda: alarm.told)
    opening.cancel()
    alarm.heard.set()
    with pytest.raises(asyncio.CancelledError):
        await opening
    assert alarm.told == ["check_started", "check_finished: not finished"]
    assert log.exists()
    alarm.told.clear()
    await storage.open()
    assert alarm.told == ["check_started", "check_finished: ok"]
    await storage.close()
