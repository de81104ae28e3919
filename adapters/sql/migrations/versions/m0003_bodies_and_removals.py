"""Messages as agents have them, external ids, removals, and the side bar's flags.

Everything is added, and each column has a default, so that the release before goes on serving.
"""

from typing import Any

import sqlalchemy as sa
from alembic import op

revision = "0003"
down_revision = "0002"
branch_labels = None
depends_on = None

KEY = sa.LargeBinary(16).with_variant(sa.Uuid(), "postgresql")
ARCHIVED = sa.column("archived", sa.Boolean)
HAS_EXTERNAL_ID = sa.column("external_id").is_not(None)


def added() -> dict[str, list[sa.Column[Any]]]:
    """The columns that each table gets."""
    return {
        "owners": [sa.Column("archived_count", sa.BigInteger, nullable=False, server_default="0")],
        "sessions": [
            sa.Column("external_id", sa.Text),
            sa.Column("archived", sa.Boolean, nullable=False, server_default=sa.false()),
            sa.Column("pinned", sa.Boolean, nullable=False, server_default=sa.false()),
            sa.Column("revision", sa.BigInteger, nullable=False, server_default="0"),
            sa.Column("removed_count", sa.BigInteger, nullable=False, server_default="0"),
            sa.Column("first_order", sa.BigInteger, nullable=False, server_default="1"),
            sa.Column("largest_message", sa.BigInteger, nullable=False, server_default="0"),
        ],
        "messages": [
            sa.Column("later_role", sa.Text),
            sa.Column("name", sa.Text),
            sa.Column("external_id", sa.Text),
            sa.Column("format", sa.Text),
            sa.Column("body", sa.Text),
            sa.Column("edited_at", sa.BigInteger),
        ],
        "receipts": [sa.Column("stored_count", sa.BigInteger)],
    }


INDEXES = (
    ("ix_sessions_unarchived_created_at", "sessions", ["owner", "created_at", "id"], ~ARCHIVED),
    ("ix_sessions_unarchived_last_updated", "sessions", ["owner", "last_updated", "id"], ~ARCHIVED),
    ("ix_sessions_archived_last_updated", "sessions", ["owner", "last_updated", "id"], ARCHIVED),
    ("ux_sessions_external_id", "sessions", ["owner", "external_id"], HAS_EXTERNAL_ID),
    (
        "ux_messages_external_id",
        "messages",
        ["owner", "session_id", "external_id"],
        HAS_EXTERNAL_ID,
    ),
)


def upgrade() -> None:
    for table, columns in added().items():
        for column in columns:
            op.add_column(table, column)
    for name, table, indexed, only in INDEXES:
        op.create_index(
            name,
            table,
            indexed,
            unique=name.startswith("ux_"),
            postgresql_where=only,
            sqlite_where=only,
        )
    op.create_table(
        "removed_orders",
        sa.Column("owner", KEY, nullable=False),
        sa.Column("session_id", KEY, nullable=False),
        sa.Column("message_order", sa.BigInteger, nullable=False),
        sa.PrimaryKeyConstraint(
            "owner", "session_id", "message_order", name=op.f("pk_removed_orders")
        ),
        sa.ForeignKeyConstraint(
            ["owner", "session_id"],
            ["sessions.owner", "sessions.id"],
            name=op.f("fk_removed_orders"),
            ondelete="CASCADE",
        ),
        sqlite_with_rowid=False,
    )


def downgrade() -> None:
    op.drop_table("removed_orders")
    for name, table, _, _ in reversed(INDEXES):
        op.drop_index(name, table)
    for table, columns in added().items():
        for column in reversed(columns):
            op.drop_column(table, column.name)
