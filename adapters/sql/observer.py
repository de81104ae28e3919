"""An observer is notified of each statement that a database runs, by the statement's label."""

from abc import abstractmethod
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from time import perf_counter
from typing import Any, Protocol, TypeVar, cast

from sqlalchemy import Engine, Executable, event
from sqlalchemy.engine import ExceptionContext

LABEL = "statement_name"
"""The execution option that holds a statement's label."""

COMMIT = "COMMIT"
"""The label of a commit. On SQLite, where writes share one, each write reports it."""

E = TypeVar("E", bound=Executable)


@dataclass(frozen=True, slots=True)
class Connections:
    """The numbers of a pool's connections: those in use, those idle, and the most there may be."""

    used: int
    idle: int
    most: int


class Observer(Protocol):
    """An observer is notified of statements, pools and events. It does not raise.

    It is called in any thread, in the context (contextvars) of whoever asked the database.
    """

    @abstractmethod
    def statement(self, label: str, seconds: float, error: BaseException | None) -> None:
        """A statement has come to its end, or failed. A read's rows may be still to fetch."""

    @abstractmethod
    def pool(self, name: str, look: Callable[[], Connections]) -> None:
        """A pool exists. `look` returns its state at any time, from any thread."""

    @abstractmethod
    def event(self, name: str, level: int, **about: object) -> None:
        """Something happened that an operator should know of; the level is one of logging's."""


class NullObserver(Observer):
    def statement(self, label: str, seconds: float, error: BaseException | None) -> None: ...
    def pool(self, name: str, look: Callable[[], Connections]) -> None: ...
    def event(self, name: str, level: int, **about: object) -> None: ...


NULL_OBSERVER = NullObserver()


def labelled(label: str, statement: E) -> E:
    """Return the statement with a label."""
    return statement.execution_options(**{LABEL: label})


def observe(engine: Engine, observer: Observer) -> None:
    """Notify the observer of every statement with a label that the engine runs."""

    def begins(*of: object) -> None:
        _execution(of).began = perf_counter()

    def ends(*of: object) -> None:
        report(_execution(of), None)

    def fails(failure: ExceptionContext) -> None:
        execution = cast("_Execution | None", failure.execution_context)
        if execution is not None and hasattr(execution, "began"):
            report(execution, failure.original_exception)

    def report(execution: _Execution, error: BaseException | None) -> None:
        label = execution.execution_options.get(LABEL)
        if label is not None:
            observer.statement(label, perf_counter() - execution.began, error)

    event.listen(engine, "before_cursor_execute", begins)
    event.listen(engine, "after_cursor_execute", ends)
    event.listen(engine, "handle_error", fails)


class _Execution(Protocol):
    """SQLAlchemy's context of a running statement, with the time that it began."""

    execution_options: Mapping[str, Any]
    began: float


def _execution(of: tuple[object, ...]) -> _Execution:
    """Return the context from the arguments of an event of a cursor."""
    return cast("_Execution", of[4])
