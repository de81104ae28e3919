from abc import abstractmethod
from collections.abc import Callable, Mapping, Sequence
from typing import Any, Protocol, TypeVar

from sqlalchemy import Connection, Row, Select

T = TypeVar("T")


class Database(Protocol):
    """How statements reach one database. Both methods raise Unavailable while it is away."""

    @abstractmethod
    async def read(
        self, statement: Select[Any], parameters: Mapping[str, object]
    ) -> Sequence[Row[Any]]:
        """All rows of one statement, and so of one snapshot."""

    @abstractmethod
    async def write(self, work: Callable[[Connection], T]) -> T:
        """Run `work` in one transaction and return what it returns once that is durable.

        What `work` raises undoes the transaction and is raised. Once begun it is carried through,
        also where the caller is cancelled meanwhile.
        """
