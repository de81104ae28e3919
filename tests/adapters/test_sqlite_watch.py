"""What other programs do to the file, its log and its lock while it is open."""

import asyncio
import fcntl
import os
import shutil
import sqlite3
from collections.abc import AsyncIterator, Callable
from contextlib import closing
from pathlib import Path

import pytest

from adapters.sql import SqlStorage
from adapters.sql.sqlite import SqliteDatabase
from adapters.sql.sqlite.mounts import Mount, mounts
from adapters.sql.sqlite.watch import LOG_BYTES
from application.errors import StorageRefused, Unavailable
from domain.session_page import SessionPageRequest
from tests.clock import START
from tests.contract.examples import ALICE, new_messages, new_session, stored_session

LONG = "x" * 90_000


@pytest.fixture
def path(tmp_path: Path) -> Path:
    return tmp_path / "chat.db"


@pytest.fixture
async def storage(path: Path) -> AsyncIterator[SqlStorage]:
    """With a copy beside it, as VACUUM INTO makes it, and more in its log since."""
    opened = SqlStorage(SqliteDatabase(path))
    await opened.open()
    await fill(opened)
    with closing(sqlite3.connect(f"file:{path}?mode=ro", uri=True)) as backup:
        backup.execute("VACUUM INTO ?", [str(path.with_name("backup.db"))])
    await stored_session(opened, ALICE, "said since")
    yield opened
    await opened.close()


async def fill(storage: SqlStorage) -> None:
    """Until the log has been moved into the file."""
    session = await stored_session(storage)
    for _ in range(LOG_BYTES // len(LONG) + 1):
        await storage.messages.append(ALICE, session.id, new_messages(LONG), START)


async def total(storage: SqlStorage) -> int:
    return (await storage.sessions.page(ALICE, SessionPageRequest())).total


def log_of(path: Path) -> Path:
    return path.with_name("chat.db-wal")


def copy_over(path: Path) -> None:
    shutil.copyfile(path.with_name("backup.db"), path)


def copy_in_place(path: Path) -> None:
    """As rsync --inplace does, with the times of the copy."""
    with path.open("r+b") as file:
        file.write(path.with_name("backup.db").read_bytes())
    os.utime(path, (1, 1))


def cut_off(path: Path) -> None:
    os.truncate(path, 0)


def garble_the_midst(path: Path) -> None:
    with path.open("r+b") as file:
        file.seek(40_960)
        file.write(os.urandom(400_000))


def cut_the_log_off(path: Path) -> None:
    os.truncate(log_of(path), 0)


def write_over_the_log(path: Path) -> None:
    log_of(path).write_bytes(os.urandom(500_000))


@pytest.mark.parametrize("parts", [["-wal"], ["-shm"], ["-wal", "-shm"]])
async def test_a_log_or_an_index_that_goes_back_in_time_takes_no_write(
    storage: SqlStorage, path: Path, parts: list[str]
) -> None:
    """An older copy fits the file, is as long, and lacks what was acknowledged since."""
    older = {part: path.with_name(f"chat.db{part}").read_bytes() for part in parts}
    for said in ("one", "two"):
        await stored_session(storage, ALICE, said)
    for part, content in older.items():
        with path.with_name(f"chat.db{part}").open("r+b") as file:
            file.write(content)
    for _ in range(2):
        with pytest.raises(Unavailable, match="wrote over"):
            await storage.sessions.add(new_session(), ())
        with pytest.raises(Unavailable, match="wrote over"):
            await storage.check()


@pytest.mark.parametrize(
    "write_over",
    [
        copy_over,
        copy_in_place,
        cut_off,
        garble_the_midst,
        cut_the_log_off,
        write_over_the_log,
    ],
)
async def test_a_file_that_was_written_over_takes_no_write_until_a_start_has_checked_it(
    storage: SqlStorage, path: Path, write_over: Callable[[Path], None]
) -> None:
    """To close it does nothing to the file: it may be what an operator wants to keep."""
    write_over(path)
    copied = path.read_bytes()
    for _ in range(3):
        with pytest.raises(Unavailable):
            await storage.sessions.add(new_session(), ())
        with pytest.raises(Unavailable):
            await storage.check()
    with pytest.raises(Unavailable, match=r"chat\.db.*restart"):
        await total(storage)
    await storage.close()
    assert path.read_bytes() == copied
    again = SqlStorage(SqliteDatabase(path))
    if "log" in write_over.__name__:
        await again.open()  # what was in the log is gone, and the file is whole without it
        await again.close()
    else:
        with pytest.raises(StorageRefused, match=r"chat\.db is damaged.*backup"):
            await again.open()
        assert path.read_bytes() == copied


async def test_a_copy_while_writes_are_acknowledged(storage: SqlStorage, path: Path) -> None:
    """None that begins once the copy has ended is."""
    session, acknowledged = await stored_session(storage), asyncio.Event()

    async def write() -> None:
        while True:
            await storage.messages.append(ALICE, session.id, new_messages("said"), START)
            acknowledged.set()

    writers = [asyncio.ensure_future(write()) for _ in range(8)]
    await acknowledged.wait()
    await asyncio.to_thread(copy_over, path)
    with pytest.raises(Unavailable):
        await storage.messages.append(ALICE, session.id, new_messages("late"), START)
    outcomes = await asyncio.gather(*writers, return_exceptions=True)
    assert [type(outcome) for outcome in outcomes] == [Unavailable] * 8


async def test_damage_that_was_seen_once_is_not_forgotten(storage: SqlStorage, path: Path) -> None:
    await storage.close()
    storage = SqlStorage(SqliteDatabase(path))
    await storage.open()
    times = path.stat().st_atime_ns, path.stat().st_mtime_ns
    content = path.read_bytes()
    with path.open("r+b") as file:
        file.seek(4096)
        file.write(b"\xa5" * (len(content) - 4096))
    os.utime(path, ns=times)  # so that nothing but a read can tell
    with pytest.raises(Unavailable):
        await total(storage)
    path.write_bytes(content)
    for ask in (storage.check(), storage.sessions.add(new_session(), ()), total(storage)):
        with pytest.raises(Unavailable, match="damaged"):
            await ask
    await storage.close()


async def test_a_log_that_was_taken_away_is_moved_into_the_file(
    storage: SqlStorage, path: Path
) -> None:
    """By the next write or probe: what was acknowledged is there, however the process ends."""
    before = await total(storage)
    log_of(path).unlink()
    with pytest.raises(Unavailable):
        await storage.check()
    with pytest.raises(Unavailable):
        await storage.sessions.add(new_session(), ())
    killed = path.with_name("killed.db")
    killed.write_bytes(path.read_bytes())
    again = SqlStorage(SqliteDatabase(killed))
    await again.open()
    assert await total(again) == before
    await again.close()


def touch(path: Path) -> None:
    path.touch()
    log_of(path).touch()


def change_mode(path: Path) -> None:
    path.chmod(0o640)
    path.chmod(0o600)


def read_with_another_program(path: Path) -> None:
    """Which may write, but does not; when it is closed it takes no log away."""
    with closing(sqlite3.connect(path)) as other:
        other.execute("SELECT count(*) FROM messages").fetchone()
        other.execute("VACUUM INTO ?", [str(path.with_name("other.db"))])


def write_with_another_program(path: Path) -> None:
    with closing(sqlite3.connect(path)) as other:
        for number in range(50):
            other.execute(f"CREATE TABLE notes{number} (said TEXT)")


@pytest.mark.parametrize(
    "act", [touch, change_mode, read_with_another_program, write_with_another_program]
)
async def test_what_does_no_harm_stops_nothing(
    storage: SqlStorage, path: Path, act: Callable[[Path], None]
) -> None:
    """A file that was touched is checked first, by the next write or probe."""
    before = await total(storage)
    act(path)
    if act is touch:
        with pytest.raises(Unavailable, match="touched"):
            await storage.check()
    await storage.sessions.add(new_session(), ())
    await storage.check()
    await storage.close()
    assert not log_of(path).exists()
    again = SqlStorage(SqliteDatabase(path))
    await again.open()
    assert await total(again) == before + 1
    await again.close()


async def test_the_log_is_moved_into_the_file_once_it_is_long(
    storage: SqlStorage, path: Path
) -> None:
    """And is cut back after a backup has held it up."""
    with closing(sqlite3.connect(path, isolation_level=None)) as backup:
        backup.execute("BEGIN")
        backup.execute("SELECT count(*) FROM messages").fetchone()
        for _ in range(2):
            await fill(storage)
        assert log_of(path).stat().st_size > LOG_BYTES * 1.5
    for _ in range(2):
        await fill(storage)
    assert log_of(path).stat().st_size < LOG_BYTES * 1.5
    await storage.check()


@pytest.mark.parametrize("act", ["lock removed", "renamed"])
@pytest.mark.usefixtures("storage")
async def test_the_lock_is_on_the_file_itself(path: Path, act: str) -> None:
    if act == "renamed":
        other = path.rename(path.with_name("other.db"))
    else:
        other = path
        path.with_name("chat.db-lock").unlink()
    with pytest.raises(StorageRefused, match=f"{other.name} is served by another process"):
        await SqlStorage(SqliteDatabase(other)).open()


async def test_a_release_that_knows_only_the_lock_file_is_kept_out_and_keeps_out(
    path: Path,
) -> None:
    lock = path.with_name("chat.db-lock")
    lock.touch()
    held = os.open(lock, os.O_RDWR)
    fcntl.flock(held, fcntl.LOCK_EX)
    with pytest.raises(StorageRefused, match="served by another process"):
        await SqlStorage(SqliteDatabase(path)).open()
    os.close(held)
    storage = SqlStorage(SqliteDatabase(path))
    await storage.open()
    held = os.open(lock, os.O_RDWR)
    with pytest.raises(BlockingIOError):
        fcntl.flock(held, fcntl.LOCK_EX | fcntl.LOCK_NB)
    os.close(held)
    await storage.close()


@pytest.mark.parametrize("name", ["50%.db", "what?.db", "a#b.db", "two words.db", "ü.db"])
async def test_any_name_is_the_name_of_the_file(tmp_path: Path, name: str) -> None:
    storage = SqlStorage(SqliteDatabase(tmp_path / name))
    await storage.open()
    await stored_session(storage)
    names = {found.name for found in tmp_path.iterdir()}
    assert names == {name, *(f"{name}-{part}" for part in ("lock", "shm", "wal"))}
    await storage.check()
    await storage.close()


@pytest.mark.usefixtures("storage")
@pytest.mark.parametrize("is_there", [True, False])
async def test_a_log_whose_file_is_empty_or_gone_is_refused_and_kept(
    path: Path, tmp_path: Path, *, is_there: bool
) -> None:
    """SQLite would take the log of an empty file away, and all that is in it."""
    (folder := tmp_path / "other").mkdir()
    other = folder / path.name
    for name in (log_of(path).name, f"{path.name}-shm"):
        (folder / name).write_bytes(path.with_name(name).read_bytes())
    if is_there:
        other.touch()
    before = {found: found.read_bytes() for found in folder.iterdir()}
    what = f"{other} is {'damaged, as it is empty' if is_there else 'gone'}, .*-wal"
    with pytest.raises(StorageRefused, match=what):
        await SqliteDatabase(other).is_current()
    with pytest.raises(StorageRefused, match=what):
        await SqlStorage(SqliteDatabase(other)).open()
    assert {found: found.read_bytes() for found in folder.iterdir()} == before


async def test_pages_of_two_states_are_refused_though_each_is_whole(path: Path) -> None:
    """As a log leaves them that was written to another state of the file."""
    storage = SqlStorage(SqliteDatabase(path))
    await storage.open()
    await stored_session(storage, ALICE, "said")
    with closing(sqlite3.connect(path)) as other, other:
        other.execute("DELETE FROM messages")
    with pytest.raises(StorageRefused, match="log of another"):
        await as_killed(path).open()
    await storage.close()


async def test_a_file_is_whole_after_an_unclean_stop_whatever_was_removed(path: Path) -> None:
    storage = SqlStorage(SqliteDatabase(path))
    await storage.open()
    session = await stored_session(storage, ALICE, *"abcde")
    for order in (1, 3, 5):
        await storage.messages.remove(ALICE, session.id, order, START)
    emptied = await stored_session(storage, ALICE, *"abc")
    await storage.messages.clear(ALICE, emptied.id, None, START)
    await storage.sessions.remove(ALICE, (await stored_session(storage, ALICE, "x")).id)
    killed = as_killed(path)
    await killed.open()
    assert (await killed.sessions.get(ALICE, session.id)).message_count == 2
    await killed.close()
    await storage.close()


def as_killed(path: Path) -> SqlStorage:
    """The storage as a process leaves it that is killed now."""
    killed = path.with_name("killed.db")
    shutil.copyfile(path, killed)
    shutil.copyfile(log_of(path), killed.with_name("killed.db-wal"))
    return SqlStorage(SqliteDatabase(killed))


def test_mounts_are_read_as_linux_writes_them() -> None:
    table = rb"""22 1 254:0 / / rw,relatime shared:1 - ext4 /dev/vda rw
36 22 0:41 /export /srv/my\040files rw,noatime master:1 propagate_from:2 - nfs4 host:/export rw
37 22 254:0 /host/chat.db /data/chat\134.db rw - ext4 /dev/vda rw
"""
    assert list(mounts(table)) == [
        Mount((254, 0), b"/", "ext4"),
        Mount((0, 41), b"/srv/my files", "nfs4"),
        Mount((254, 0), rb"/data/chat\.db", "ext4"),
    ]


async def test_a_network_file_system_is_refused(
    path: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    device = path.parent.stat().st_dev
    table = tmp_path / "mountinfo"
    table.write_text(f"36 22 {os.major(device)}:{os.minor(device)} / / rw - nfs4 host:/ rw\n")
    monkeypatch.setattr("adapters.sql.sqlite.mounts.MOUNTS", table)
    with pytest.raises(StorageRefused, match=r"chat\.db is on a network file system \(nfs4\)"):
        await SqlStorage(SqliteDatabase(path)).open()
    assert not path.exists()
