"""A disk that is full, or that may not be written."""

import resource
import subprocess
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import AbstractContextManager, contextmanager, suppress
from ctypes import CDLL
from functools import partial
from pathlib import Path

import pytest

from adapters.sql.sqlite import SqliteDatabase
from tests.faults.answers import is_refused_for_now
from tests.faults.crowd import new_session, said, walked
from tests.faults.service import KEY_FILE, Service, running
from tests.serving import run
from tests.tally import Tally

PR_CAPBSET_DROP = 24
CAP_DAC_OVERRIDE = 1
"""linux/prctl.h, linux/capability.h."""


@contextmanager
def limited(service: Service, _: Path) -> Iterator[None]:
    """No file may grow past what the next write needs (EFBIG)."""
    process, unlimited = service.served.process.pid, resource.RLIM_INFINITY
    resource.prlimit(process, resource.RLIMIT_FSIZE, (100_000, unlimited))
    yield
    resource.prlimit(process, resource.RLIMIT_FSIZE, (unlimited, unlimited))


@contextmanager
def filled(_: Service, disk: Path) -> Iterator[None]:
    """The file system has no room (ENOSPC)."""
    ballast = disk / "ballast"
    with ballast.open("wb", buffering=0) as file, suppress(OSError):
        while file.write(bytes(4096)):
            pass
    yield
    ballast.unlink()


Fill = Callable[[Service, Path], AbstractContextManager[None]]


@pytest.fixture
def disk(tmp_path: Path) -> Iterator[Path]:
    """Of one MiB, where we may mount one."""
    (folder := tmp_path / "disk").mkdir()
    mount = ["/bin/mount", "-t", "tmpfs", "-o", "size=1m", "tmpfs", str(folder)]
    subprocess.run(mount, capture_output=True, check=False)
    try:
        yield folder
    finally:
        if folder.is_mount():
            subprocess.run(["/bin/umount", "--lazy", str(folder)], check=True)


@pytest.mark.parametrize("fill", [limited, filled])
async def test_a_full_disk_refuses_writes_and_heals(
    tmp_path: Path, disk: Path, key: Path, fill: Fill, tally: Tally
) -> None:
    """A refused write leaves nothing behind; all that was acknowledged is read meanwhile."""
    fill = fill if disk.is_mount() else limited
    url = f"sqlite:///{disk}/chat.db"
    async with running(tmp_path, key, CHAT_SESSIONS_DATABASE_URL=url) as service:
        http = service.http
        path = f"/sessions/{await new_session(http)}/messages"
        stored, wrong = [], []
        with fill(service, disk):
            for number in range(20):
                texts = [str(number), "x" * 60_000]
                answer = await http.post(path, json=said(*texts))
                if answer.status_code == 201:
                    stored += texts
                elif not is_refused_for_now(answer):
                    wrong.append(answer.text)
                found = [item["content"] for item in await walked(http, path + "?")]
                if found != stored:
                    wrong.append(str(found))
            assert len(stored) < 40, "the disk was never full"
        tally.none("P11", f"sqlite, disk full ({fill.__name__}): wrong answers", wrong, of=40)
        for number in range(5):
            assert (await http.post(path, json=said(str(number)))).status_code == 201


@pytest.fixture
def plain_user() -> Iterator[ThreadPoolExecutor]:
    """A thread whose children heed the modes of files, also where we are root."""
    drop = partial(CDLL(None).prctl, PR_CAPBSET_DROP, CAP_DAC_OVERRIDE)
    with ThreadPoolExecutor(1, initializer=drop) as thread:
        yield thread


@pytest.mark.parametrize(
    ("target", "named"),
    [
        ("chat-sessions.db", "open {}: Permission denied: it belongs to"),
        ("chat-sessions.db-lock", "open {}: Permission denied: it belongs to"),
        ("", "write {}: it belongs to"),
    ],
)
async def test_what_may_not_be_written_is_refused_at_the_start(
    tmp_path: Path, key: Path, plain_user: ThreadPoolExecutor, target: str, named: str
) -> None:
    """A file or its folder: in one line that names what it is, and the file stays as it was."""
    file = tmp_path / "chat-sessions.db"
    await SqliteDatabase(file).migrate()
    before = file.read_bytes()
    refused = tmp_path / target
    refused.chmod(0o500)
    settings = {"CHAT_SESSIONS_PORT": "0", KEY_FILE: str(key)}
    done = plain_user.submit(run, "serve", folder=tmp_path, **settings).result()
    refused.chmod(0o700)
    (line,) = done.stderr.splitlines()
    assert (done.returncode, done.stdout) == (1, "")
    assert line.startswith("chat-sessions: cannot " + named.format(refused))
    assert file.read_bytes() == before
