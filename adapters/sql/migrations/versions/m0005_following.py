"""When messages were replaced and removed, for those who follow a session.

Everything is added: the release before goes on serving, and leaves `removed_at` empty.
"""

import sqlalchemy as sa
from alembic import op

revision = "0005"
down_revision = "0004"
branch_labels = None
depends_on = None

IS_EDITED = sa.column("edited_at").is_not(None)


def upgrade() -> None:
    op.add_column("removed_orders", sa.Column("removed_at", sa.BigInteger))
    op.create_index(
        "ix_messages_edited_at",
        "messages",
        ["owner", "session_id", "edited_at"],
        postgresql_where=IS_EDITED,
        sqlite_where=IS_EDITED,
    )


def downgrade() -> None:
    op.drop_index("ix_messages_edited_at", "messages")
    op.drop_column("removed_orders", "removed_at")
