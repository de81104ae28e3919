"""The power cut off under a SQLite file: nothing is left but what was synced."""

import itertools
import random
import shutil
import sqlite3
import subprocess
import sys
from contextlib import closing
from pathlib import Path

import pytest

from tests.conftest import Sized
from tests.faults.ledger import Ledger
from tests.faults.service import CHANCE, Service, moment, running
from tests.tally import Tally

SOURCE = Path(__file__).with_name("power_cut.c")
BLOCK = 512


@pytest.fixture(scope="session")
def key(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tmp_path_factory.mktemp("key") / "key.pem"


@pytest.fixture(scope="session")
def shim(tmp_path_factory: pytest.TempPathFactory) -> Path:
    built = tmp_path_factory.mktemp("shim") / "power_cut.so"
    flags = ["-O2", "-Wall", "-Werror", "-shared", "-fPIC"]
    command = ["cc", *flags, "-o", str(built), str(SOURCE), "-ldl"]
    subprocess.run(command, check=True)
    return built


class Machine:
    """A folder, and beside it what the disk holds of it for certain."""

    def __init__(self, root: Path, shim: Path) -> None:
        self.folder, self.disk = root / "folder", root / "disk"
        self.folder.mkdir(parents=True)
        self.disk.mkdir()
        self.environment = {
            "CHAT_SESSIONS_DATABASE_URL": f"sqlite:///{self.folder}/chat-sessions.db",
            "LD_PRELOAD": str(shim),
            "POWER_CUT_FOLDER": str(self.folder),
            "POWER_CUT_DISK": str(self.disk),
        }

    def rescue(self, into: Path, chance: random.Random | None) -> None:
        """What is found after the cut. With `chance`, it has some of what was not yet synced."""
        for line in (self.disk / "names").read_text().splitlines():
            inode, name = line.split(" ", 1)
            synced, live = self.disk / inode, self.folder / name
            if name.endswith("-shm"):
                continue
            content = synced.read_bytes() if synced.exists() else b""
            if chance and live.exists():
                content = mixed(chance, content, live.read_bytes())
            (into / name).write_bytes(content)

    def settle(self) -> None:
        """What is in the folder is on the disk, as after a start of the machine."""
        inodes = {path: path.stat().st_ino for path in self.folder.iterdir()}
        for path, inode in inodes.items():
            shutil.copy(path, self.disk / str(inode))
        names = (f"{inode} {path.name}\n" for path, inode in inodes.items())
        (self.disk / "names").write_text("".join(names))


def mixed(chance: random.Random, *versions: bytes) -> bytes:
    """The blocks of either; where a block was never written, zeros."""
    size = len(chance.choice(versions))
    blocks = (chance.choice(versions)[at : at + BLOCK] for at in range(0, size, BLOCK))
    return b"".join(block.ljust(BLOCK, b"\0") for block in blocks)[:size]


@pytest.mark.parametrize("luck", [False, True], ids=["nothing", "some"])
async def test_what_was_acknowledged_survives_power_cuts(
    tmp_path: Path, key: Path, shim: Path, sized: Sized, tally: Tally, *, luck: bool
) -> None:
    """Whether nothing or a part of what was not yet synced got to the disk."""
    cuts = sized(1, 20)
    chance = CHANCE if luck else None
    machines = [Machine(tmp_path / str(number), shim) for number in range(cuts + 1)]
    async with running(machines[0].folder, key, **machines[0].environment) as service:
        ledger = Ledger(service)
        async with ledger.writing():
            for before, after in itertools.pairwise(machines):
                await moment(0.3, 1)
                await service.kill()
                before.rescue(after.folder, chance)
                after.settle()
                move(service, after)
                await service.start()
        await ledger.check(
            tally, f"sqlite, {cuts} power cuts, {'some' if luck else 'nothing'} left"
        )


def move(service: Service, machine: Machine) -> None:
    service.folder = machine.folder
    service.settings |= machine.environment


WRITER = """
import os, sqlite3, sys
database = sqlite3.connect("chat.db", isolation_level=None)
database.execute("PRAGMA journal_mode=WAL")
database.execute("PRAGMA synchronous=" + sys.argv[1])
database.execute("CREATE TABLE said (number)")
database.execute("PRAGMA wal_checkpoint")
for number in range(100):
    database.execute("INSERT INTO said VALUES (?)", (number,))
os.kill(os.getpid(), 9)
"""


@pytest.mark.parametrize(("synchronous", "left"), [("FULL", 100), ("NORMAL", 0)])
def test_the_cut_takes_what_was_not_synced(
    tmp_path: Path, shim: Path, synchronous: str, left: int
) -> None:
    """Without this the test above could not fail."""
    machine = Machine(tmp_path / "machine", shim)
    subprocess.run(
        [sys.executable, "-c", WRITER, synchronous],
        cwd=machine.folder,
        env=machine.environment,
        check=False,
    )
    (found := tmp_path / "found").mkdir()
    machine.rescue(found, None)
    with closing(sqlite3.connect(found / "chat.db")) as database:
        assert database.execute("SELECT count(*) FROM said").fetchone() == (left,)
