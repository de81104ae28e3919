"""Search by PostgreSQL's full text (manual, chapter 12): keys are lexemes, in an index by GIN."""

from collections.abc import Mapping
from functools import cache
from typing import Any

from sqlalchemy import ColumnElement, CompoundSelect, and_, null, select, union_all

from adapters.sql.functions import HasKeys
from adapters.sql.observer import labelled
from adapters.sql.schema import messages, sessions
from adapters.sql.search_statements import KEYS, LIMIT, TITLE, short_text
from adapters.sql.statements import OWNER


@cache
def indexed_texts(*, with_text: bool) -> CompoundSelect[Any]:
    """Messages and titles with the keys, in no order."""
    said = select(
        messages.c.timestamp,
        messages.c.session_id,
        messages.c.message_order,
        short_text(wanted=with_text),
    ).where(messages.c.owner == OWNER, _have_keys(messages.c.words))
    titled = select(
        sessions.c.created_at, sessions.c.id, TITLE, sessions.c.title if with_text else null()
    ).where(sessions.c.owner == OWNER, _have_keys(sessions.c.words))
    return labelled("INDEXED_TEXTS", union_all(said, titled).limit(LIMIT))


def _have_keys(words: ColumnElement[str]) -> ColumnElement[bool]:
    """Asked twice: PostgreSQL expects that one text in 200 has keys that it does not know, so many
    that it would look for them in parallel, and through all of an owner's rows besides."""
    return and_(HasKeys(words, KEYS), HasKeys(words, KEYS))


def query_text(prefix: str, keys: Mapping[str, bool]) -> str:
    """Return keys as text of a tsquery (manual, section 8.11.2)."""
    return " & ".join(f"'{prefix}{key}'{':*' * is_prefix}" for key, is_prefix in keys.items())
