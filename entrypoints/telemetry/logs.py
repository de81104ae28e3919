"""Log to standard output, the service's events and its libraries' in one format."""

import json
import logging
import sys
import traceback
from collections.abc import Callable, Iterator
from datetime import UTC, datetime
from typing import Any, Literal

import msgspec
import structlog
from structlog.typing import EventDict, Processor, WrappedLogger

from entrypoints.streams import write_stderr
from entrypoints.telemetry.non_blocking_writer import NonBlockingWriter
from entrypoints.telemetry.request_context import current

_QUIET = ("alembic", "httpx2", "uvicorn")
"""The libraries of which only warnings are logged."""


def configure_logs(
    form: Literal["json", "console", "auto"], writer: NonBlockingWriter | None = None
) -> NonBlockingWriter:
    """Log to standard output, as JSON or as readable text. Return the writer of the lines.

    An exception is logged with its class and its traceback, but without its message or the values
    of variables, which may be a token or a person's message.
    """
    writer = writer or NonBlockingWriter()
    readable = form == "console" or (form == "auto" and writer.is_terminal)
    rendering = _CONSOLE if readable else _JSON
    handler = _Handler(writer, rendering)
    logging.raiseExceptions = False  # a line that cannot be written makes no other
    logging.basicConfig(handlers=[handler], level=logging.INFO, force=True)
    logging.captureWarnings(capture=True)
    for library in _QUIET:
        logging.getLogger(library).setLevel(logging.WARNING)
    logging.getLogger("uvicorn.error").setLevel(logging.ERROR)  # it warns of what is refused
    for name in ("uvicorn", "uvicorn.access", "uvicorn.error"):
        theirs = logging.getLogger(name)  # where uvicorn's own command has set it up already
        theirs.handlers.clear()
        theirs.propagate = True
    logging.getLogger("uvicorn.access").setLevel(logging.WARNING)
    structlog.configure(
        processors=list(rendering),  # which a test that captures changes in place
        logger_factory=lambda *_: _Logger(writer.write),
        wrapper_class=structlog.make_filtering_bound_logger(logging.INFO),
        cache_logger_on_first_use=False,
    )
    return writer


def log_to_stderr() -> None:
    """Log to standard error, in the form of a command's other messages."""
    structlog.configure(
        processors=[_printable, _as_message],
        logger_factory=lambda *_: _Logger(write_stderr),
        wrapper_class=structlog.make_filtering_bound_logger(logging.INFO),
        cache_logger_on_first_use=False,
    )


class _Logger:
    """A logger writes the lines that structlog has rendered, at every level alike."""

    def __init__(self, write: Callable[[str], None]) -> None:
        self.debug = self.info = self.warning = self.error = self.critical = write
        self.msg = write


class _Handler(logging.Handler):
    """The handler writes the records of libraries, which use the standard library's logging."""

    def __init__(self, writer: NonBlockingWriter, rendering: list[Processor]) -> None:
        super().__init__()
        self._writer = writer
        self._rendering = rendering

    def emit(self, record: logging.LogRecord) -> None:
        try:
            self._writer.write(self._rendered(record))
        except Exception:  # noqa: BLE001 - a line that cannot be written harms nobody
            self.handleError(record)

    def _rendered(self, record: logging.LogRecord) -> str:
        # Only the first line is the message. The others may hold values: asyncio appends the error
        # that a task ended with.
        event: Any = {"event": record.getMessage().partition("\n")[0], "logger": record.name}
        if record.exc_info:
            event["exc_info"] = record.exc_info
        for process in self._rendering:
            event = process(None, record.levelname.lower(), event)
        return str(event)


def add_context(_: WrappedLogger, level: str, event: EventDict) -> EventDict:
    """Put the event, the time, the level and the current request's ids first."""
    context = current()
    ids = {} if context is None else context.ids
    return {
        "event": event.pop("event"),
        "timestamp": f"{datetime.now(UTC).isoformat(timespec='microseconds')[: -len('+00:00')]}Z",
        "level": level,
        **ids,
        **event,
    }


def _format_exception(_: WrappedLogger, __: str, event: EventDict) -> EventDict:
    error = event.pop("exc_info", None)
    if isinstance(error, tuple):
        error = error[1]
    elif error is True:
        error = sys.exc_info()[1]
    if error is not None:
        event["exception"] = "\nfrom ".join(_places(error))
    return event


def _places(error: BaseException | None) -> Iterator[str]:
    """Yield the class and the traceback of an exception and of each of its causes."""
    while error is not None:
        kind = type(error)
        yield f"{kind.__module__}.{kind.__qualname__}\n" + "".join(
            traceback.format_tb(error.__traceback__)
        )
        error = error.__cause__ or (None if error.__suppress_context__ else error.__context__)


def _printable(_: WrappedLogger, __: str, event: EventDict) -> EventDict:
    """Escape what would move a terminal's cursor or begin a line."""
    exception = event.pop("exception", None)
    for name, value in event.items():
        if isinstance(value, str) and not value.isprintable():
            event[name] = "".join(map(_escaped, value))
    return event if exception is None else {**event, "exception": exception}


def _as_json(_: WrappedLogger, __: str, event: EventDict) -> str:
    try:
        line = _encode(event)
    except UnicodeEncodeError:  # a lone surrogate
        line = b""
    # What is not ASCII is escaped, since some of it ends a line; the standard library does that.
    return line.decode() if line and line.isascii() else json.dumps(event, default=repr)


def _as_message(_: WrappedLogger, __: str, event: EventDict) -> str:
    about = [f"{name}={value}" for name, value in event.items() if name != "event"]
    return " ".join(["chat-sessions:", event["event"], *about])


def _escaped(character: str) -> str:
    return character if character.isprintable() else repr(character)[1:-1]


_encode = msgspec.json.Encoder(enc_hook=repr).encode

_JSON: list[Processor] = [add_context, _format_exception, _as_json]
_CONSOLE: list[Processor] = [
    add_context,
    _format_exception,
    _printable,
    structlog.dev.ConsoleRenderer(),
]
