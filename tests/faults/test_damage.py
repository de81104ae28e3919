"""A SQLite file that is not what the service left."""

import signal
from collections.abc import Callable
from pathlib import Path

from tests.faults.answers import is_refused_for_now
from tests.faults.conftest import Sized
from tests.faults.crowd import everything, new_session, said
from tests.faults.service import CHANCE, Service, running
from tests.faults.tally import Tally

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


def file_of(folder: Path) -> Path:
    return folder / "chat-sessions.db"


async def written(service: Service, batches: int) -> tuple[str, list[str]]:
    """The path to the messages of a new session, and what was said there."""
    path = f"/sessions/{await new_session(service.http)}/messages"
    texts = [f"{number} {'x' * 500}" for number in range(batches * BATCH)]
    for first in range(0, len(texts), BATCH):
        answer = await service.http.post(path, json=said(*texts[first : first + BATCH]))
        assert answer.status_code == 201
    return path, texts


async def test_a_damaged_file_is_refused_or_right(
    tmp_path: Path, key: Path, sized: Sized, tally: Tally
) -> None:
    """A start with it is refused in one line that names it; where it is not, all is there."""
    async with running(tmp_path, key) as service:
        for _ in range(3):
            await written(service, 10)
        stored = await everything(service.http)
        service.served.stop(signal.SIGINT)
    whole = file_of(tmp_path).read_bytes()
    pages = range(1, len(whole) // PAGE)
    for damage in DAMAGES:
        tried = CHANCE.sample(pages, min(len(pages), sized(1, 24)))
        wrong = []
        for page in tried:
            file_of(tmp_path).write_bytes(damage(whole, page))
            line = await service.refusal()
            if line is None:
                right = await everything(service.http) == stored
                await service.stop()
            else:
                right = line.startswith(f"chat-sessions: {file_of(tmp_path)}")
            if not right:
                wrong.append((page, line))
        tally.none("P11", f"sqlite, file {damage.__name__}: not refused", wrong, of=len(tried))


async def test_damage_under_the_running_service_is_no_answer(
    tmp_path: Path, key: Path, tally: Tally
) -> None:
    """It is a 503, be it a page that is none any more or a text; what was said is in no log."""
    async with running(tmp_path, key) as service:
        path, _ = await written(service, 10)
        service.served.stop(signal.SIGINT)
        whole = file_of(tmp_path).read_bytes()
        wrong = []
        for damaged in (whole.replace(b"7 xxx", b"7 x\xffx"), b"\xa5" * len(whole)):
            file_of(tmp_path).write_bytes(whole)
            await service.restart()
            file_of(tmp_path).write_bytes(damaged)
            answer = await service.http.get(path)
            if not is_refused_for_now(answer):
                wrong.append(answer.text)
            if "xxx" in (tmp_path / "stdout").read_text():
                wrong.append("what was said is in the log")
    tally.none("P11", "sqlite, damage while it runs: wrong answers", wrong, of=2)


async def test_a_damaged_log_takes_nothing_from_before_the_damage(
    tmp_path: Path, key: Path, sized: Sized, tally: Tally
) -> None:
    """What follows cannot be told from a commit that a power cut left half written."""
    async with running(tmp_path, key) as service:
        _, texts = await written(service, 20)
        await service.kill()
        log = Path(f"{file_of(tmp_path)}-wal")
        file, frames = file_of(tmp_path).read_bytes(), log.read_bytes()
        wrong, times = [], sized(2, 40)
        for _ in range(times):
            at = CHANCE.randrange(len(frames))
            file_of(tmp_path).write_bytes(file)
            log.write_bytes(frames[:at] + bytes([frames[at] ^ 0xFF]) + frames[at + 1 :])
            await service.start()
            found = [
                item["content"]
                for _, items in (await everything(service.http)).values()
                for item in items
            ]
            if len(found) % BATCH or found != texts[: len(found)]:
                wrong.append((at, len(found)))
            await service.kill()
    tally.none("P11", "sqlite, log damaged: not as after a batch", wrong, of=times)
