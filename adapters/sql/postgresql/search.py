"""Search by PostgreSQL's full text (manual, chapter 12): keys are lexemes, in an index by GIN."""

from collections.abc import Mapping
from functools import cache
from typing import Any

from sqlalchemy import CompoundSelect, null, select, union_all

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
    ).where(messages.c.owner == OWNER, HasKeys(messages.c.words, KEYS))
    titled = select(
        sessions.c.created_at, sessions.c.id, TITLE, sessions.c.title if with_text else null()
    ).where(sessions.c.owner == OWNER, HasKeys(sessions.c.words, KEYS))
    return labelled("INDEXED_TEXTS", union_all(said, titled).limit(LIMIT))


def query_text(keys: Mapping[str, bool]) -> str:
    """Return keys as text of a tsquery (manual, section 8.11.2)."""
    return " & ".join(f"'{key}'{':*' * is_prefix}" for key, is_prefix in keys.items())
