"""Pairs of common words, for search, and keys without their owner's prefix in SQLite's rows.

The words of all texts are filled in again. What the release before writes has none until then.
"""

from alembic import op

from adapters.sql.migrations.versions.m0004_search import TEXTS, VIEW, WORDS_OF_TEXT, trigger

revision = "0006"
down_revision = "0005"
branch_labels = None
depends_on = None

OWNER_PREFIX = "lower(substr(hex({0}.owner), -5))"
PREFIXED = f"{OWNER_PREFIX} || replace({{1}}, ' ', ' ' || {OWNER_PREFIX})"
"""Words as the index has them."""

FORGETTING = ("removed", "replaced")
"""The triggers that note what is to be taken from the index."""

EMPTY = (
    "INSERT INTO search_index (search_index) VALUES ('delete-all')",
    "DELETE FROM search_documents",
    "DELETE FROM search_removals",
)


def upgrade() -> None:
    _index_anew(PREFIXED.format("documents", WORDS_OF_TEXT), PREFIXED.format("old", "old.words"))


def downgrade() -> None:
    _index_anew(WORDS_OF_TEXT, "old.words")


def _index_anew(words: str, old_words: str) -> None:
    is_sqlite = op.get_context().dialect.name == "sqlite"
    triggers = [(table, kind) for table in TEXTS for kind in FORGETTING] if is_sqlite else []
    for table, kind in triggers:
        op.execute(f"DROP TRIGGER search_{table}_{kind}")
    if is_sqlite:
        for statement in (*EMPTY, "DROP VIEW search_texts", VIEW.format(words=words)):
            op.execute(statement)
    for table in TEXTS:
        op.execute(f"UPDATE {table} SET words = NULL WHERE words IS NOT NULL")  # noqa: S608 - names of ours
    for table, kind in triggers:
        op.execute(trigger(table, kind, old_words))
