"""A write-ahead log whose bytes were changed, and one that a power cut has torn."""

import random
import sqlite3
import struct
from contextlib import closing
from pathlib import Path

import pytest

from adapters.sql import SqlStorage
from adapters.sql.sqlite import SqliteDatabase
from adapters.sql.sqlite.log import loses_commits
from application.errors import StorageRefused
from tests.contract.examples import ALICE, stored_session

PAGE = 4096
FRAME = 24 + PAGE
FILES = ("chat.db", "chat.db-wal")


@pytest.fixture
async def killed(tmp_path: Path) -> Path:
    """The file and its log as a service that was killed after ten sessions has left them."""
    running, killed = tmp_path / "running", tmp_path / "killed"
    running.mkdir()
    killed.mkdir()
    storage = SqlStorage(SqliteDatabase(running / "chat.db"))
    await storage.open()
    for number in range(10):
        await stored_session(storage, ALICE, f"said {number}", "x" * 9000)
    for name in FILES:
        (killed / name).write_bytes((running / name).read_bytes())
    await storage.close()
    return killed / "chat.db"


def commits(log: bytes | bytearray) -> list[int]:
    """The numbers of the frames that end a commit."""
    starts = range(32, len(log) - FRAME + 1, FRAME)
    return [i for i, at in enumerate(starts) if struct.unpack_from(">I", log, at + 4)[0]]


async def opened(path: Path) -> int:
    storage = SqlStorage(SqliteDatabase(path))
    await storage.open()
    await storage.close()
    with closing(sqlite3.connect(path)) as connection:
        count: int = connection.execute("SELECT count(*) FROM sessions").fetchone()[0]
        return count


@pytest.mark.parametrize("place", ["header", "first frame", "midst", "a frame's own checksum"])
async def test_a_log_that_was_changed_in_its_midst_is_refused(killed: Path, place: str) -> None:
    """To SQLite it ends there, and what was acknowledged later would be gone without a word."""
    log = killed.with_name("chat.db-wal")
    content = bytearray(log.read_bytes())
    third_last = 32 + (commits(content)[-3] - 1) * FRAME
    at = {
        "header": 13,
        "first frame": 32 + 24 + 100,
        "midst": third_last + 24 + 7,
        "a frame's own checksum": third_last + 17,
    }[place]
    content[at] ^= 0xFF
    log.write_bytes(content)
    before = killed.read_bytes()
    for _ in range(2):
        with pytest.raises(StorageRefused, match=r"chat\.db-wal is damaged in its midst"):
            await opened(killed)
    assert (killed.read_bytes(), log.read_bytes()) == (before, bytes(content))


async def test_what_is_before_the_damage_can_be_kept(killed: Path) -> None:
    """By what the operator's manual says."""
    log = killed.with_name("chat.db-wal")
    content = bytearray(log.read_bytes())
    content[32 + commits(content)[5] * FRAME + 50] ^= 0xFF
    log.write_bytes(content)
    with closing(sqlite3.connect(killed)) as connection:
        connection.execute("PRAGMA wal_checkpoint(TRUNCATE)")
    assert 0 < await opened(killed) < 10


async def test_a_log_that_a_power_cut_has_torn_is_taken_as_it_is(killed: Path) -> None:
    """Cut off anywhere; or, of the last commit, sectors that are not on the disk yet."""
    log = killed.with_name("chat.db-wal")
    whole = log.read_bytes()
    last = commits(whole)
    chance = random.Random(14)  # noqa: S311 - cuts, not secrets
    cuts = {0, 16, 31, 32, 33, 56, len(whole), *(chance.randrange(len(whole)) for _ in range(200))}
    cuts |= {32 + frame * FRAME + near for frame in last for near in (-1, 0, 1, 24, FRAME)}
    for cut in cuts:
        log.write_bytes(whole[:cut])
        assert not loses_commits(log, recovered(whole[:cut]), PAGE), cut
    for sector in range(32 + (last[-2] + 1) * FRAME, len(whole), 512):
        torn = bytearray(whole)
        torn[sector : sector + 512] = bytes(len(torn[sector : sector + 512]))
        log.write_bytes(torn)
        assert not loses_commits(log, last[-2] + 1, PAGE), sector
    log.write_bytes(whole[: 32 + last[-1] * FRAME + 1000])
    assert await opened(killed) == 9


def recovered(log: bytes) -> int:
    """The frames of what SQLite takes from a log that was cut off."""
    return max((frame + 1 for frame in commits(log)), default=0)


def test_what_an_earlier_log_has_left_is_no_damage(tmp_path: Path) -> None:
    """A log that is begun anew is written over the earlier one."""
    log = tmp_path / "chat.db-wal"
    with closing(sqlite3.connect(tmp_path / "chat.db", isolation_level=None)) as connection:
        for statement in (
            *("PRAGMA journal_mode=WAL", "PRAGMA wal_autocheckpoint=0", "CREATE TABLE t (a)"),
            *["INSERT INTO t VALUES (zeroblob(9000))"] * 5,
            *("PRAGMA wal_checkpoint(PASSIVE)", "INSERT INTO t VALUES (1)"),
        ):
            connection.execute(statement)
        content = log.read_bytes()
        last = max(i for i in commits(content) if content[40 + i * FRAME :][:8] == content[16:24])
        assert commits(content)[-1] > last + 2
        assert not loses_commits(log, last + 1, PAGE)


async def test_what_commits_that_the_disk_refused_have_left_is_no_damage(killed: Path) -> None:
    """Each was written over by a shorter one, up to the one that went well."""
    left = bytearray()
    for size in (60_000, 30_000, 1):
        tried = killed.parent / str(size)
        tried.mkdir()
        for name in FILES:
            (tried / name).write_bytes((killed.parent / name).read_bytes())
        with closing(sqlite3.connect(tried / "chat.db", isolation_level=None)) as connection:
            connection.execute("CREATE TABLE t AS SELECT zeroblob(?)", [size])
            content = (tried / "chat.db-wal").read_bytes()
        left[: len(content)] = content
    killed.with_name("chat.db-wal").write_bytes(left)
    assert len(commits(left)) == len(commits(content)) + 2
    assert not loses_commits(killed.with_name("chat.db-wal"), commits(content)[-1] + 1, PAGE)
