from abc import abstractmethod
from collections.abc import Callable, Collection, Mapping, Sequence
from datetime import datetime
from enum import StrEnum
from typing import Any, Protocol, TypeVar
from uuid import UUID

from sqlalchemy import Connection, Executable

T = TypeVar("T")

Values = Mapping[str, Any]
"""The values of a statement's parameters or of a row, by name."""


Row = Sequence[Any]

Rows = Sequence[Row]
"""Rows as the driver returns them: a column type's `read` converts their values."""


class Named(StrEnum):
    """What a message is named by."""

    ORDER = "order"
    EXTERNAL_ID = "external_id"
    LAST = "last"


class Database(Protocol):
    """The repositories work with a database through these methods, each of which may raise
    Unavailable.

    A write that has begun is completed, even if its caller is cancelled, and is durable once it
    returns. What both databases run alike goes through `read` and `write`; the other methods are
    what PostgreSQL alone does in one statement.
    """

    @property
    @abstractmethod
    def is_shared(self) -> bool:
        """Whether other processes may write to the same data."""

    @abstractmethod
    async def is_current(self) -> bool: ...
    @abstractmethod
    async def migrate(self) -> None: ...
    @abstractmethod
    async def open(self) -> None: ...
    @abstractmethod
    async def check(self) -> None: ...
    @abstractmethod
    async def close(self) -> None: ...

    @abstractmethod
    async def read(self, statement: Executable, parameters: Values) -> Rows:
        """Return all rows of one statement, and so of one snapshot."""

    @abstractmethod
    async def found(
        self, prefix: str, keys: Mapping[str, bool], parameters: Values, *, with_text: bool
    ) -> Rows:
        """Return the place and, if asked and short, the text of each of the owner's messages and
        titles with all keys, `limit_` of them at most, in no order. In the index each begins with
        the owner's prefix, and each is told with whether it is only a beginning of one."""

    @abstractmethod
    def told(self, prefix: str, keys: Mapping[str, bool], alternative: str) -> str:
        """Return all keys of the owner with the prefix, or else another one, as HasKeys takes
        them."""

    async def forget_removed(self, limit: int) -> int:  # noqa: ARG002 - where there is more to it
        """Take a step towards an index with nothing in it of what was removed, `limit` texts of it
        at most. Return 0 if there is nothing to do for now, as where it goes with the rows."""
        return 0

    @abstractmethod
    async def empty_index(self) -> None:
        """Forget what the index has, where that is not in the rows themselves."""

    @abstractmethod
    async def write(self, work: Callable[[Connection], T]) -> T:
        """Run `work` in one transaction, perhaps more than once, and return what it returns. If it
        raises, the transaction is rolled back and the error passed on."""

    @abstractmethod
    async def add(
        self, owner: Values, session: Values, messages: Sequence[Values], receipt: Values | None
    ) -> bool:
        """Store the session with its messages and receipt, and count it. Return False, and do
        nothing, if the key has a receipt already, or the owner another session with that external
        id."""

    @abstractmethod
    async def append(
        self, head: Values, messages: Rows, receipt: Values | None
    ) -> Sequence[int] | None:
        """Run RESERVE_ORDERS, store the messages, whose columns are NEW_MESSAGE_COLUMNS, with the
        orders and times that it reserves, and the receipt, and return its row, which has the last
        of both. Return None, and do nothing, if there is no such session or the key has a receipt
        already."""

    @abstractmethod
    async def replace(
        self, named: Named, values: Values, expected: Collection[datetime] | None
    ) -> Rows:
        """Store what a message says, if it exists and has one of the `expected` versions, and run
        TOUCH_SESSION. Return the time that this returns, with the message's columns, new or old.
        Otherwise return no row, and do nothing."""

    @abstractmethod
    async def remove(self, session: Values) -> bool:
        """Remove the session and uncount it. Return False if there is none."""

    @abstractmethod
    async def versions(self, sessions: Collection[tuple[UUID, UUID]]) -> Rows:
        """Return owner, id, last_updated and revision of those of the sessions, given by owner and
        id, that are there."""
