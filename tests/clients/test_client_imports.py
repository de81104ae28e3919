"""An export goes in through `clients/python`, whatever its size, a session never in parts."""

import json
import tracemalloc
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any
from uuid import uuid4

import pytest
from chat_sessions_client.imports import Pieces

from tests.clients.both import BOTH
from tests.serving import Served, serving

Lines = list[dict[str, Any]]

LIMIT = 100_000
BEGIN = {"type": "header", "format": "chat-sessions/1"}
END = {"type": "footer"}
REASON = "more than a request may have"


@pytest.fixture(scope="module")
def served(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Served]:
    small = {"CHAT_SESSIONS_IMPORT_MAX_BYTES": str(LIMIT)}
    folder = tmp_path_factory.mktemp("served")
    with serving(folder, CHAT_SESSIONS_DATABASE_URL="memory://", **small) as served:
        yield served


@pytest.fixture(params=BOTH)
def client(served: Served, request: pytest.FixtureRequest) -> Iterator[Any]:
    with BOTH[request.param](served.url, served.token(f"mover {uuid4()}")) as client:
        yield client


def session(name: str, size: int, role: str = "user") -> Lines:
    """One of that many bytes, in messages of ten thousand or fewer."""
    sizes = [10_000] * (size // 10_000) + [size % 10_000]
    begin = {"type": "session", "external_id": name, "message_count": len(sizes)}
    return [
        begin,
        *({"type": "message", "role": role, "content": "x" * one} for one in sizes),
    ]


SENT: Lines = [
    BEGIN,
    *session("first", 10),
    *session("large", 2 * LIMIT),
    *session("third", LIMIT // 2),
    *session("wrong", 10, role="x\ny"),
    *session("fifth", LIMIT * 3 // 4),
    END,
]
TOLD = [
    ("first", "created", 1, None),
    ("large", "refused", 0, 4),
    ("third", "created", 6, None),
    ("wrong", "refused", 0, 34),
    ("fifth", "created", 8, None),
]
"""The name, what became of it, how many messages it has, and the line that is at fault."""


def as_bytes(lines: Lines) -> bytes:
    return b"\n".join(json.dumps(line).encode() for line in lines)


@pytest.mark.parametrize("request_bytes", [{}, {"request_bytes": LIMIT}], ids=["unknown", "known"])
@pytest.mark.parametrize("given", [list, iter, as_bytes], ids=lambda given: given.__name__)
def test_what_is_too_large_is_told_and_the_others_go_in(
    client: Any, given: Callable[[Lines], Any], request_bytes: dict[str, int]
) -> None:
    """Nothing is left of it, whether the client or the service finds it too large."""
    told = [*client.import_lines(given(SENT), **request_bytes)]
    assert [
        (
            one["external_id"],
            one["status"],
            one["messages"],
            one["left_out"][0]["line"] if one["left_out"] else None,
        )
        for one in told
    ] == TOLD
    assert REASON in told[1]["left_out"][0]["reason"]
    stored = {one["external_id"]: one["message_count"] for one in client.sessions()}
    assert stored == {"first": 1, "third": 6, "fifth": 8}
    again = [*client.import_lines(given(SENT), **request_bytes)]
    assert [one["status"] for one in again] == ["kept", "refused"] * 2 + ["kept"]


@pytest.mark.parametrize("request_bytes", [{}, {"request_bytes": LIMIT}], ids=["unknown", "known"])
def test_what_the_export_took_back_is_not_told(client: Any, request_bytes: dict[str, int]) -> None:
    taken_back = {"type": "discarded", "id": "large"}
    lines = [*session("large", 2 * LIMIT), taken_back, *session("large", 10)]
    (told,) = client.import_lines(lines, **request_bytes)
    assert (told["external_id"], told["status"], told["messages"]) == ("large", "created", 1)


@pytest.mark.parametrize("lines", [[], b"", [BEGIN, END]])
def test_nothing_becomes_of_nothing(client: Any, lines: Any) -> None:
    assert [*client.import_lines(lines)] == []


def test_lines_that_are_none_are_told(client: Any) -> None:
    lines = ["garbage", b"\xff", "[]", '"session"', json.dumps(session("good", 1)[0])]
    told = [*client.import_lines(lines)]
    assert [one["status"] for one in told][:1] == ["refused"]
    assert told[0]["left_out"][0]["line"] == 1


def test_a_piece_has_what_a_request_may_have() -> None:
    """And no more is held, however large a session is."""
    sizes = []
    pieces = Pieces(2**20)
    tracemalloc.start()
    try:
        for line in (line for number in range(40) for line in endless(number)):
            sizes += [len(piece.content) for piece in pieces.feed(line)]
        sizes += [len(piece.content) for piece in pieces.finish()]
        held = tracemalloc.get_traced_memory()[1]
    finally:
        tracemalloc.stop()
    assert sizes.count(0) == 1, "or the large one is cut"
    assert 2 * 2**20 // 3 < max(sizes) <= 2**20
    assert held < 8 * 2**20


def endless(number: int) -> Iterator[dict[str, Any]]:
    """The twentieth has 64 MiB, the others 64 KiB."""
    yield {"type": "session", "external_id": str(number)}
    for _ in range(1024 if number == 20 else 1):
        yield {"type": "message", "role": "user", "content": "x" * 2**16}


def test_lines_come_asynchronously(served: Served, tmp_path: Path) -> None:
    """As from a file or another service."""
    path = tmp_path / "export"
    path.write_bytes(as_bytes(SENT))

    async def lines() -> Any:
        for line in path.read_text().splitlines():
            yield line

    with BOTH["async"](served.url, served.token("async mover")) as client:
        told = [one["status"] for one in client.import_lines(lines())]
    assert told == [status for _, status, *_ in TOLD]
