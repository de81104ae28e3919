"""Owners, their sessions and the messages in them."""

import sqlalchemy as sa
from alembic import op

revision = "0001"
down_revision = None
branch_labels = None
depends_on = None

# Frozen as the first release had them, whatever becomes of the types in adapters.sql.column_types.
KEY = sa.LargeBinary(16).with_variant(sa.Uuid(), "postgresql")


def upgrade() -> None:
    op.create_table(
        "owners",
        sa.Column("owner", KEY, nullable=False),
        sa.Column("issuer", sa.Text, nullable=False),
        sa.Column("subject", sa.Text, nullable=False),
        sa.Column("session_count", sa.BigInteger, nullable=False),
        sa.PrimaryKeyConstraint("owner", name=op.f("pk_owners")),
        sa.CheckConstraint("session_count >= 0", name=op.f("ck_owners_session_count")),
        sqlite_with_rowid=False,
    )
    op.create_table(
        "sessions",
        sa.Column("owner", KEY, nullable=False),
        sa.Column("id", KEY, nullable=False),
        sa.Column("title", sa.Text),
        sa.Column("metadata", sa.Text, nullable=False),
        sa.Column("created_at", sa.BigInteger, nullable=False),
        sa.Column("last_updated", sa.BigInteger, nullable=False),
        sa.Column("message_count", sa.BigInteger, nullable=False),
        sa.PrimaryKeyConstraint("owner", "id", name=op.f("pk_sessions")),
        sa.ForeignKeyConstraint(
            ["owner"], ["owners.owner"], name=op.f("fk_sessions"), ondelete="CASCADE"
        ),
        sa.CheckConstraint("message_count >= 0", name=op.f("ck_sessions_message_count")),
        sqlite_with_rowid=False,
    )
    op.create_index("ix_sessions_created_at", "sessions", ["owner", "created_at", "id"])
    op.create_index("ix_sessions_last_updated", "sessions", ["owner", "last_updated", "id"])
    op.create_index("ix_sessions_id", "sessions", ["id"])
    op.create_table(
        "messages",
        sa.Column("owner", KEY, nullable=False),
        sa.Column("session_id", KEY, nullable=False),
        sa.Column("message_order", sa.BigInteger, nullable=False),
        sa.Column("id", KEY, nullable=False),
        sa.Column("role", sa.Text, nullable=False),
        sa.Column("content", sa.Text, nullable=False),
        sa.Column("metadata", sa.Text, nullable=False),
        sa.Column("timestamp", sa.BigInteger, nullable=False),
        sa.PrimaryKeyConstraint("owner", "session_id", "message_order", name=op.f("pk_messages")),
        sa.ForeignKeyConstraint(
            ["owner", "session_id"],
            ["sessions.owner", "sessions.id"],
            name=op.f("fk_messages"),
            ondelete="CASCADE",
        ),
        sa.CheckConstraint("message_order >= 1", name=op.f("ck_messages_message_order")),
        sa.CheckConstraint(
            "role IN ('user', 'assistant', 'system', 'tool')", name=op.f("ck_messages_role")
        ),
        sqlite_with_rowid=False,
    )


def downgrade() -> None:
    op.drop_table("messages")
    op.drop_table("sessions")
    op.drop_table("owners")
