from abc import abstractmethod
from typing import Protocol

from application.ports.messages import MessageRepository
from application.ports.sessions import SessionRepository


class Storage(Protocol):
    """A backend: two repositories over the same data, and its life."""

    @property
    @abstractmethod
    def sessions(self) -> SessionRepository: ...

    @property
    @abstractmethod
    def messages(self) -> MessageRepository: ...

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
