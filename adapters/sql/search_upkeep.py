"""Bring what a search finds texts by up to what is stored, in steps that are soon done.

The statements here look at everybody's texts: they are for maintenance.
"""

from collections.abc import Sequence
from functools import partial
from typing import Any
from uuid import UUID

from sqlalchemy import (
    BigInteger,
    Column,
    ColumnElement,
    Connection,
    Select,
    Update,
    and_,
    bindparam,
    select,
    tuple_,
    update,
)

from adapters.sql.column_types import Key
from adapters.sql.database import Database, Row, Values
from adapters.sql.observer import labelled
from adapters.sql.schema import messages, sessions
from adapters.sql.search_keys import search_keys

STEP = 200
"""Texts of one step."""

Place = Sequence[Column[Any]]

_MESSAGES: Place = (messages.c.owner, messages.c.session_id, messages.c.message_order)
_TITLES: Place = (sessions.c.owner, sessions.c.id)


def _parameters(place: Place) -> list[ColumnElement[Any]]:
    return [bindparam(f"{column.key}_", type_=column.type) for column in place]


def _texts(place: Place, text: Column[str]) -> Select[Any]:
    """Locked, so that nobody replaces a text while its words are found."""
    limit = bindparam("limit_", type_=BigInteger)
    texts: Select[Any] = select(*[*place, text])
    return texts.where(text.is_not(None)).order_by(*place).limit(limit).with_for_update()


def _store(place: Place) -> Update:
    table = place[0].table
    new = bindparam("words_", type_=table.c.words.type)
    is_it = [one == given for one, given in zip(place, _parameters(place), strict=True)]
    changed = table.c.words.is_distinct_from(new)
    return (
        update(messages if place is _MESSAGES else sessions)
        .where(and_(*is_it, changed))
        .values(words=new)
    )


UNINDEXED_MESSAGES = labelled(
    "UNINDEXED_MESSAGES", _texts(_MESSAGES, messages.c.content).where(messages.c.words.is_(None))
)
UNINDEXED_TITLES = labelled(
    "UNINDEXED_TITLES", _texts(_TITLES, sessions.c.title).where(sessions.c.words.is_(None))
)
NEXT_MESSAGES = labelled(
    "NEXT_MESSAGES",
    _texts(_MESSAGES, messages.c.content).where(
        tuple_(*_MESSAGES) > tuple_(*_parameters(_MESSAGES))
    ),
)
NEXT_TITLES = labelled(
    "NEXT_TITLES",
    _texts(_TITLES, sessions.c.title).where(tuple_(*_TITLES) > tuple_(*_parameters(_TITLES))),
)
INDEX_MESSAGE = labelled("INDEX_MESSAGE", _store(_MESSAGES))
INDEX_TITLE = labelled("INDEX_TITLE", _store(_TITLES))

_KINDS = (
    (_MESSAGES, UNINDEXED_MESSAGES, NEXT_MESSAGES, INDEX_MESSAGE),
    (_TITLES, UNINDEXED_TITLES, NEXT_TITLES, INDEX_TITLE),
)
_LIMIT: Values = {"limit_": STEP}


async def tend(database: Database) -> bool:
    """As Storage.tend_index has it."""
    is_busy = bool(await database.forget_removed(STEP))
    for place, unindexed, _, store in _KINDS:
        if await database.read(unindexed, {"limit_": 1}):
            await database.write(partial(_index, place, unindexed, store, _LIMIT))
            is_busy = True
    return is_busy


async def rebuild(database: Database) -> int:
    """As Storage.rebuild_index has it."""
    await database.empty_index()
    count = 0
    for place, _, following, store in _KINDS:
        asked: Values = {**_LIMIT, **_named(place, (UUID(int=0), UUID(int=0), 0))}
        while indexed := await database.write(partial(_index, place, following, store, asked)):
            count += len(indexed)
            asked = {**_LIMIT, **indexed[-1]}
    return count


def _index(
    place: Place, texts: Select[Any], store: Update, asked: Values, connection: Connection
) -> Sequence[Values]:
    """Store the words of the texts that are found, and return their places."""
    found = []
    for *at, text in connection.execute(texts, asked).all():
        owner, session_id = Key.read(at[:2])
        named = _named(place, (owner, session_id, *at[2:]))
        found.append({**named, "words_": search_keys(owner, text)})
    if found:
        connection.execute(store, found)
    return found


def _named(place: Place, values: Row) -> Values:
    return {f"{column.key}_": value for column, value in zip(place, values, strict=False)}
