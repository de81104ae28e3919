"""Statements as the driver itself takes them. SQLAlchemy writes their text, once, and does not run
them: its own execution costs several times what the driver's does."""

from collections.abc import Callable
from dataclasses import dataclass
from functools import lru_cache
from typing import Any, cast

from sqlalchemy import Dialect, Executable
from sqlalchemy.sql.compiler import SQLCompiler
from sqlalchemy.sql.elements import ClauseElement

from adapters.sql.database import Values
from adapters.sql.observer import NAME
from adapters.sql.schema import given

Convert = Callable[[Any], Any]


@dataclass(frozen=True, slots=True)
class Direct:
    """A statement's text, and what it is told by. `parts` are its values in their order: each a
    parameter's name, how the driver wants it (None: as it is), and the value that it always has."""

    name: str | None
    sql: str
    parts: tuple[tuple[str, Convert | None, Any], ...]

    def values(self, parameters: Values) -> list[Any]:
        return [
            always if not name else convert(parameters[name]) if convert else parameters[name]
            for name, convert, always in self.parts
        ]


@lru_cache(maxsize=256)
def direct(statement: Executable, dialect: Dialect) -> Direct:
    compiled = cast("SQLCompiler", cast("ClauseElement", statement).compile(dialect=dialect))

    def part(name: str) -> tuple[str, Convert | None, Any]:
        bound = compiled.binds[name]
        if bound.unique:
            return "", None, bound.value
        return name, given(bound.type, dialect), None

    parts = tuple(map(part, compiled.positiontup or ()))
    return Direct(statement.get_execution_options().get(NAME), str(compiled), parts)
