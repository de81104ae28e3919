"""The words of messages and titles, for search.

Everything is added. What the release before writes has no words until they are filled in.
"""

from itertools import product

import sqlalchemy as sa
from alembic import op
from sqlalchemy.dialects.postgresql import TSVECTOR

revision = "0004"
down_revision = "0003"
branch_labels = None
depends_on = None

WORDS = sa.Text().with_variant(TSVECTOR(), "postgresql")

INDEXES = (
    ("ix_messages_timestamp", "messages", ["owner", "timestamp"], None),
    (
        "ix_messages_unindexed",
        "messages",
        ["owner", "session_id", "message_order"],
        sa.column("words").is_(None),
    ),
    (
        "ix_sessions_unindexed",
        "sessions",
        ["owner", "id"],
        sa.and_(sa.column("words").is_(None), sa.column("title").is_not(None)),
    ),
)

WORD_INDEXES = {"ix_messages_words": "messages", "ix_sessions_words": "sessions"}

PENDING_KIB = 256
"""What may wait in an index for its place: a search reads all of it."""

TEXTS = {
    "messages": ("session_id", "{}.message_order", "timestamp"),
    "sessions": ("id", "0", "created_at"),
}
"""The tables with words, and what says the session, the order (0 for a title) and the time."""

VIEW = """
    CREATE VIEW search_texts AS
      SELECT documents.id, {words} AS words
      FROM search_documents documents
      JOIN sessions ON sessions.owner = documents.owner AND sessions.id = documents.session_id
      LEFT JOIN messages ON messages.owner = documents.owner
        AND messages.session_id = documents.session_id
        AND messages.message_order = documents.message_order
    """
WORDS_OF_TEXT = "coalesce(messages.words, sessions.words)"

TABLES = (
    """
    CREATE TABLE search_documents (
      id INTEGER PRIMARY KEY AUTOINCREMENT,
      owner BLOB NOT NULL, session_id BLOB NOT NULL, message_order BIGINT NOT NULL,
      said_at BIGINT NOT NULL)
    """,
    """
    CREATE UNIQUE INDEX ux_search_documents
      ON search_documents (owner, session_id, message_order)
    """,
    "CREATE TABLE search_removals (id INTEGER PRIMARY KEY, words TEXT NOT NULL)",
    VIEW.format(words=WORDS_OF_TEXT),
    """
    CREATE VIRTUAL TABLE search_index USING fts5 (
      words, content=search_texts, content_rowid=id, detail=none, columnsize=0, tokenize=ascii)
    """,
)


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
"""They note what becomes of the texts, for the writer to index what is new in the same transaction:
a trigger may not (https://sqlite.org/pragma.html#pragma_trusted_schema). What is removed waits in
search_removals, since to take much from an index takes long."""


def trigger(table: str, kind: str, old_words: str = "old.words") -> str:
    when, condition, work = TRIGGERS[kind]
    session_id, order, at = TEXTS[table]
    old, new = order.format("old"), order.format("new")
    body = work.format(
        session_id=session_id, at=at, old_order=old, new_order=new, old_words=old_words
    )
    return (
        f"CREATE TRIGGER search_{table}_{kind} {when} ON {table} WHEN {condition} BEGIN {body} END"
    )


def upgrade() -> None:
    for table in ("sessions", "messages"):
        op.add_column(table, sa.Column("words", WORDS))
    for name, table, columns, only in INDEXES:
        op.create_index(name, table, columns, postgresql_where=only, sqlite_where=only)
    if op.get_context().dialect.name == "postgresql":
        for name, table in WORD_INDEXES.items():
            op.create_index(
                name,
                table,
                ["words"],
                postgresql_using="gin",
                postgresql_with={"gin_pending_list_limit": PENDING_KIB},
            )
    else:
        for statement in TABLES:
            op.execute(statement)
        for table, kind in product(TEXTS, TRIGGERS):
            op.execute(trigger(table, kind))


def downgrade() -> None:
    if op.get_context().dialect.name == "postgresql":
        for name, table in WORD_INDEXES.items():
            op.drop_index(name, table)
    else:
        for table, kind in product(TEXTS, TRIGGERS):
            op.execute(f"DROP TRIGGER search_{table}_{kind}")
        op.execute("DROP TABLE search_index")
        op.execute("DROP VIEW search_texts")
        for table in ("search_removals", "search_documents"):
            op.execute(f"DROP TABLE {table}")
    for name, table, _, _ in reversed(INDEXES):
        op.drop_index(name, table)
    for table in ("messages", "sessions"):
        op.drop_column(table, "words")
