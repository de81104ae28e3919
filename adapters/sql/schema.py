"""The tables as the statements see them. The migrations make them; a test holds both together.

The owner's key leads every primary key, so one person's data lies together: one range to read on
SQLite, one shard on an engine that distributes by key.
"""

from collections.abc import Callable, Iterable, Mapping, Sequence
from datetime import UTC, datetime
from functools import partial
from operator import attrgetter
from typing import Any
from uuid import UUID

from asyncpg.pgproto.pgproto import UUID as QuickUUID  # noqa: N811 - two of one name
from sqlalchemy import (
    ARRAY,
    BigInteger,
    CheckConstraint,
    Column,
    Connection,
    Dialect,
    ForeignKey,
    ForeignKeyConstraint,
    Index,
    LargeBinary,
    MetaData,
    Table,
    Text,
    TypeDecorator,
    Uuid,
    inspect,
)
from sqlalchemy.types import TypeEngine

from domain.instant import TICK
from domain.message import Role
from domain.metadata import EMPTY, Metadata

REVISION = "0002"
"""The migration that makes this schema."""

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
    def read(stored: Iterable[UUID | bytes]) -> list[UUID]:
        """Make keys of what the driver has for them. asyncpg's own kind of UUID is made and
        written out in a tenth of the time."""
        return [raw if isinstance(raw, UUID) else QuickUUID(raw) for raw in stored]


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


class Json(TypeDecorator[Metadata]):
    """Metadata as the text that it is."""

    impl = Text
    cache_ok = True

    def process_bind_param(self, value: Metadata | None, dialect: Dialect) -> str | None:  # noqa: ARG002 - the signature is SQLAlchemy's
        return None if value is None else value.json

    @staticmethod
    def read(stored: Iterable[str]) -> list[Metadata]:
        empty = EMPTY.json
        return [EMPTY if raw == empty else Metadata(raw) for raw in stored]


class RoleName(TypeDecorator[Role]):
    impl = Text
    cache_ok = True
    read = partial(map, {role.value: role for role in Role}.__getitem__)


def bind_processor(kind: TypeEngine[Any], dialect: Dialect) -> Callable[[Any], Any] | None:
    """Return what converts a value for the driver, or None where it takes the value as it is."""
    if isinstance(kind, ARRAY):
        item = bind_processor(kind.item_type, dialect)
        return item and (lambda values: list(map(item, values)))
    if isinstance(kind, Key):
        return None if dialect.name == "postgresql" else attrgetter("bytes")
    if isinstance(kind, Json):
        return attrgetter("json")
    return kind.dialect_impl(dialect).bind_processor(dialect)


def instant_of(raw: int) -> datetime:
    return EPOCH + raw * TICK


def microseconds(instant: datetime) -> int:
    """Whole microseconds since 1970 of an aware time."""
    return (instant - EPOCH) // TICK


LEAST_KEY = (datetime(1, 1, 1, tzinfo=UTC), UUID(int=0))
GREATEST_KEY = (datetime.max.replace(tzinfo=UTC), UUID(int=2**128 - 1))
"""Before and after every session's, by either of its times and its id."""

metadata = MetaData(
    naming_convention={
        "pk": "pk_%(table_name)s",
        "fk": "fk_%(table_name)s",
        "ck": "ck_%(table_name)s_%(constraint_name)s",
    }
)

owners = Table(
    "owners",
    metadata,
    Column("owner", Key, primary_key=True),
    Column("issuer", Text, nullable=False),
    Column("subject", Text, nullable=False),
    Column("session_count", BigInteger, nullable=False),
    CheckConstraint("session_count >= 0", "session_count"),
    sqlite_with_rowid=False,
)

sessions = Table(
    "sessions",
    metadata,
    Column("owner", Key, ForeignKey("owners.owner", ondelete="CASCADE"), primary_key=True),
    Column("id", Key, primary_key=True),
    Column("title", Text),
    Column("metadata", Json, nullable=False),
    Column("created_at", Instant, nullable=False),
    Column("last_updated", Instant, nullable=False),
    Column("message_count", BigInteger, nullable=False),
    CheckConstraint("message_count >= 0", "message_count"),
    Index("ix_sessions_created_at", "owner", "created_at", "id"),
    Index("ix_sessions_last_updated", "owner", "last_updated", "id"),
    Index("ix_sessions_id", "id"),
    sqlite_with_rowid=False,
)

messages = Table(
    "messages",
    metadata,
    Column("owner", Key, primary_key=True),
    Column("session_id", Key, primary_key=True),
    Column("message_order", BigInteger, primary_key=True, autoincrement=False),
    Column("id", Key, nullable=False),
    Column("role", RoleName, nullable=False),
    Column("content", Text, nullable=False),
    Column("metadata", Json, nullable=False),
    Column("timestamp", Instant, nullable=False),
    ForeignKeyConstraint(
        ["owner", "session_id"], ["sessions.owner", "sessions.id"], ondelete="CASCADE"
    ),
    CheckConstraint("message_order >= 1", "message_order"),
    CheckConstraint("role IN ('user', 'assistant', 'system', 'tool')", "role"),
    sqlite_with_rowid=False,
)

receipts = Table(
    "receipts",
    metadata,
    Column("owner", Key, ForeignKey("owners.owner", ondelete="CASCADE"), primary_key=True),
    Column("operation", Text, primary_key=True),
    Column("key", Text, primary_key=True),
    Column("fingerprint", LargeBinary, nullable=False),
    Column("claimed_at", Instant, nullable=False),
    Column("session_id", Key, nullable=False),
    Column("first_order", BigInteger, nullable=False),
    Index("ix_receipts_claimed_at", "claimed_at"),
    sqlite_with_rowid=False,
)


def is_complete(connection: Connection) -> bool:
    """Whether every table, column and index declared here is there."""
    found = inspect(connection)
    columns = found.get_multi_columns(filter_names=list(metadata.tables))
    indexes = found.get_multi_indexes(filter_names=list(metadata.tables))
    return all(
        {column.name for column in table.columns} <= _names(columns.get((None, table.name)))
        and {index.name for index in table.indexes} <= _names(indexes.get((None, table.name)))
        for table in metadata.sorted_tables
    )


def _names(reflected: Sequence[Mapping[str, Any]] | None) -> set[str | None]:
    return {part["name"] for part in reflected or ()}
