"""Sessions and messages as rows. The tables in adapters.sql.schema alone say which columns they
have: a column has the name of the attribute that it keeps, and its type converts the values."""

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import fields
from operator import attrgetter
from typing import Any, Generic, TypeVar
from uuid import UUID

from sqlalchemy import Column, ColumnElement, Table, func

from adapters.sql import schema
from adapters.sql.column_types import TextKeys
from adapters.sql.database import Row, Rows, Values
from adapters.sql.search_keys import search_keys
from domain.message import Message, NewMessage
from domain.session import Session

E = TypeVar("E")

Read = Callable[[Sequence[Any]], Iterable[Any]]


class EntityColumns(Generic[E]):
    """The columns that keep an entity, in the order of its fields, the id first.

    `known` is the attribute that a reader knows already; it is not selected.
    """

    def __init__(
        self, make: Callable[[Iterable[Any]], E], names: Sequence[str], table: Table, *, known: str
    ) -> None:
        self._make = make
        self._known = names.index(known)
        self._columns: list[Column[Any]] = [table.c[name] for name in names if name != known]
        self.selected: list[ColumnElement[Any]] = [
            _SELECTED.get(str(column), column) for column in self._columns
        ]
        readers = enumerate(map(_reader, self._columns))
        self._readers = [(place, read) for place, read in readers if read is not None]

    def read(self, rows: Rows, known: object, skip: int = 0) -> list[E]:
        """Make entities of rows in which `skip` other columns come first. There are none where the
        id of the first row is NULL.

        A column at a time: that takes less than a row at a time, with a call for each value.
        """
        if not rows or rows[0][skip] is None:
            return []
        columns: list[Any] = list(zip(*rows, strict=True))[skip:]
        for place, read in self._readers:
            columns[place] = read(columns[place])
        columns.insert(self._known, [known] * len(rows))
        return list(map(self._make, zip(*columns, strict=True)))

    def values(self, entity: E) -> Values:
        """Return the row that keeps the entity, without what is `known`."""
        return {column.key: getattr(entity, column.key) for column in self._columns}


def _reader(column: Column[Any]) -> Read | None:
    read: Read | None = getattr(column.type, "read", None)
    if read is None or not column.nullable:
        return read

    def read_some(stored: Sequence[Any]) -> Iterable[Any]:
        if stored.count(None) == len(stored):
            return stored
        values = iter(read([raw for raw in stored if raw is not None]))
        return (None if raw is None else next(values) for raw in stored)

    return read_some


ROLE: ColumnElement[Any] = func.coalesce(
    schema.messages.c.later_role, schema.messages.c.role, type_=schema.messages.c.role.type
).label("role")

_SELECTED: Mapping[str, ColumnElement[Any]] = {"messages.role": ROLE}
"""What is selected in place of a column."""

SESSION_COLUMNS = EntityColumns(Session._make, Session._fields, schema.sessions, known="owner")
MESSAGE_COLUMNS = EntityColumns(Message._make, Message._fields, schema.messages, known="session_id")

SAID = tuple(
    field.name for field in fields(NewMessage) if field.name not in {"timestamp", "edited_at"}
)
"""What a message says, whatever its place in a session."""

NEW_MESSAGE_COLUMNS: list[Column[Any]] = [
    schema.messages.c[name] for name in ("id", *SAID, "later_role", "words")
]
"""What is known of a message before it has its place in a session."""

_said: Callable[[NewMessage | Message], Row] = attrgetter(*SAID, "role")


def new_message_row(id_: UUID, message: NewMessage, words: TextKeys) -> Row:
    """Return the values of NEW_MESSAGE_COLUMNS."""
    return id_, *_said(message), words


def message_row(owner: UUID, message: Message, words: TextKeys) -> Values:
    """Return the row that keeps a message of the owner's with that key."""
    return {
        "owner": owner,
        "session_id": message.session_id,
        **MESSAGE_COLUMNS.values(message),
        "later_role": message.role,
        "words": words,
    }


def said_row(message: NewMessage, words: TextKeys) -> Values:
    """Return what a message says, by the columns that keep it."""
    said = {name: getattr(message, name) for name in SAID if name != "external_id"}
    return {**said, "later_role": message.role, "words": words}


def title_words(session: Session) -> TextKeys | None:
    """Return what a search finds a session's title by, if it has one."""
    return None if session.title is None else search_keys(session.owner.key, session.title)


def parameters(values: Values) -> dict[str, Any]:
    """Return a row's values under the names of the statements' parameters."""
    return {f"{name}_": value for name, value in values.items()}
