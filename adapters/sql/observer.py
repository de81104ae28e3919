"""Who is told of what the database is asked, and how a statement bears the name it is told by."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from time import perf_counter
from typing import Any, Protocol, TypeVar, cast

from sqlalchemy import Engine, Executable, event
from sqlalchemy.engine import ExceptionContext

NAME = "statement_name"
"""The execution option that holds it."""

COMMIT = "COMMIT"
"""What a commit is told as: on SQLite by each of the writes that shared it."""

E = TypeVar("E", bound=Executable)


@dataclass(frozen=True, slots=True)
class Connections:
    """Of a pool, just now: in use, kept for the next, and the most there may be."""

    used: int
    idle: int
    most: int


class Observer(Protocol):
    """Called in the context (contextvars) of whoever asked the database, in any thread. It does
    not raise."""

    def statement(self, name: str, seconds: float, error: BaseException | None) -> None:
        """A statement has come to its end, or failed. A read's rows may be still to fetch."""

    def pool(self, name: str, look: Callable[[], Connections]) -> None:
        """There is a pool, and this tells its state at any time, from any thread."""

    def event(self, name: str, level: int, **about: object) -> None:
        """Something has happened that an operator should know of; the level is one of logging's."""


class Nobody(Observer):
    def statement(self, name: str, seconds: float, error: BaseException | None) -> None: ...
    def pool(self, name: str, look: Callable[[], Connections]) -> None: ...
    def event(self, name: str, level: int, **about: object) -> None: ...


NOBODY = Nobody()


def named(name: str, statement: E) -> E:
    """The statement, to be told of by this name."""
    return statement.execution_options(**{NAME: name})


def observe(engine: Engine, observer: Observer) -> None:
    """Tell the observer of every named statement that the engine runs."""

    def begins(*of: object) -> None:
        _execution(of).began = perf_counter()

    def ends(*of: object) -> None:
        tell(_execution(of), None)

    def fails(failure: ExceptionContext) -> None:
        execution = cast("_Execution | None", failure.execution_context)
        if execution is not None and hasattr(execution, "began"):
            tell(execution, failure.original_exception)

    def tell(execution: _Execution, error: BaseException | None) -> None:
        name = execution.execution_options.get(NAME)
        if name is not None:
            observer.statement(name, perf_counter() - execution.began, error)

    event.listen(engine, "before_cursor_execute", begins)
    event.listen(engine, "after_cursor_execute", ends)
    event.listen(engine, "handle_error", fails)


class _Execution(Protocol):
    """What SQLAlchemy knows of a statement while it runs it, and when we saw it begin."""

    execution_options: Mapping[str, Any]
    began: float


def _execution(of: tuple[object, ...]) -> _Execution:
    """From the arguments that an event of a cursor has."""
    return cast("_Execution", of[4])
