from abc import abstractmethod
from collections.abc import Callable, Collection, Mapping, Sequence
from datetime import datetime
from typing import Any, Protocol, TypeVar

from sqlalchemy import Connection, Executable

T = TypeVar("T")

Values = Mapping[str, Any]
"""What a statement's parameters stand for, or a table's columns hold."""


Row = Sequence[Any]

Rows = Sequence[Row]
"""As the driver has them: `read` of a column's type makes values of what is there."""


class Database(Protocol):
    """One database, as the repositories need it; its life is the Storage port's.

    Every method may raise Unavailable.
    Once begun a write is carried through, also where the caller is cancelled meanwhile; once it
    returns it is durable. What the two databases run the same way goes through `read` and `write`.
    What SQL puts into one statement on PostgreSQL alone is a method of its own.
    """

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
        """All rows of one statement, and so of one snapshot."""

    @abstractmethod
    async def write(self, work: Callable[[Connection], T]) -> T:
        """Run `work` in one transaction; what it raises undoes that and is raised. It may run more
        than once."""

    @abstractmethod
    async def add(
        self, owner: Values, session: Values, messages: Rows, receipt: Values | None
    ) -> bool:
        """Store the session with its messages in order, the receipt if there is one, and count
        the session. False, and nothing is done, if there is a receipt under that key already.

        Of a message there is what NEW_MESSAGE_COLUMNS says, here and in `append`."""

    @abstractmethod
    async def append(
        self, head: Values, messages: Rows, receipt: Values | None
    ) -> Sequence[int] | None:
        """Run RESERVE_ORDERS and store the messages behind the orders and times it takes, with the
        receipt if there is one, and return its row, the last of both. None, and nothing is done,
        if there is no such session, or a receipt under that key already."""

    @abstractmethod
    async def remove(self, session: Values, expected: Collection[datetime] | None) -> bool:
        """Remove and uncount the session where it is at one of the `expected` versions, if any.
        Else False, and nothing is done."""
