from abc import abstractmethod
from typing import Protocol

from domain.owner import Owner


class Authenticator(Protocol):
    @abstractmethod
    async def authenticate(self, token: str) -> Owner:
        """Whom a bearer token speaks for.

        Raises InvalidToken for one that does not hold, Unavailable while the keys to check it
        with cannot be had.
        """

    @abstractmethod
    async def check(self) -> None:
        """Raise Unavailable while no token at all could be checked."""
