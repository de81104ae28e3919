"""The receipts of writes that happen once."""

import sqlalchemy as sa
from alembic import op

revision = "0002"
down_revision = "0001"
branch_labels = None
depends_on = None

KEY = sa.LargeBinary(16).with_variant(sa.Uuid(), "postgresql")


def upgrade() -> None:
    op.create_table(
        "receipts",
        sa.Column("owner", KEY, nullable=False),
        sa.Column("operation", sa.Text, nullable=False),
        sa.Column("key", sa.Text, nullable=False),
        sa.Column("fingerprint", sa.LargeBinary, nullable=False),
        sa.Column("claimed_at", sa.BigInteger, nullable=False),
        sa.Column("session_id", KEY, nullable=False),
        sa.Column("first_order", sa.BigInteger, nullable=False),
        sa.PrimaryKeyConstraint("owner", "operation", "key", name=op.f("pk_receipts")),
        sa.ForeignKeyConstraint(
            ["owner"], ["owners.owner"], name=op.f("fk_receipts"), ondelete="CASCADE"
        ),
        sqlite_with_rowid=False,
    )
    op.create_index("ix_receipts_claimed_at", "receipts", ["claimed_at"])


def downgrade() -> None:
    op.drop_table("receipts")
