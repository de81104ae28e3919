"""How the values of columns are written and read. `read` makes values of what the driver has, a
column at a time."""

from collections.abc import Callable, Iterable, Sequence
from datetime import UTC, datetime
from functools import partial
from operator import attrgetter
from typing import Any, NamedTuple
from uuid import UUID

from asyncpg.pgproto.pgproto import UUID as QuickUUID  # noqa: N811 - two of one name
from sqlalchemy import ARRAY, BigInteger, Boolean, Dialect, LargeBinary, Text, TypeDecorator, Uuid
from sqlalchemy.types import TypeEngine

from domain.body import Body
from domain.instant import TICK
from domain.json_object import JsonObject
from domain.message import Role
from domain.metadata import EMPTY, Metadata

EPOCH = datetime(1970, 1, 1, tzinfo=UTC)


class Key(TypeDecorator[UUID]):
    """A UUID in 16 bytes, also where the database has no type for it."""

    impl = LargeBinary
    cache_ok = True

    def load_dialect_impl(self, dialect: Dialect) -> TypeEngine[Any]:
        if dialect.name == "postgresql":
            return dialect.type_descriptor(Uuid())
        return dialect.type_descriptor(LargeBinary(16))

    def process_bind_param(self, value: UUID | None, dialect: Dialect) -> UUID | bytes | None:
        return value.bytes if value is not None and dialect.name != "postgresql" else value

    @staticmethod
    def read(stored: Sequence[Any]) -> Sequence[UUID]:
        """Make keys of what the driver has for them, which is all of one kind. asyncpg's own kind
        of UUID is made and written out in a tenth of the time."""
        if not stored or isinstance(stored[0], UUID):
            return stored
        return list(map(QuickUUID, stored))


class Instant(TypeDecorator[datetime]):
    """A time in UTC as whole microseconds since 1970, so that it orders, adds and compares alike
    on every database."""

    impl = BigInteger
    cache_ok = True

    def process_bind_param(self, value: datetime | None, dialect: Dialect) -> int | None:  # noqa: ARG002 - the signature is SQLAlchemy's
        return None if value is None else microseconds(value)

    @staticmethod
    def read(stored: Iterable[int]) -> list[datetime]:
        return [EPOCH + raw * TICK for raw in stored]


class Json(TypeDecorator[JsonObject]):
    """A JSON object as the text that it is."""

    impl = Text
    cache_ok = True

    def process_bind_param(self, value: JsonObject | None, dialect: Dialect) -> str | None:  # noqa: ARG002 - the signature is SQLAlchemy's
        return None if value is None else value.json


class MetadataJson(Json):
    """Metadata as the text that it is."""

    cache_ok = True

    @staticmethod
    def read(stored: Iterable[str]) -> list[Metadata]:
        empty = EMPTY.json
        return [EMPTY if raw == empty else Metadata(raw) for raw in stored]


class BodyJson(Json):
    """A message's body as the text that it is."""

    cache_ok = True
    read = staticmethod(partial(map, Body))


class RoleName(TypeDecorator[Role]):
    """A role of those that the first release knew, which nothing else may be written as."""

    impl = Text
    cache_ok = True
    read = staticmethod(partial(map, {role.value: role for role in Role}.__getitem__))

    def process_bind_param(self, value: Role | None, dialect: Dialect) -> str | None:  # noqa: ARG002 - the signature is SQLAlchemy's
        return Role.SYSTEM.value if value is Role.DEVELOPER else value


class LaterRole(TypeDecorator[Role]):
    """The role itself where RoleName is written as another, else NULL."""

    impl = Text
    cache_ok = True

    def process_bind_param(self, value: Role | None, dialect: Dialect) -> str | None:  # noqa: ARG002 - the signature is SQLAlchemy's
        return value.value if value is Role.DEVELOPER else None


class TextKeys(NamedTuple):
    """What a search finds a text by: keys with a space between them, and what each begins with in
    an index, by which it is the owner's."""

    prefix: str
    keys: str

    @property
    def prefixed(self) -> str:
        return " ".join(self.prefix + key for key in self.keys.split())


class SearchKeys(TypeDecorator[TextKeys]):
    """Keys as PostgreSQL indexes them; SQLite's index has them from a view, with their prefix."""

    impl = Text
    cache_ok = True

    def process_bind_param(self, value: TextKeys | None, dialect: Dialect) -> str | None:
        if value is None:
            return None
        return value.prefixed if dialect.name == "postgresql" else value.keys

    def load_dialect_impl(self, dialect: Dialect) -> TypeEngine[Any]:
        if dialect.name == "postgresql":
            from sqlalchemy.dialects.postgresql import TSVECTOR  # noqa: PLC0415 - not for SQLite

            return dialect.type_descriptor(TSVECTOR())
        return dialect.type_descriptor(Text())


class Flag(TypeDecorator[bool]):
    impl = Boolean
    cache_ok = True
    read = staticmethod(partial(map, bool))


def bind_processor(kind: TypeEngine[Any], dialect: Dialect) -> Callable[[Any], Any] | None:
    """Return what converts a value for the driver, or None where it takes the value as it is."""
    if isinstance(kind, ARRAY):
        item = bind_processor(kind.item_type, dialect)
        return item and (lambda values: list(map(item, values)))
    if isinstance(kind, Key):
        return None if dialect.name == "postgresql" else attrgetter("bytes")
    if isinstance(kind, BodyJson):
        return lambda body: body and body.json
    if isinstance(kind, Json):
        return attrgetter("json")
    return kind.dialect_impl(dialect).bind_processor(dialect)


def instant_of(raw: int) -> datetime:
    return EPOCH + raw * TICK


def microseconds(instant: datetime) -> int:
    """Whole microseconds since 1970 of an aware time."""
    return (instant - EPOCH) // TICK
