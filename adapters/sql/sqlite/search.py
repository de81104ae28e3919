"""Search by FTS5 (https://sqlite.org/fts5.html), whose index knows a text by a number.

Triggers note each text under its number in search_documents, and in search_removals what is to be
taken from the index.
"""

import sqlite3
from collections.abc import Mapping
from functools import cache
from typing import Any

from sqlalchemy import (
    BigInteger,
    Connection,
    Select,
    Text,
    and_,
    bindparam,
    case,
    column,
    delete,
    func,
    literal_column,
    null,
    select,
    table,
    text,
    update,
)

from adapters.sql.column_types import Instant, Key
from adapters.sql.observer import labelled
from adapters.sql.schema import messages, sessions
from adapters.sql.search_statements import LIMIT, TITLE, short_text
from adapters.sql.sqlite.driver import driver_of
from adapters.sql.statements import OWNER

_documents = table(
    "search_documents",
    column("id", BigInteger),
    column("owner", Key),
    column("session_id", Key),
    column("message_order", BigInteger),
    column("said_at", Instant),
)
_index = table("search_index", column("rowid", BigInteger), column("search_index", Text))
_removals = table("search_removals", column("id", BigInteger), column("words", Text))

_MATCH = column("search_index", _selectable=_index).op("MATCH")(bindparam("match_", type_=Text))

_OF_OWNER = literal_column("+search_documents.owner", Key) == OWNER
"""With a sign that keeps it out of the choice of an index: the query comes first."""


@cache
def indexed_texts(*, with_text: bool) -> Select[Any]:
    """Messages and titles with the keys, in no order."""
    found = _index.join(_documents, _documents.c.id == _index.c.rowid)
    if with_text:
        of_session = and_(sessions.c.owner == OWNER, sessions.c.id == _documents.c.session_id)
        of_message = and_(
            messages.c.owner == OWNER,
            messages.c.session_id == _documents.c.session_id,
            messages.c.message_order == _documents.c.message_order,
        )
        found = found.join(sessions, of_session).outerjoin(messages, of_message)
    is_title = _documents.c.message_order == TITLE
    said = case((is_title, sessions.c.title), else_=short_text(wanted=with_text))
    return labelled(
        "INDEXED_DOCUMENTS",
        select(
            _documents.c.said_at,
            _documents.c.session_id,
            _documents.c.message_order,
            said if with_text else null(),
        )
        .select_from(found)
        .where(_MATCH, _OF_OWNER)
        .limit(LIMIT),
    )


_MERGE_DUE = 0
"""The number, of no text, in search_removals once something was taken from the index: the words are
in its older parts still."""

_LAST_DOCUMENT = """
  SELECT coalesce(max(seq), 0) FROM sqlite_sequence WHERE name = 'search_documents'
"""
_FORGET_UNINDEXED = "DELETE FROM search_removals WHERE id > ?"
_INDEX_NEW = """
  INSERT INTO search_index (rowid, words) SELECT id, words FROM search_texts WHERE id > ?
"""

OLDEST_REMOVALS = labelled(
    "OLDEST_REMOVALS",
    select(_removals.c.id, _removals.c.words)
    .where(_removals.c.id != _MERGE_DUE, _removals.c.id <= bindparam("newest_", type_=BigInteger))
    .limit(LIMIT),
)
NEWEST_REMOVAL = labelled("NEWEST_REMOVAL", select(func.max(_removals.c.id)))
MERGE_DUE = labelled("MERGE_DUE", select(_removals.c.id).where(_removals.c.id == _MERGE_DUE))
_SET_MERGE_DUE = labelled(
    "SET_MERGE_DUE", text("INSERT OR IGNORE INTO search_removals VALUES (0, '')")
)
_FORGET_WORDS = labelled(
    "FORGET_WORDS",
    text("INSERT INTO search_index (search_index, rowid, words) VALUES ('delete', :id_, :words_)"),
)
_FORGET_REMOVAL = labelled(
    "FORGET_REMOVAL", delete(_removals).where(_removals.c.id == bindparam("id_", type_=BigInteger))
)
_MERGE = labelled(
    "MERGE", text("INSERT INTO search_index (search_index, rank) VALUES ('merge', -64)")
)
"""Takes a step of that many pages towards an index with nothing in it of what was removed (section
6.7 of FTS5's page). Such a step makes fewer than two changes if there is nothing to do."""

MERGE_INTERVAL = 600.0
"""Seconds between two such ways through the whole index."""

_EMPTY = (
    labelled("EMPTY_INDEX", text("INSERT INTO search_index (search_index) VALUES ('delete-all')")),
    labelled("EMPTY_DOCUMENTS", delete(_documents)),
    labelled("EMPTY_REMOVALS", delete(_removals)),
    labelled("EMPTY_MESSAGE_WORDS", update(messages).values(words=None)),
    labelled("EMPTY_TITLE_WORDS", update(sessions).values(words=None)),
)


def query_text(prefix: str, keys: Mapping[str, bool]) -> str:
    """Return keys as a query of FTS5 (section 3 of its page)."""
    return " AND ".join(f'"{prefix}{key}"{" *" * is_prefix}' for key, is_prefix in keys.items())


class NewTexts:
    """The texts that a transaction adds, to be indexed before it is committed."""

    def __init__(self, connection: sqlite3.Connection) -> None:
        self._connection = connection
        self._indexed = self._added = self._last()

    def index(self) -> None:
        self._added = self._last()
        if self._added > self._indexed:
            self._connection.execute(_FORGET_UNINDEXED, (self._indexed,))
            self._connection.execute(_INDEX_NEW, (self._indexed,))

    def committed(self) -> None:
        self._indexed = self._added

    def _last(self) -> int:
        (last,) = self._connection.execute(_LAST_DOCUMENT).fetchone()
        return int(last)


def forget_removed(connection: Connection, limit: int, newest: int) -> int:
    """Take removed texts from the index, `limit` of them at most, and say how many they were."""
    removed = [
        {"id_": id_, "words_": words}
        for id_, words in connection.execute(OLDEST_REMOVALS, {"limit_": limit, "newest_": newest})
    ]
    if removed:
        connection.execute(_FORGET_WORDS, removed)
        connection.execute(_FORGET_REMOVAL, removed)
        connection.execute(_SET_MERGE_DUE)
    return len(removed)


def merge(connection: Connection) -> bool:
    """Take a step, and say whether it was the last."""
    driver = driver_of(connection)
    before = driver.total_changes
    connection.execute(_MERGE)
    is_done = driver.total_changes - before < 2  # noqa: PLR2004 - as FTS5 has it
    if is_done:
        connection.execute(_FORGET_REMOVAL, {"id_": _MERGE_DUE})
    return is_done


def empty(connection: Connection) -> None:
    """Forget all that the index has."""
    for statement in _EMPTY:
        connection.execute(statement)
