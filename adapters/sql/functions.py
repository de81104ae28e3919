"""Functions that each database writes in its own way."""

from typing import Any

from sqlalchemy import BigInteger, Boolean
from sqlalchemy.ext.compiler import compiles
from sqlalchemy.sql.compiler import SQLCompiler
from sqlalchemy.sql.functions import FunctionElement

from domain.session_page import has_members

HAS_MEMBER = "has_member"
"""The name of has_member in SQLite."""


class ByteLength(FunctionElement[int]):
    """Bytes of a text in UTF-8. Not read from where PostgreSQL keeps what is long."""

    type = BigInteger()
    inherit_cache = True


class HasMember(FunctionElement[bool]):
    """Whether a JSON object, as text, has a member: its name, and its value as JSON text."""

    type = Boolean()
    inherit_cache = True


def has_member(metadata: str, name: str, value: str) -> bool:
    """HasMember, as SQLite calls it."""
    return has_members(metadata, [(name, value)])


@compiles(ByteLength)
def _byte_length(element: ByteLength, compiler: SQLCompiler, **options: Any) -> str:  # noqa: ANN401 - SQLAlchemy's
    return f"octet_length({compiler.process(element.clauses, **options)})"


@compiles(ByteLength, "sqlite")
def _sqlite_byte_length(element: ByteLength, compiler: SQLCompiler, **options: Any) -> str:  # noqa: ANN401 - SQLAlchemy's
    # SQLite has octet_length from 3.43 on.
    return f"length(CAST({compiler.process(element.clauses, **options)} AS BLOB))"


@compiles(HasMember)
def _has_member(element: HasMember, compiler: SQLCompiler, **options: Any) -> str:  # noqa: ANN401 - SQLAlchemy's
    metadata, name, value = (compiler.process(part, **options) for part in element.clauses)
    return f"(CAST({metadata} AS jsonb) -> CAST({name} AS text)) = CAST({value} AS jsonb)"


@compiles(HasMember, "sqlite")
def _sqlite_has_member(element: HasMember, compiler: SQLCompiler, **options: Any) -> str:  # noqa: ANN401 - SQLAlchemy's
    return f"{HAS_MEMBER}({compiler.process(element.clauses, **options)})"
