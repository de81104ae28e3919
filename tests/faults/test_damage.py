"""A SQLite file that is not what the service left."""

import signal
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest

from tests.conftest import Sized
from tests.faults.answers import is_refused_for_now
from tests.faults.crowd import everything, new_session, said
from tests.faults.service import CHANCE, Service, running
from tests.tally import Tally

PAGE = 4096
BATCH = 4


def garbled(content: bytes, page: int) -> bytes:
    """The page has what no page can have."""
    return content[: page * PAGE] + b"\xa5" * PAGE + content[(page + 1) * PAGE :]


def misplaced(content: bytes, page: int) -> bytes:
    """The page has what was meant for another, as a misdirected write leaves it."""
    other = page % (len(content) // PAGE - 1) + 1
    return (
        content[: page * PAGE]
        + content[other * PAGE : (other + 1) * PAGE]
        + content[(page + 1) * PAGE :]
    )


def cut_short(content: bytes, page: int) -> bytes:
    """The file ends in the midst of the page."""
    return content[: page * PAGE + PAGE // 2]


def mistaken(content: bytes, page: int) -> bytes:
    """A byte of the header is another."""
    changed = bytearray(content)
    changed[page % 24] ^= 0xFF
    return bytes(changed)


DAMAGES: tuple[Callable[[bytes, int], bytes], ...] = (garbled, misplaced, cut_short, mistaken)


@dataclass(frozen=True)
class Left:
    """What a service left behind, and what was said to it."""

    stored: dict[str, tuple[Any, list[Any]]]
    texts: list[str]
    path: str
    """To the messages of one of the sessions."""
    file: bytes
    log: bytes
    """As a kill leaves them."""
    whole: bytes
    """The file after a clean stop."""


def file_of(folder: Path) -> Path:
    return folder / "chat-sessions.db"


def log_of(folder: Path) -> Path:
    return folder / "chat-sessions.db-wal"


def put(folder: Path, file: bytes, log: bytes = b"") -> None:
    """Nothing of an earlier try stays beside them."""
    folder.mkdir(exist_ok=True)
    file_of(folder).write_bytes(file)
    log_of(folder).write_bytes(log)
    Path(f"{file_of(folder)}-shm").unlink(missing_ok=True)
    if not log:
        log_of(folder).unlink()


async def written(service: Service, batches: int) -> tuple[str, list[str]]:
    """The path to the messages of a new session, and what was said there."""
    path = f"/sessions/{await new_session(service.http)}/messages"
    texts = [f"{number} {'x' * 500}" for number in range(batches * BATCH)]
    for first in range(0, len(texts), BATCH):
        answer = await service.http.post(path, json=said(*texts[first : first + BATCH]))
        assert answer.status_code == 201
    return path, texts


@pytest.fixture(scope="module")
async def left(tmp_path_factory: pytest.TempPathFactory, key: Path) -> Left:
    folder = tmp_path_factory.mktemp("left")
    async with running(folder, key) as service:
        sessions = [await written(service, 10) for _ in range(3)]
        stored = await everything(service.http)
        file, log = file_of(folder).read_bytes(), log_of(folder).read_bytes()
        service.served.stop(signal.SIGINT)
    path, _ = sessions[0]
    texts = [text for _, said_there in sessions for text in said_there]
    return Left(stored, texts, path, file, log, file_of(folder).read_bytes())


async def test_a_damaged_file_is_refused_or_right(
    tmp_path: Path, key: Path, left: Left, sized: Sized, tally: Tally
) -> None:
    """A start with it is refused in one line that names it; where it is not, all is there."""
    service = Service(tmp_path, key)
    pages = range(1, len(left.whole) // PAGE)
    for damage in DAMAGES:
        tried = CHANCE.sample(pages, min(len(pages), sized(1, 24)))
        wrong = []
        for page in tried:
            put(tmp_path, damage(left.whole, page))
            line = await service.refusal()
            if line is None:
                right = await everything(service.http) == left.stored
                await service.stop()
            else:
                right = line.startswith("chat-sessions: ") and str(file_of(tmp_path)) in line
            if not right:
                wrong.append((page, line))
        tally.none("P11", f"sqlite, file {damage.__name__}: not refused", wrong, of=len(tried))


async def test_damage_under_the_running_service_is_no_answer(
    tmp_path: Path, key: Path, left: Left, tally: Tally
) -> None:
    """It is a 503, be it a page that is none any more or a text; what was said is in no log."""
    wrong = []
    for number, damaged in enumerate(
        (left.whole.replace(b"7 xxx", b"7 x\xffx"), b"\xa5" * len(left.whole))
    ):
        put(folder := tmp_path / str(number), left.whole)
        async with running(folder, key) as service:
            file_of(folder).write_bytes(damaged)
            answer = await service.http.get(left.path)
            if not is_refused_for_now(answer):
                wrong.append(answer.text)
        if any("xxx" in (folder / name).read_text() for name in ("stdout", "stderr")):
            wrong.append("what was said is in the log")
    tally.none("P11", "sqlite, damage while it runs: wrong answers", wrong, of=2)


async def test_a_damaged_log_is_refused_or_lacks_what_a_power_cut_may_take(
    tmp_path: Path, key: Path, left: Left, sized: Sized, tally: Tally
) -> None:
    """Of the last two batches it cannot be told whether they were ever whole."""
    service = Service(tmp_path, key)
    wrong, times = [], sized(1, 40)
    for _ in range(times):
        at = CHANCE.randrange(len(left.log))
        log = left.log[:at] + bytes([left.log[at] ^ 0xFF]) + left.log[at + 1 :]
        put(tmp_path, left.file, log)
        line = await service.refusal()
        if line is None:
            sessions = (await everything(service.http)).values()
            await service.stop()
            found = [item["content"] for _, items in sessions for item in items]
            lacking = len(left.texts) - len(found)
            right = found == left.texts[: len(found)] and lacking in {0, BATCH, 2 * BATCH}
        else:
            right = f"{log_of(tmp_path)} is damaged" in line
        if not right:
            wrong.append((at, line))
    tally.none("P11", "sqlite, log damaged: not told", wrong, of=times)
