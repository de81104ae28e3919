"""The tables as the statements see them. The migrations make them; a test holds both together.

The owner's key leads every primary key, so one person's data lies together: one range to read on
SQLite, one shard on an engine that distributes by key.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from sqlalchemy import (
    BigInteger,
    CheckConstraint,
    Column,
    ColumnElement,
    Connection,
    ForeignKey,
    ForeignKeyConstraint,
    Index,
    LargeBinary,
    MetaData,
    Table,
    Text,
    and_,
    false,
    inspect,
)

from adapters.sql.column_types import (
    BodyJson,
    Flag,
    Instant,
    Key,
    LaterRole,
    MetadataJson,
    RoleName,
    SearchKeys,
)

REVISION = "0006"
"""The migration that makes this schema."""

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
    Column("archived_count", BigInteger, nullable=False, server_default="0"),
    CheckConstraint("session_count >= 0", "session_count"),
    sqlite_with_rowid=False,
)

sessions = Table(
    "sessions",
    metadata,
    Column("owner", Key, ForeignKey("owners.owner", ondelete="CASCADE"), primary_key=True),
    Column("id", Key, primary_key=True),
    Column("title", Text),
    Column("metadata", MetadataJson, nullable=False),
    Column("created_at", Instant, nullable=False),
    Column("last_updated", Instant, nullable=False),
    # Named when no message could be removed. A release of that time counts on here.
    Column("message_count", BigInteger, key="last_order", nullable=False),
    Column("external_id", Text),
    Column("archived", Flag, nullable=False, server_default=false()),
    Column("pinned", Flag, nullable=False, server_default=false()),
    Column("revision", BigInteger, nullable=False, server_default="0"),
    Column("removed_count", BigInteger, nullable=False, server_default="0"),
    Column("first_order", BigInteger, nullable=False, server_default="1"),
    Column("largest_message", BigInteger, nullable=False, server_default="0"),
    Column("words", SearchKeys),
    CheckConstraint("message_count >= 0", "message_count"),
    Index("ix_sessions_created_at", "owner", "created_at", "id"),
    Index("ix_sessions_last_updated", "owner", "last_updated", "id"),
    Index("ix_sessions_id", "id"),
    sqlite_with_rowid=False,
)
"""`first_order` is the lowest order of a message that is there, or the next one to be given;
`removed_count` counts the removed ones below it and those that `removed_orders` has;
`largest_message` is as large, by Message.size, as any message that it ever had; `words` are those
of the title."""

messages = Table(
    "messages",
    metadata,
    Column("owner", Key, primary_key=True),
    Column("session_id", Key, primary_key=True),
    Column("message_order", BigInteger, primary_key=True, autoincrement=False),
    Column("id", Key, nullable=False),
    Column("role", RoleName, nullable=False),
    Column("content", Text, nullable=False),
    Column("metadata", MetadataJson, nullable=False),
    Column("timestamp", Instant, nullable=False),
    Column("later_role", LaterRole),
    Column("name", Text),
    Column("external_id", Text),
    Column("format", Text),
    Column("body", BodyJson),
    Column("edited_at", Instant),
    Column("words", SearchKeys),
    ForeignKeyConstraint(
        ["owner", "session_id"], ["sessions.owner", "sessions.id"], ondelete="CASCADE"
    ),
    Index("ix_messages_timestamp", "owner", "timestamp"),
    CheckConstraint("message_order >= 1", "message_order"),
    CheckConstraint("role IN ('user', 'assistant', 'system', 'tool')", "role"),
    sqlite_with_rowid=False,
)
"""`later_role` is a role that a release of the time of `role` could not read."""

removed_orders = Table(
    "removed_orders",
    metadata,
    Column("owner", Key, primary_key=True),
    Column("session_id", Key, primary_key=True),
    Column("message_order", BigInteger, primary_key=True, autoincrement=False),
    Column("removed_at", Instant),
    ForeignKeyConstraint(
        ["owner", "session_id"], ["sessions.owner", "sessions.id"], ondelete="CASCADE"
    ),
    sqlite_with_rowid=False,
)
"""The orders of messages that were removed, but for those below the session's `first_order`.
`removed_at` is the session's `last_updated` of then, NULL where an earlier release removed it."""

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
    Column("stored_count", BigInteger),
    Index("ix_receipts_claimed_at", "claimed_at"),
    sqlite_with_rowid=False,
)


@dataclass(frozen=True, slots=True)
class PartialIndex:
    """An index of those rows alone that a condition chooses."""

    name: str
    table: Table
    columns: tuple[str, ...]
    condition: ColumnElement[bool]
    unique: bool = False


_ARCHIVED = sessions.c.archived

PARTIAL_INDEXES = (
    PartialIndex(
        "ix_sessions_unarchived_created_at", sessions, ("owner", "created_at", "id"), ~_ARCHIVED
    ),
    PartialIndex(
        "ix_sessions_unarchived_last_updated", sessions, ("owner", "last_updated", "id"), ~_ARCHIVED
    ),
    PartialIndex(
        "ix_sessions_archived_last_updated", sessions, ("owner", "last_updated", "id"), _ARCHIVED
    ),
    PartialIndex(
        "ux_sessions_external_id",
        sessions,
        ("owner", "external_id"),
        sessions.c.external_id.is_not(None),
        unique=True,
    ),
    PartialIndex(
        "ux_messages_external_id",
        messages,
        ("owner", "session_id", "external_id"),
        messages.c.external_id.is_not(None),
        unique=True,
    ),
    PartialIndex(
        "ix_messages_unindexed",
        messages,
        ("owner", "session_id", "message_order"),
        messages.c.words.is_(None),
    ),
    PartialIndex(
        "ix_sessions_unindexed",
        sessions,
        ("owner", "id"),
        and_(sessions.c.words.is_(None), sessions.c.title.is_not(None)),
    ),
    PartialIndex(
        "ix_messages_edited_at",
        messages,
        ("owner", "session_id", "edited_at"),
        messages.c.edited_at.is_not(None),
    ),
)
"""Not declared as SQLAlchemy's own, which loads the dialects of both databases for a condition."""


WORD_INDEXES: Mapping[str, Table] = {
    "ix_messages_words": messages,
    "ix_sessions_words": sessions,
}
"""PostgreSQL's indexes of words, by GIN. On SQLite the migrations make the tables of FTS5."""


def index_names(table: Table) -> set[str]:
    declared = {str(index.name) for index in table.indexes}
    return declared | {index.name for index in PARTIAL_INDEXES if index.table is table}


def is_complete(connection: Connection) -> bool:
    """Whether every table, column and index declared here is there."""
    found = inspect(connection)
    columns = found.get_multi_columns(filter_names=list(metadata.tables))
    indexes = found.get_multi_indexes(filter_names=list(metadata.tables))
    return all(
        {column.name for column in table.columns} <= _names(columns.get((None, table.name)))
        and index_names(table) <= _names(indexes.get((None, table.name)))
        for table in metadata.sorted_tables
    )


def _names(reflected: Sequence[Mapping[str, Any]] | None) -> set[str | None]:
    return {part["name"] for part in reflected or ()}
