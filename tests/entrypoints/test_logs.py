"""The form of the log's lines, and where they go: read as a program or a person would."""

import asyncio
import json
import logging
import os
import re
import threading
import tty
import warnings
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any, Literal

import pytest
import structlog

from domain.owner import Owner
from entrypoints.telemetry.logs import configure_logs
from entrypoints.telemetry.non_blocking_writer import BACKLOG_LIMIT, NonBlockingWriter
from entrypoints.telemetry.request_context import RequestContext, bind, reset

HOSTILE = ["\n", "\r\n", "\x1b[2J", "\u2028", "\u2029", "\x85", "\x00", "\x0b", "\x1c", "\u202e"]
COLOUR = re.compile(r"\x1b\[[0-9;]*m")
LIBRARIES = ["uvicorn.error", "sqlalchemy.pool", "alembic.runtime.migration", "asyncio", "limits"]

SAID = "what someone said"

Form = Literal["json", "console"]
Written = Callable[[], str]


@contextmanager
def bound(context: RequestContext) -> Iterator[None]:
    token = bind(context)
    try:
        yield
    finally:
        reset(token)


@pytest.fixture
def pipe() -> Iterator[tuple[int, int]]:
    reading, writing = os.pipe()
    os.set_blocking(reading, False)
    yield reading, writing
    for end in (reading, writing):
        try:
            os.close(end)
        except OSError:
            assert end == reading  # the test has closed it


@pytest.fixture
def form() -> Form:
    return "json"


@pytest.fixture
def written(pipe: tuple[int, int], form: Form) -> Iterator[Written]:
    """What was logged so far, where this process logs as the service does."""
    root = logging.getLogger()
    before = (root.handlers[:], root.level, structlog.get_config())
    root.handlers.clear()
    configure_logs(form, NonBlockingWriter(pipe[1]))
    yield lambda: os.read(pipe[0], 1 << 20).decode()
    logging.captureWarnings(capture=False)
    root.handlers[:] = before[0]
    root.setLevel(before[1])
    structlog.configure(**before[2])


def fail() -> None:
    try:
        dict[str, str]()[SAID]
    except KeyError as error:
        raise ValueError(SAID) from error


def only_line(text: str) -> dict[str, Any]:
    """By every measure there is of a line."""
    (line,) = text.splitlines()
    told: dict[str, Any] = json.loads(line)
    return told


def all_from(reading: int, least: int) -> bytes:
    """So many whole lines, and what has come with them."""
    os.set_blocking(reading, True)
    received = b""
    while received.count(b"\n") < least or not received.endswith(b"\n"):
        received += os.read(reading, 1 << 20)
    return received


@pytest.mark.parametrize("hostile", HOSTILE)
def test_nothing_in_a_field_begins_a_line(written: Written, hostile: str) -> None:
    structlog.get_logger().info("session.read", user_id=f"a{hostile}b")
    assert only_line(written())["user_id"] == f"a{hostile}b"
    logging.getLogger("limits").warning("a%sb", hostile)
    only_line(written())


@pytest.mark.parametrize("form", ["console"])
@pytest.mark.parametrize("hostile", HOSTILE)
def test_nothing_in_a_field_moves_a_terminal(written: Written, hostile: str) -> None:
    structlog.get_logger().info("session.read", user_id=f"a{hostile}b")
    line = COLOUR.sub("", written())
    assert line.removesuffix("\n").isprintable()
    assert f"user_id=a{repr(hostile)[1:-1]}b" in line


def test_a_line_begins_with_what_is_looked_for_first(written: Written) -> None:
    about = RequestContext(request_id="r", trace_id="t", caller=Owner("issuer", "alice"))
    with bound(about):
        structlog.get_logger().warning("access.denied", status=403)
    line = only_line(written())
    assert re.fullmatch(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{6}Z", line.pop("timestamp"))
    assert list(line.items()) == [
        ("event", "access.denied"),
        ("level", "warning"),
        ("user_id", "alice"),
        ("session_id", None),
        ("request_id", "r"),
        ("trace_id", "t"),
        ("status", 403),
    ]


@pytest.mark.parametrize("library", LIBRARIES)
def test_a_librarys_lines_have_the_same_form(written: Written, library: str) -> None:
    with bound(RequestContext(request_id="r", trace_id="t")):
        logging.getLogger(library).error("%s went wrong", "something")
    line = only_line(written())
    assert line["event"] == "something went wrong"
    assert (line["logger"], line["level"], line["request_id"]) == (library, "error", "r")


def test_a_warning_has_the_same_form(written: Written) -> None:
    with warnings.catch_warnings():
        warnings.simplefilter("always")
        logging.captureWarnings(capture=True)
        warnings.warn("old ways", DeprecationWarning, stacklevel=1)
    line = only_line(written())
    assert line["logger"] == "py.warnings"
    assert line["event"].endswith("DeprecationWarning: old ways")


def test_a_line_that_cannot_be_made_harms_nobody(written: Written) -> None:
    logging.getLogger("limits").warning("%d", "no number")
    logging.getLogger("limits").warning("the next")
    assert only_line(written())["event"] == "the next"


@pytest.mark.parametrize("form", ["json", "console"])
@pytest.mark.parametrize("told_by", [structlog.get_logger(), logging.getLogger("uvicorn.error")])
def test_an_error_is_shown_by_kind_and_place_not_by_its_text(
    written: Written, told_by: Any
) -> None:
    """The text may be what someone said: PostgreSQL shows the row that broke a constraint."""
    try:
        fail()
    except ValueError as error:
        told_by.error("request.failed", exc_info=error)
    shown = written()
    assert SAID not in shown
    for part in ("builtins.ValueError", "builtins.KeyError", "test_logs.py", "raise ValueError"):
        assert part in shown


def test_what_a_task_ended_with_is_shown_without_its_text(written: Written) -> None:
    async def forget() -> None:
        await asyncio.wait([asyncio.create_task(asyncio.to_thread(fail))])

    asyncio.run(forget())
    line = only_line(written())
    assert line["event"] == "Task exception was never retrieved"
    assert "builtins.ValueError" in line["exception"]
    assert SAID not in str(line)


def test_whoever_does_not_read_is_not_waited_for(pipe: tuple[int, int]) -> None:
    """What was kept comes whole and in order once he reads; past the backlog lines are dropped."""
    reading, writing = pipe
    lines = NonBlockingWriter(writing)
    sent = [f"{number} {'x' * 5000}" for number in range(400)]
    for line in sent:
        lines.write(line)
    received = all_from(reading, 200)
    found = received.decode().splitlines()
    assert found == sent[: len(found)]
    assert BACKLOG_LIMIT < len(received) < BACKLOG_LIMIT + (1 << 17)
    lines.finish(10)
    lines.write("heard again")
    assert all_from(reading, 1) == b"heard again\n"


def test_a_terminal_that_is_stopped_is_not_waited_for_either() -> None:
    leading, following = os.openpty()
    tty.setraw(following)
    lines = NonBlockingWriter(following)
    sent = [f"{number} {'x' * 3000}" for number in range(60)]
    for line in sent:
        lines.write(line)
    assert all_from(leading, 60).decode().splitlines() == sent
    lines.finish(10)
    os.close(leading)
    os.close(following)


def test_lines_of_many_threads_come_whole(pipe: tuple[int, int]) -> None:
    reading, writing = pipe
    lines = NonBlockingWriter(writing)

    def write(name: int) -> None:
        for number in range(50):
            lines.write(json.dumps([name, number, "x" * 1000]))

    threads = [threading.Thread(target=write, args=[name]) for name in range(8)]
    for thread in threads:
        thread.start()
    received = all_from(reading, 400)
    for thread in threads:
        thread.join()
    found = [json.loads(line) for line in received.splitlines()]
    assert sorted(found) == [
        [name, number, "x" * 1000] for name in range(8) for number in range(50)
    ]


def test_a_reader_that_is_gone_harms_nobody(pipe: tuple[int, int]) -> None:
    os.close(pipe[0])
    lines = NonBlockingWriter(pipe[1])
    for _ in range(3):
        lines.write("unheard")


def test_without_an_output_nothing_is_written_where_it_would_be(
    monkeypatch: pytest.MonkeyPatch, capfd: pytest.CaptureFixture[str]
) -> None:
    """Its number may be the database's or a client's then."""
    monkeypatch.setattr("sys.stdout", None)
    NonBlockingWriter().write("unheard")
    assert capfd.readouterr().out == ""


def test_a_terminal_is_told_from_a_pipe(pipe: tuple[int, int]) -> None:
    leading, following = os.openpty()
    assert NonBlockingWriter(following).is_terminal
    assert not NonBlockingWriter(pipe[1]).is_terminal
    os.close(leading)
    os.close(following)
