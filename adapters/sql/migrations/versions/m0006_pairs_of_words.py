"""Pairs of common words, for search, and keys without their owner's prefix in SQLite's rows.

The words of all texts are filled in again. What the release before writes has none until then.
"""

from itertools import product

from alembic import op

revision = "0006"
down_revision = "0005"
branch_labels = None
depends_on = None

TEXTS = {
    "messages": ("session_id", "{}.message_order", "timestamp"),
    "sessions": ("id", "0", "created_at"),
}
"""The tables with words, and what says the session, the order (0 for a title) and the time."""

OWNER_PREFIX = "lower(substr(hex({0}.owner), -5))"
PREFIXED = f"{OWNER_PREFIX} || replace({{1}}, ' ', ' ' || {OWNER_PREFIX})"
"""Words as the index has them."""

VIEW = """
  CREATE VIEW search_texts AS
    SELECT documents.id, {words} AS words
    FROM search_documents documents
    JOIN sessions ON sessions.owner = documents.owner AND sessions.id = documents.session_id
    LEFT JOIN messages ON messages.owner = documents.owner
      AND messages.session_id = documents.session_id
      AND messages.message_order = documents.message_order
"""
SAID = "coalesce(messages.words, sessions.words)"

KEEP = """
  INSERT INTO search_documents (owner, session_id, message_order, said_at)
    SELECT new.owner, new.{session_id}, {new_order}, new.{at} WHERE new.words IS NOT NULL;
"""
FORGET = """
  INSERT INTO search_removals SELECT id, {old_words} FROM search_documents
    WHERE owner = old.owner AND session_id = old.{session_id} AND message_order = {old_order};
  DELETE FROM search_documents
    WHERE owner = old.owner AND session_id = old.{session_id} AND message_order = {old_order};
"""
TRIGGERS = {
    "added": ("AFTER INSERT", "new.words IS NOT NULL", KEEP),
    "removed": ("AFTER DELETE", "old.words IS NOT NULL", FORGET),
    "replaced": ("AFTER UPDATE OF words", "old.words IS NOT new.words", FORGET + KEEP),
}

EMPTY = (
    "INSERT INTO search_index (search_index) VALUES ('delete-all')",
    "DELETE FROM search_documents",
    "DELETE FROM search_removals",
)


def upgrade() -> None:
    _index_anew(PREFIXED.format("documents", SAID), PREFIXED.format("old", "old.words"))


def downgrade() -> None:
    _index_anew(SAID, "old.words")


def _index_anew(words: str, old_words: str) -> None:
    is_sqlite = op.get_context().dialect.name == "sqlite"
    if is_sqlite:
        for table, kind in product(TEXTS, TRIGGERS):
            op.execute(f"DROP TRIGGER search_{table}_{kind}")
        for statement in (*EMPTY, "DROP VIEW search_texts", VIEW.format(words=words)):
            op.execute(statement)
    for name in TEXTS:
        op.execute(f"UPDATE {name} SET words = NULL WHERE words IS NOT NULL")  # noqa: S608 - names of ours
    if is_sqlite:
        for table, kind in product(TEXTS, TRIGGERS):
            op.execute(_trigger(table, kind, old_words))


def _trigger(table: str, kind: str, old_words: str) -> str:
    when, condition, work = TRIGGERS[kind]
    session_id, order, at = TEXTS[table]
    old, new = order.format("old"), order.format("new")
    body = work.format(
        session_id=session_id, at=at, old_order=old, new_order=new, old_words=old_words
    )
    return (
        f"CREATE TRIGGER search_{table}_{kind} {when} ON {table} WHEN {condition} BEGIN {body} END"
    )
