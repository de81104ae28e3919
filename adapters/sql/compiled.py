"""Compile each statement once with SQLAlchemy, for the driver to run: SQLAlchemy takes several
times as long to run one."""

from collections.abc import Callable
from dataclasses import dataclass
from functools import lru_cache
from typing import Any, cast

from sqlalchemy import Dialect, Executable
from sqlalchemy.sql.compiler import SQLCompiler
from sqlalchemy.sql.elements import ClauseElement

from adapters.sql.column_types import bind_processor
from adapters.sql.database import Values
from adapters.sql.observer import LABEL

Convert = Callable[[Any], Any]


@dataclass(frozen=True, slots=True)
class CompiledStatement:
    """A compiled statement is its SQL, its label, and the source of each of its values in order.

    A source is a parameter's name and how the driver wants it converted (None: as it is) or, with
    an empty name, a constant.
    """

    label: str | None
    sql: str
    parts: tuple[tuple[str, Convert | None, Any], ...]

    def values(self, parameters: Values) -> list[Any]:
        return [
            always if not name else convert(parameters[name]) if convert else parameters[name]
            for name, convert, always in self.parts
        ]


@lru_cache(maxsize=256)
def compile_statement(statement: Executable, dialect: Dialect) -> CompiledStatement:
    compiled = cast("SQLCompiler", cast("ClauseElement", statement).compile(dialect=dialect))

    def part(name: str) -> tuple[str, Convert | None, Any]:
        bound = compiled.binds[name]
        if bound.unique:
            return "", None, bound.value
        return name, bind_processor(bound.type, dialect), None

    parts = tuple(map(part, compiled.positiontup or ()))
    return CompiledStatement(statement.get_execution_options().get(LABEL), str(compiled), parts)
