"""Functions that each database writes in its own way."""

import json
from functools import lru_cache
from typing import Any, ClassVar

from sqlalchemy import BigInteger, Boolean
from sqlalchemy.ext.compiler import compiles
from sqlalchemy.sql.compiler import SQLCompiler
from sqlalchemy.sql.functions import FunctionElement

from domain.session_page import has_members

HAS_MEMBER = "has_member"
HAS_KEYS = "has_keys"
"""The names of has_member and has_keys in SQLite."""


class ByteLength(FunctionElement[int]):
    """Bytes of a text in UTF-8. Not read from where PostgreSQL keeps what is long."""

    type = BigInteger()
    inherit_cache = True


class _OneOfTwo(FunctionElement[int]):
    """One of two numbers, by a function of another name on each database."""

    type = BigInteger()
    inherit_cache = True
    on_postgresql: ClassVar[str]
    on_sqlite: ClassVar[str]


class Larger(_OneOfTwo):
    inherit_cache = True
    on_postgresql, on_sqlite = "greatest", "max"


class Smaller(_OneOfTwo):
    inherit_cache = True
    on_postgresql, on_sqlite = "least", "min"


class HasKeys(FunctionElement[bool]):
    """Whether words, as SearchKeys, have keys, as the database asks for them."""

    type = Boolean()
    inherit_cache = True


class HasMember(FunctionElement[bool]):
    """Whether a JSON object, as text, has a member: its name, and its value as JSON text."""

    type = Boolean()
    inherit_cache = True


def has_member(metadata: str, name: str, value: str) -> bool:
    """HasMember, as SQLite calls it."""
    return has_members(metadata, [(name, value)])


def has_keys(words: str | None, keys: str) -> bool:
    """HasKeys, as SQLite calls it: JSON of one key that is enough, and of others that all must be
    there, each with whether it is only the beginning of one."""
    if words is None:
        return False
    text = f" {words} "
    alternative, parts = _parts_of(keys)
    return all(part in text for part in parts) or alternative in text


@lru_cache(maxsize=64)
def _parts_of(keys: str) -> tuple[str, list[str]]:
    alternative, parts = json.loads(keys)
    return f" {alternative} ", [f" {key}" if is_prefix else f" {key} " for key, is_prefix in parts]


@compiles(ByteLength)
def _byte_length(element: ByteLength, compiler: SQLCompiler, **options: Any) -> str:  # noqa: ANN401 - SQLAlchemy's
    return f"octet_length({compiler.process(element.clauses, **options)})"


@compiles(ByteLength, "sqlite")
def _sqlite_byte_length(element: ByteLength, compiler: SQLCompiler, **options: Any) -> str:  # noqa: ANN401 - SQLAlchemy's
    # SQLite has octet_length from 3.43 on.
    return f"length(CAST({compiler.process(element.clauses, **options)} AS BLOB))"


@compiles(_OneOfTwo)
def _one_of_two(element: _OneOfTwo, compiler: SQLCompiler, **options: Any) -> str:  # noqa: ANN401 - SQLAlchemy's
    is_sqlite = compiler.dialect.name == "sqlite"
    name = element.on_sqlite if is_sqlite else element.on_postgresql
    return f"{name}({compiler.process(element.clauses, **options)})"


@compiles(HasKeys)
def _has_keys(element: HasKeys, compiler: SQLCompiler, **options: Any) -> str:  # noqa: ANN401 - SQLAlchemy's
    words, keys = (compiler.process(part, **options) for part in element.clauses)
    # In a subquery, for a plan that does not depend on the keys: where many texts of the owner's
    # have them, to look through everybody's would seem to be quicker.
    return f"{words} @@ (SELECT CAST({keys} AS tsquery))"


@compiles(HasKeys, "sqlite")
def _sqlite_has_keys(element: HasKeys, compiler: SQLCompiler, **options: Any) -> str:  # noqa: ANN401 - SQLAlchemy's
    return f"{HAS_KEYS}({compiler.process(element.clauses, **options)})"


@compiles(HasMember)
def _has_member(element: HasMember, compiler: SQLCompiler, **options: Any) -> str:  # noqa: ANN401 - SQLAlchemy's
    metadata, name, value = (compiler.process(part, **options) for part in element.clauses)
    return f"(CAST({metadata} AS jsonb) -> CAST({name} AS text)) = CAST({value} AS jsonb)"


@compiles(HasMember, "sqlite")
def _sqlite_has_member(element: HasMember, compiler: SQLCompiler, **options: Any) -> str:  # noqa: ANN401 - SQLAlchemy's
    return f"{HAS_MEMBER}({compiler.process(element.clauses, **options)})"
