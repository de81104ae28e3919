"""Imports that are killed in their midst, and files that are larger than memory."""

import asyncio
import json
import os
import random
import subprocess
from collections.abc import Iterator
from contextlib import suppress
from pathlib import Path

import httpx2

from tests.conftest import Sized
from tests.faults.databases import Database
from tests.faults.service import moment, running
from tests.moving import session
from tests.serving import COMMAND, environment
from tests.tally import Tally

NDJSON = {"Content-Type": "application/x-ndjson"}
MEMORY_MIB = 100
"""How much more memory an import of a large file may take than one of an empty file."""


async def test_an_import_that_is_killed_and_repeated_is_stored_once(
    tmp_path: Path, key: Path, database: Database, sized: Sized, tally: Tally
) -> None:
    kills, sessions, messages = sized(1, 50), sized(100, 2000), 20
    names = [[f"{number}-{order}" for order in range(messages)] for number in range(sessions)]
    lines = [line for number, said in enumerate(names) for line in session(f"s{number}", *said)]
    body = "\n".join(map(json.dumps, lines)).encode()
    async with running(tmp_path, key, CHAT_SESSIONS_DATABASE_URL=database.url) as service:

        async def bring() -> httpx2.Response:
            return await service.http.post("/import", content=body, headers=NDJSON)

        for _ in range(kills):
            asking = asyncio.create_task(bring())
            await moment(0.05, 0.6)
            await service.kill()
            with suppress(httpx2.HTTPError):
                await asking
            await service.start()
        answer = await bring()
        told = [json.loads(line) for line in answer.text.splitlines()]
        exported = (await service.http.get("/export")).text.splitlines()
    found: dict[str, list[str]] = {}
    for line in map(json.loads, exported):
        if line["type"] == "session":
            found[line["external_id"]] = []
        elif line["type"] == "message":
            found[next(reversed(found))].append(line["content"])
    wrong = [name for number, name in enumerate(names) if found.get(f"s{number}") != name]
    where = f"{database.name}, {kills} kills in the midst of an import"
    tally.none("P18", f"{where}: sessions not stored once and whole", wrong, of=sessions)
    assert len(found) == sessions
    assert json.loads(exported[-1]) == {
        "type": "footer",
        "sessions": sessions,
        "messages": sessions * messages,
    }
    said = [one for one in told if one["status"] == "refused" or one["left_out"]]
    tally.none("P18", f"{where}: refused or left out", said, of=len(told))


def test_a_large_file_is_imported_in_bounded_memory(
    tmp_path: Path, sized: Sized, tally: Tally
) -> None:
    size = sized(3, 1024) << 20
    with (tmp_path / "conversations.json").open("w") as file:
        count = sum(1 for item in _chats(size) if file.write(item)) - 1
    (tmp_path / "empty.json").write_text('{"type":"header","format":"chat-sessions/1"}\n')
    least, _ = _import("empty.json", tmp_path)
    most, told = _import("conversations.json", tmp_path)
    tally.note("P18", f"MiB that an import of {size >> 20} MiB takes more", f"{most - least:.0f}")
    assert most - least <= MEMORY_MIB
    assert f"created: {count} sessions" in told
    assert "refused: 0 sessions" in told


def _import(name: str, folder: Path) -> tuple[float, str]:
    """The most memory in MiB that the command had, and what it said."""
    with (folder / "told").open("w") as told:
        process = subprocess.Popen(
            [COMMAND, "import", name, "--subject", "alice"],
            cwd=folder,
            env=environment(),
            stdout=told,
        )
        _, status, usage = os.wait4(process.pid, 0)
        process.returncode = os.waitstatus_to_exitcode(status)
    assert process.returncode == 0
    return usage.ru_maxrss / 1024, (folder / "told").read_text()


def _chats(size: int) -> Iterator[str]:
    """An array in ChatGPT's form, of about so many bytes."""
    chance = random.Random(1)  # noqa: S311 - what is said
    written, number = 0, 0
    while written < size:
        said = ["x" * chance.randrange(20, 4000) for _ in range(chance.randrange(2, 60))]
        text = ("[" if number == 0 else ",") + json.dumps(_chat(number, said))
        written, number = written + len(text), number + 1
        yield text
    yield "]"


def _chat(number: int, said: list[str]) -> dict[str, object]:
    mapping: dict[str, object] = {
        f"{place}": {
            "id": f"{place}",
            "message": {
                "id": f"{place}",
                "author": {"role": "assistant" if place % 2 else "user"},
                "create_time": 1.6e9 + number * 100 + place,
                "content": {"content_type": "text", "parts": [text]},
                "weight": 1.0,
                "metadata": {},
            },
            "parent": f"{place - 1}" if place else None,
            "children": [],
        }
        for place, text in enumerate(said)
    }
    return {"title": f"{number}", "id": f"c{number}", "mapping": mapping, "current_node": None}
