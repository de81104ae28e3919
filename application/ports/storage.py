from abc import abstractmethod
from collections.abc import Sequence
from datetime import datetime
from typing import Protocol
from uuid import UUID

from application.ports.changes import ChangeReader
from application.ports.messages import MessageReader, MessageRepository
from application.ports.removal import Holdings
from application.ports.search import SearchIndex
from application.ports.sessions import SessionReader, SessionRepository
from domain.owner import Owner


class ReadStorage(Protocol):
    """What reads the data of a backend, and its life."""

    @property
    @abstractmethod
    def sessions(self) -> SessionReader: ...

    @property
    @abstractmethod
    def messages(self) -> MessageReader: ...

    @property
    @abstractmethod
    def index(self) -> SearchIndex: ...

    @abstractmethod
    async def open(self) -> None:
        """Make ready to serve; the repositories work from here on. No harm while it is open.

        Raises StorageRefused, whose text is one line for the operator.
        """

    @abstractmethod
    async def check(self) -> None:
        """Raise Unavailable unless the data can be reached and its schema is current."""

    @abstractmethod
    async def close(self) -> None:
        """Finish what was begun and let go. Safe to call more than once."""


class Storage(ReadStorage, Protocol):
    """A backend: two repositories over the same data, what tells of changes, and its life."""

    @property
    @abstractmethod
    def sessions(self) -> SessionRepository: ...

    @property
    @abstractmethod
    def messages(self) -> MessageRepository: ...

    @property
    @abstractmethod
    def changes(self) -> ChangeReader: ...

    @property
    @abstractmethod
    def is_shared(self) -> bool:
        """Whether other processes may write to the same data."""

    @abstractmethod
    async def is_current(self) -> bool:
        """Whether there is nothing for `migrate` to do. Raises StorageRefused where that would, as
        far as a short look tells, which changes nothing and which another process may be beside."""

    @abstractmethod
    async def migrate(self) -> None:
        """Bring the schema up to date while the storage is not open. No harm at any time, from
        any number of processes, and after an interrupted one. Raises StorageRefused."""

    @abstractmethod
    async def holdings(self, owner: Owner) -> Holdings:
        """What is stored of a person, looked up table by table."""

    @abstractmethod
    async def forget_owner(self, owner: Owner) -> int:
        """Forget a person's idempotency keys and, if no session is left, that there is such a
        person. Say how many keys they were."""

    @abstractmethod
    async def idle_sessions(
        self, changed_before: datetime, after: tuple[Owner, UUID] | None, limit: int
    ) -> Sequence[tuple[Owner, UUID]]:
        """Up to `limit` sessions of anyone's whose last change was before that time, in the order
        of owners and ids, those after one of them."""

    @abstractmethod
    async def tend_index(self) -> bool:
        """Take a step, which is soon done, towards an index of all that is stored and nothing
        else, and say whether there is more to do. What this release writes is in the index at
        once; this is for what an earlier one wrote, and for what is slow to forget."""

    @abstractmethod
    async def rebuild_index(self) -> int:
        """Make the index anew, in steps, and say how many texts are in it. While that lasts, not
        every text may be found."""

    @abstractmethod
    async def purge(self, claimed_until: datetime) -> int:
        """Forget the receipts claimed at that time or before, and say how many they were."""
